"""Sessions in a real terminal without a display: the terminal as a device, and as the source of commands."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pty_process import ROOT, PtyProcess
from session_process import FLUSHED, LIVELY, SMALL, app, live_ticks

from hitl_clic.session.reader import Session

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal as Linux and macOS have them"),
    pytest.mark.realtime,
]
TEACH = ("teach", "--task", "push_t", "--pace", "realtime", "--episodes", "3", *SMALL, *LIVELY, *FLUSHED)


@contextmanager
def session(out: Path, device: str) -> Iterator[PtyProcess]:
    running = PtyProcess([sys.executable, ROOT / "app.py", *TEACH, "--device", device, "--out", out])
    try:
        running.until(lambda: live_ticks(out)[3:], "the first ticks")
        yield running
    finally:
        running.close()


def states(out: Path) -> list[str]:
    return [tick.state for tick in live_ticks(out)]


def end(running: PtyProcess) -> None:
    running.type("\x1b[21~")
    assert running.process.wait(60.0) == 0
    assert running.restored()


def test_arrow_keys_teach_in_a_terminal(tmp_path: Path) -> None:
    out = tmp_path / "session"
    with session(out, "terminal") as running:
        running.type("v")
        running.until(lambda: "█" in running.said and "░" in running.said, "the scene as text")

        def pushed() -> bool:
            running.type("\x1b[C")
            return "correcting" in states(out)

        running.until(pushed, "the correction")
        running.until(lambda: states(out)[-1] == "autonomous", "the return to the robot")
        end(running)
    recorded = Session.open(out)
    taught = [tick for tick in recorded.ticks if tick.state == "correcting"]
    assert any(tick.human_action is not None and tick.human_action[0] > 0.0 for tick in taught)
    status, said, _ = app("replay", out, "--verify")
    assert status == 0, said


@pytest.mark.parametrize("device", ["oracle"])
def test_any_session_takes_commands_from_its_terminal(tmp_path: Path, device: str) -> None:
    out = tmp_path / "session"
    with session(out, device) as running:
        running.type("\x1b")
        running.until(lambda: "EMERGENCY" in running.said.upper(), "the stop")
        seen = len(states(out))
        running.type("c")
        running.until(lambda: "Stop cleared" in running.said, "the end of the stop")
        running.type("p")
        running.until(lambda: len(states(out)) > seen + 5, "going on")
        end(running)
    names = [event.name for event in Session.open(out).events]
    assert [name for name in names if name in ("stop", "clear_stop", "pause", "quit")] == [
        *("stop", "clear_stop", "pause", "quit")
    ]


def test_a_killed_session_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with session(tmp_path / "session", "terminal") as running:
        assert running.by_key()
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(30.0)
        running.until(running.restored, "the restoration", 10.0)


def test_the_bench_reads_the_terminal_as_a_device() -> None:
    running = PtyProcess([sys.executable, ROOT / "app.py", "devices", "--test", "terminal", "--seconds", "20"])
    try:
        running.until(lambda: "drives" in running.said or "at rest" in running.said, "the table")
        running.until(running.by_key, "the look at the terminal")
        running.type("\x1b[C1")
        running.until(lambda: "+1.000" in running.said, "the motion to the right")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30.0) == 0
        assert "x +0.00 to +1.00" in running.said
        assert running.restored()
    finally:
        running.close()


def test_without_a_terminal_there_is_one_clear_error(tmp_path: Path) -> None:
    status, _, problems = app(*TEACH, "--device", "terminal", "--out", tmp_path / "session")
    assert status != 0
    assert "no terminal" in problems
    assert "ssh -t" in problems
    assert len(problems.strip().splitlines()) == 1
