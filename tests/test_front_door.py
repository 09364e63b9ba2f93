"""The front door for programs: names or objects, typed results, and a process that is left as it was."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hitl_clic as hc
from hitl_clic import __main__ as command_line
from hitl_clic.cli import commands
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.os_scheduling import current_slice
from hitl_clic.runner.learning import LearnOverrides
from hitl_clic.runner.session_settings import Overrides
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.tasks.line.line_following import LineFollowing
from hitl_clic.tasks.registry import make_teacher
from hitl_clic.types.records import Array, EpisodeRecord

ROOT = Path(__file__).resolve().parents[1]
SMALL: dict[str, Any] = {
    "policy": {
        "negatives": {"samples": 16, "steps": 1},
        "inference": {"candidates": 64, "chains": 8, "refine_steps": 2},
        "network": {"hidden": [16, 16], "trunk": [16]},
        "min_pairs": 8,
        "batch": 8,
    },
    "loop": {"updates_per_tick": 0.1},
    "recording": {"flush_s": 0.1},
}
"""A method so small that everything but the method is what takes time."""


class OwnTask(LineFollowing):
    """A stranger's task: no preset, no registered teacher."""


class Breaking(OwnTask):
    """A task whose simulator breaks at its 30th step."""

    steps = 0

    def step(self, action: Array) -> Any:
        self.steps += 1
        if self.steps == 30:
            raise ArithmeticError("the solver diverged")
        return super().step(action)


class Pusher(Device):
    """A stranger's device: drives always, to the right."""

    name, axes = "pusher", ("x", "y")

    def __init__(self) -> None:
        super().__init__(100.0)

    def read(self, timeout_s: float) -> DeviceSample:
        self._closing.wait(timeout_s)
        return DeviceSample(time_ns=self.idle().time_ns, motion=(1.0, 0.0), engage=True)


def teacher() -> Any:
    return make_teacher("line_following").action


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> hc.SessionSummary:
    """A session of two short episodes, shared and never changed."""
    return hc.teach(
        "line_following",
        "oracle",
        episodes=2,
        pace="max",
        task_options={"max_steps": 60},
        settings=SMALL,
        out=tmp_path_factory.mktemp("taught") / "session",
    )


def test_the_door_is_light_and_has_what_it_says() -> None:
    code = "import sys, hitl_clic; print([m for m in ('torch', 'pygame', 'mujoco', 'pydantic') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert {"teach", "evaluate", "Session", "Policy", "UserError"} <= set(dir(hc))
    for name in hc.__all__:
        assert getattr(hc, name).__name__ == name
    with pytest.raises(AttributeError, match="teahc"):
        hc.teahc  # noqa: B018


def test_every_setting_is_a_keyword() -> None:
    assert set(SessionSettings.model_fields) - {"task", "device"} <= set(Overrides.__annotations__)


def test_what_learning_may_change_is_a_setting() -> None:
    assert set(LearnOverrides.__annotations__) <= set(SessionSettings.model_fields)


def test_teach_prints_nothing_and_gives_its_figures(
    taught: hc.SessionSummary, capfd: pytest.CaptureFixture[str]
) -> None:
    assert capfd.readouterr().out == ""
    assert taught.episodes == len(taught.success) == len(taught.timesteps) == 2
    assert taught.success_rate == np.mean(taught.success)
    assert json.loads((taught.folder / "summary.json").read_text())["ticks"] == taught.ticks == taught.timesteps.sum()
    session = hc.Session.open(taught.folder)
    assert (len(session.ticks), len(session.episodes)) == (taught.ticks, 2)
    assert len(session.pairs) == taught.pairs_made > 0


def test_what_was_taught_is_evaluated_learnt_from_and_verified(taught: hc.SessionSummary, tmp_path: Path) -> None:
    found = hc.evaluate(taught.folder, episodes=2, seed=5)
    assert found.rows["seed"].tolist() == [5, 6]
    assert found.rows["success"].mean() == found.success_rate
    low, high = found.success_interval
    assert 0.0 <= low <= found.success_rate <= high <= 1.0
    policy = hc.Policy.load(taught.folder)
    chunk = policy.plan(hc.Session.open(taught.folder).ticks[0].observation)
    assert chunk.actions.shape == (policy.horizon, policy.dim_a)
    assert np.abs(chunk.actions).max() <= 1.0
    with pytest.raises(hc.UserError, match=r"observation of shape \[1\] is not allowed"):
        policy.plan([0.0])
    learnt = hc.learn([taught.folder], method="bc", updates=5, out=tmp_path / "bc")
    assert learnt.pairs == taught.pairs_made
    assert hc.Policy.load(learnt.folder).settings.method == "bc"
    again = hc.replay(taught.folder, verify=True)
    assert again.ok
    assert again.report is not None
    assert again.report.ticks_checked == again.summary.ticks == taught.ticks


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epsiodes": 1}, "epsiodes = 1 is not a setting; did you mean episodes?"),
        ({"task": "push"}, "task = push is not allowed; allowed: .*push_t"),
        ({"device": "oracel"}, "device = oracel is not allowed; allowed: oracle"),
        ({"device": 3}, "device = 3 is not allowed; allowed: a name, or an object of Device"),
        ({"settings": {"gate": {"mod": "hold"}}}, "gate.mod = hold is not a setting; did you mean mode?"),
        ({"preset": "demmo"}, "session = demmo is not allowed; allowed: .*demo"),
        ({"task_options": {"lines": 3}}, "task_options = lines is unknown to line_following; allowed: "),
        ({"task": OwnTask(), "device": "oracle"}, "device = oracle needs a scripted teacher of .*OwnTask"),
    ],
)
def test_what_a_person_can_mend_is_a_user_error(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(hc.UserError, match=said) as refused:
        hc.teach(**{"task": "line_following", "pace": "max", "out": tmp_path / "out", "settings": SMALL, **given})
    assert "\n" not in str(refused.value)


def test_occupied_folders_and_what_is_no_recording_are_user_errors(taught: hc.SessionSummary, tmp_path: Path) -> None:
    with pytest.raises(hc.UserError, match="holds a session already"):
        hc.teach("line_following", "oracle", pace="max", out=taught.folder)
    for refuse in (hc.evaluate, hc.replay, hc.Policy.load, hc.learn):
        with pytest.raises(hc.UserError, match=str(tmp_path)):
            refuse(tmp_path)


def test_objects_are_as_good_as_names(tmp_path: Path) -> None:
    """On a stranger's task with a teacher function, stopped by a rule, from a thread that is not the main one."""
    seen: list[EpisodeRecord] = []
    found: list[hc.SessionSummary] = []

    def work() -> None:
        found.append(
            hc.teach(
                OwnTask(max_steps=40),
                "oracle",
                teacher=teacher(),
                episodes=50,
                pace="max",
                settings=SMALL,
                out=tmp_path / "own",
                on_episode=seen.append,
                stop=lambda so_far: so_far.episodes >= 2,
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(120)
    (summary,) = found
    assert [record.episode for record in seen] == [0, 1]
    assert summary.episodes == 2
    assert hc.Session.open(summary.folder).settings.task == f"{__name__}:OwnTask"
    with pytest.raises(hc.UserError, match="OwnTask was an object; in Python, give task="):
        hc.evaluate(summary.folder, episodes=1)
    alone = hc.evaluate(summary.folder, episodes=1, task=OwnTask(max_steps=40))
    assert np.isnan(alone.l2_error_per_step), "there is no teacher to tell"
    assert np.isfinite(
        hc.evaluate(summary.folder, episodes=1, task=OwnTask(max_steps=40), teacher=teacher()).l2_error_per_step
    )
    assert hc.replay(summary.folder, verify=True, task=OwnTask(max_steps=40)).ok


def process_state() -> tuple[Any, ...]:
    return (
        signal.getsignal(signal.SIGINT),
        gc.get_freeze_count(),
        sys.getswitchinterval(),
        torch.get_num_threads(),
        current_slice(),
    )


@pytest.mark.parametrize("pace", ["max", "realtime"])
def test_a_session_leaves_the_process_as_it_was(pace: Any, tmp_path: Path) -> None:
    """A stranger's device drives. In real time the process changes while the session runs; at full pace it does not."""
    before, during = process_state(), list[tuple[Any, ...]]()
    summary = hc.teach(
        OwnTask(max_steps=5),
        Pusher(),
        episodes=1,
        pace=pace,
        settings=SMALL,
        out=tmp_path / "session",
        on_episode=lambda episode: during.append(process_state()),
    )
    assert summary.episodes == 1
    assert hc.Session.open(summary.folder).settings.device == f"{__name__}:Pusher"
    assert process_state() == before
    changed = [now != then for now, then in zip(during[0][:3], before[:3], strict=True)]
    assert changed == [pace == "realtime"] * 3


def test_practice_drives_a_task_without_learning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = hc.practice("line_following", "oracle", pace="max", episodes=1, task_options={"max_steps": 20})
    assert [episode.timesteps for episode in result.episodes] == [20]
    assert list(tmp_path.iterdir()) == [], "nothing is recorded"


def test_a_fault_exits_with_1_and_leaves_its_traceback_and_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "session"
    settings = load(overrides={**SMALL, "task": "line_following", "device": "oracle", "pace": "max", "headless": True})
    monkeypatch.setattr(
        "hitl_clic.tasks.registry.make_task", lambda name, environment=None, **options: Breaking(**options)
    )
    monkeypatch.setattr(
        "hitl_clic.cli.parse.parse",
        lambda argv: commands.TeachCommand(settings.model_copy(update={"out": out})),
    )
    assert command_line.main(["teach"]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].endswith(f"ArithmeticError: the solver diverged; the traceback is in {out / 'crash.log'}")
    log = (out / "crash.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "in step" in log
    assert "ArithmeticError: the solver diverged" in log
    recorded = hc.Session.open(out)
    assert not recorded.truncated
    assert [tick.tick for tick in recorded.ticks] == list(range(29))
    assert json.loads((out / "summary.json").read_text())["ticks"] == 29


def test_a_fault_without_a_session_goes_to_the_working_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def break_down(command: commands.DevicesCommand) -> int:
        raise OSError("no USB")

    monkeypatch.setattr("hitl_clic.cli.devices.run", break_down)
    assert command_line.main(["devices"]) == 1
    assert str(Path("runs") / "crash.log") in capsys.readouterr().err
    assert "no USB" in (tmp_path / "runs" / "crash.log").read_text()
    monkeypatch.setattr("hitl_clic.cli.devices.run", lambda command: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command_line.main(["devices"]) == 130


def test_a_bad_flag_exits_with_2_in_one_line() -> None:
    command = [sys.executable, "-m", "hitl_clic", "teach", "--episodes", "none"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "episodes = none is not allowed; allowed: a whole number from 1 to 1000000" in done.stderr


def test_a_session_begins_with_at_most_twelve_lines() -> None:
    from hitl_clic.cli.teach import LINES, opening

    few = opening(load(overrides={"task": "push_t", "device": "oracle", "out": "runs/x", "loop": {"rate_hz": 7.0}}))
    assert few[0].startswith("push_t with clic, device oracle, H = ")
    assert any("loop.rate_hz = 7.0" in line for line in few)
    assert few[-1] == "session folder: runs/x"
    many = opening(load(session="fifty_hertz", overrides={**SMALL, "task": "push_t", "out": "runs/x"}))
    assert len(many) == LINES
    assert "more, all in runs/x/settings.toml" in many[-2]


def test_a_session_without_an_episode_says_so(taught: hc.SessionSummary, capsys: pytest.CaptureFixture[str]) -> None:
    from hitl_clic.cli.teach import report
    from hitl_clic.session.summary import SummaryBuilder

    report(hc.SessionSummary.of(taught.folder, SummaryBuilder().summary()))
    said = capsys.readouterr().out
    assert "before an episode was finished" in said
    assert "in the last" not in said


@pytest.mark.parametrize(("by_script", "teacher"), [(True, "the scripted teacher"), (False, "you")])
def test_a_session_says_who_taught(
    taught: hc.SessionSummary, by_script: bool, teacher: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from hitl_clic.cli.teach import report

    report(taught, by_script)
    assert f"\n{teacher} drove at " in capsys.readouterr().out


def test_the_example_runs_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(
        "episodes = 1\n[policy]\nmin_pairs = 8\nbatch = 8\n[policy.negatives]\nsamples = 16\nsteps = 1\n"
        "[loop]\nupdates_per_tick = 0.05\n[task_options]\nmax_steps = 40\n"
    )
    command = [sys.executable, str(ROOT / "examples" / "teach_and_evaluate.py"), "small.toml"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "equal bit for bit" in done.stdout
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_ctrl_c_at_full_pace_exits_with_130_and_keeps_the_recording(tmp_path: Path) -> None:
    config, out = tmp_path / "small.toml", tmp_path / "session"
    config.write_text(load(overrides={**SMALL, "task": "line_following", "out": out}).to_toml())
    command = [sys.executable, "-m", "hitl_clic", "teach", "--config", str(config), "--device", "oracle"]
    process = subprocess.Popen(
        [*command, "--headless", "--pace", "max"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    try:
        assert process.stdout is not None
        while "episode 1" not in (line := process.stdout.readline()):
            assert line, process.communicate()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not hc.Session.open(out).truncated
