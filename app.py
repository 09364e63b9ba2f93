"""HITL-CLIC: teach a simulated robot live. `python app.py --help` lists the commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hitl_clic.cli import parse as cli
from hitl_clic.types.errors import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 2 bad settings or input, 1 failed otherwise."""
    command = cli.parse(sys.argv[1:] if argv is None else argv)
    try:
        return _run(command)
    except SettingsError as error:
        cli.refuse(error)


def _run(command: cli.Command) -> int:
    """Each command loads only what it needs."""
    match command:
        case cli.TeachCommand(settings):
            from hitl_clic.cli import teach

            return teach.run(settings)
        case cli.PracticeCommand(settings):
            from hitl_clic.cli import practice

            return practice.run(settings)
        case cli.DemoCommand(settings, headless_given):
            from hitl_clic.cli import demo

            return demo.run(settings, headless_given)
        case cli.LearnerCommand(bind, out, settings, child):
            from hitl_clic.cli import learner

            return learner.run(bind, out, settings, child)
        case cli.LearnCommand(sessions, updates, episodes, settings):
            from hitl_clic.cli import learn

            return learn.run(sessions, updates, episodes, settings)
        case cli.EvaluateCommand(source, episodes, seed, as_json, overlap, lead, execute, inference):
            from hitl_clic.cli import evaluate

            return evaluate.run(source, episodes, seed, as_json, overlap, lead, execute, inference)
        case cli.ReplayCommand(session, verify, headless, as_json):
            from hitl_clic.cli import replay

            return replay.run(session, verify, headless, as_json)
        case cli.LinkKeysCommand(folder):
            from hitl_clic.cli import link_keys as keys

            return keys.run(folder)
        case cli.UncertaintyCommand(sessions, within, alarms, out):
            from hitl_clic.cli import uncertainty as uncertainty

            return uncertainty.run(sessions, within, alarms, out)
        case cli.DevicesCommand() if command.test:
            from hitl_clic.device_bench import run as device_bench

            return device_bench.run(command)
        case cli.DevicesCommand(device, _, task, profile, config):
            from hitl_clic.cli import devices

            return devices.print_keys(device, task, profile, config) if device else devices.run()
        case cli.BenchCommand(only, seconds):
            from hitl_clic.cli import bench

            return bench.run(only, seconds)


if __name__ == "__main__":
    sys.exit(main())
