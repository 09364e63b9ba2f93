"""`hitl-clic COMMAND`, also `python -m hitl_clic COMMAND`: one command, and how its errors reach the person.

Main thread. Exit status: 0 done; 1 a fault, its traceback in `crash.log`, or a check that did not pass; 2 what the
person can mend; 130 ended with Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hitl_clic.cli import parse
from hitl_clic.types.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status.

    Raises:
        SystemExit: 0 after help, 2 after one line about what the person can mend.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = parse.parse(arguments)
    try:
        return _run(command)
    except UserError as error:
        parse.refuse(error)
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: ended with Ctrl-C\n")
        return 130
    except Exception as error:
        return _fault(error, command, arguments)


PROGRAM = "hitl-clic"


def _fault(error: Exception, command: parse.Command, arguments: Sequence[str]) -> int:
    """Say in one line what broke and where its traceback is."""
    from hitl_clic.runner.crash_log import write_crash_log

    settings = getattr(command, "settings", None)
    folder: Path | None = getattr(command, "out", None) or getattr(settings, "out", None)
    try:
        where = f"the traceback is in {write_crash_log(error, folder, [PROGRAM, *arguments])}"
    except OSError as unwritable:
        where = f"its traceback could not be written ({unwritable})"
    sys.stderr.write(f"{PROGRAM}: {type(error).__name__}: {_line(error)}; {where}\n")
    return 1


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no more is known"


def _run(command: parse.Command) -> int:
    """Each command loads only what it needs."""
    match command:
        case parse.TeachCommand(settings):
            from hitl_clic.cli import teach

            return teach.run(settings)
        case parse.PracticeCommand(settings):
            from hitl_clic.cli import practice

            return practice.run(settings)
        case parse.DemoCommand(settings, headless_given):
            from hitl_clic.cli import demo

            return demo.run(settings, headless_given)
        case parse.LearnerCommand(settings, bind, out, child):
            from hitl_clic.cli import learner

            return learner.run(bind, out, settings, child)
        case parse.LearnCommand(settings, sessions, updates, episodes):
            from hitl_clic.cli import learn

            return learn.run(sessions, updates, episodes, settings)
        case parse.EvaluateCommand():
            from hitl_clic.cli import evaluate

            return evaluate.run(command)
        case parse.ReplayCommand(session, verify, headless, as_json):
            from hitl_clic.cli import replay

            return replay.run(session, verify, headless, as_json)
        case parse.LinkKeysCommand(folder):
            from hitl_clic.cli import link_keys

            return link_keys.run(folder)
        case parse.UncertaintyCommand(sessions, within, alarms, out):
            from hitl_clic.cli import uncertainty

            return uncertainty.run(sessions, within, alarms, out)
        case parse.DevicesCommand() if command.test:
            from hitl_clic.cli import devices

            return devices.test(command)
        case parse.DevicesCommand(device, _, task, profile, config):
            from hitl_clic.cli import devices

            return devices.print_keys(device, task, profile, config) if device else devices.run()
        case parse.BenchCommand(only, seconds):
            from hitl_clic.cli import bench

            return bench.run(only, seconds)


if __name__ == "__main__":
    raise SystemExit(main())
