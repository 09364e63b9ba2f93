"""Sessions taught by real key and mouse events in the real window, under a virtual display."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import groupby, pairwise, takewhile
from pathlib import Path

import numpy as np
import pytest
import session_process
from session_process import FLUSHED, LIVELY, SMALL, app, finish, journal_of, live_ticks, pairs_in, start, until

from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.correction.mapping import PERSON_MAX_STEP
from hitl_clic.session.reader import Session
from hitl_clic.types.records import TickRecord
from tools.virtual_display import MISSING, xdotool

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.realtime]
PERIOD_S = 0.1
SLACK_S = 0.4
"""Beyond one tick: for xdotool, the X server and the window to pass an event on, on a busy machine."""
WINDOW = WindowSettings()
TEACH = ["teach", "--task", "push_t", "--pace", "realtime", "--episodes", "3", *SMALL, *LIVELY, *FLUSHED]


def focus(display: str, process: subprocess.Popen[str]) -> str:
    """Wait for the window and give it the focus; its id."""
    found = until(lambda: xdotool(display, "search", "--class", "hitl-clic").split(), process, "the window's opening")
    xdotool(display, "windowfocus", "--sync", found[0])
    return str(found[0])


def since_handed_back(out: Path) -> int:
    """How many ticks the robot has driven since a person last did, as far as they are on disk; 0 if none has yet."""
    ticks = live_ticks(out)
    alone = len(list(takewhile(lambda tick: tick.state == "autonomous", reversed(ticks))))
    return alone if alone < len(ticks) else 0


def taught(
    display: str, out: Path, device: str, take_over: Callable[[str], None], hand_back: Callable[[str], None]
) -> tuple[int, int]:
    """A session in which a person takes over for a while; just before and after that, `perf_counter_ns`."""
    session = start(*TEACH, "--device", device, "--out", out, display=display)
    try:
        window = focus(display, session)
        until(lambda: any(tick.connected for tick in live_ticks(out)[5:]), session, "the first ticks with a device")
        took_ns = time.perf_counter_ns()
        take_over(window)
        until(lambda: len(pairs_in(journal_of(out))) >= 8, session, "the first pairs")
        let_go_ns = time.perf_counter_ns()
        hand_back(window)
        until(lambda: since_handed_back(out) >= 10, session, "the robot's going on")
        xdotool(display, "key", "F10")
        until(lambda: (out / "window.png").exists(), session, "the summary")
        xdotool(display, "key", "F10")  # closes the summary page
        status, _, problems = finish(session)
    finally:
        session.kill()
    assert status == 0, problems
    assert "Traceback" not in problems
    return took_ns, let_go_ns


def check(out: Path, took_ns: int, let_go_ns: int) -> list[TickRecord]:
    """What holds for any hand: who drove when, plans after the release, pairs, and that it happens again exactly."""
    recorded = Session.open(out)
    stretches = [(state, list(ticks)) for state, ticks in groupby(recorded.ticks, lambda tick: tick.state)]
    assert [state for state, _ in stretches] == ["autonomous", "correcting", "autonomous"]
    (_, before), (_, driven), (_, after) = stretches
    assert before[-1].time_ns - took_ns < (PERIOD_S + SLACK_S) * 1e9, "the human drives on the next tick"
    assert driven[0].time_ns > took_ns
    assert driven[-1].time_ns - let_go_ns < (PERIOD_S + SLACK_S) * 1e9, "and no longer than wanted"
    assert all(tick.connected for tick in driven)

    fresh = next(tick for tick in after if tick.plan_tick >= 0)
    assert fresh.plan_tick >= after[0].tick, "the robot goes on from what it sees now"
    assert all(not tick.executed.any() for tick in after[: after.index(fresh)])
    assert fresh.tick - after[0].tick <= 3
    handed = after[max(0, after.index(fresh) - 1) :][:6]
    for earlier, later in pairwise(handed):
        step = float(np.abs(later.executed - earlier.executed).max())
        assert np.array_equal(later.executed, later.robot_action) or step <= PERSON_MAX_STEP + 1e-6, (
            "a bounded hand-over"
        )
    assert any(np.array_equal(tick.executed, tick.robot_action) for tick in handed[1:]), "which is soon over"

    summary = json.loads((out / "summary.json").read_text())
    assert summary["pairs"]["made"] == summary["pairs"]["ingested"] >= 8
    assert summary["pairs"]["dropped"] == 0
    assert {pair.tick for pair in recorded.pairs} <= {tick.tick for tick in driven}
    assert (out / "window.png").stat().st_size > 10_000
    machines = (
        "device_lost",
        "device_back",
        "learner_lost",
        "learner_back",
        "search_changed",
    )  # a loaded machine may add these behind it
    assert [event.name for event in recorded.events if event.name not in machines][-1] == "quit"
    status, said, _ = app("replay", out, "--verify")
    assert status == 0, said
    return driven


def test_a_keyboard_session(display: str, tmp_path: Path) -> None:
    out = tmp_path / "session"
    times = taught(
        display,
        out,
        "keyboard",
        lambda _: xdotool(display, "keydown", "space", "keydown", "d") and None,
        lambda _: xdotool(display, "keyup", "space", "keyup", "d") and None,
    )
    driven = check(out, *times)
    held = driven[2:-2]  # two keys do not go down in the same instant
    assert len(held) > 3
    assert all(np.array_equal(tick.executed, [1.0, 0.0]) for tick in held), "full speed to the right"
    assert all(np.array_equal(tick.taught, [1.0, 1.0]) for tick in held)
    assert held[-1].observation[0] != held[0].observation[0]

    showing = start("replay", out, display=display)
    try:
        focus(display, showing)
        xdotool(display, "key", "Right")
        time.sleep(0.3)
        xdotool(display, "key", "F10")
        status, _, problems = finish(showing)
    finally:
        showing.kill()
    assert status == 0, problems


def test_a_mouse_session(display: str, tmp_path: Path) -> None:
    out = tmp_path / "session"
    board = Layout.of((WINDOW.width, WINDOW.height), (512.0, 512.0)).board
    up = board.height // 5  # well beyond the reach of a drag: full deflection

    def press_and_drag(window: str) -> None:
        xdotool(display, "mousemove", "--window", window, board.centerx, board.centery, "mousedown", 1)
        xdotool(display, "mousemove", "--window", window, board.centerx, board.centery - up)

    times = taught(display, out, "mouse", press_and_drag, lambda _: xdotool(display, "mouseup", 1) and None)
    held = check(out, *times)[3:-2]
    assert len(held) > 3
    for tick in held:
        assert tick.executed == pytest.approx([0.0, -1.0], abs=0.02), "full speed up, where y points down"


@pytest.mark.skipif(find_spec("robosuite") is None, reason="needs robosuite (pip install -e '.[arms]')")
@pytest.mark.timeout(600)
def test_an_arm_is_taught_by_keys(display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pick-Can: right in its picture is the world's y; the gripper shuts; then the wrist leans to the right."""
    monkeypatch.setattr(session_process, "PATIENCE_S", 240.0)  # the simulator takes its time to start
    out = tmp_path / "session"
    flags = ["--task", "pick_can", *SMALL, *LIVELY, *FLUSHED, "--device", "keyboard", "--out", out]
    session = start("teach", *flags, display=display)

    def taught(axis: int) -> Callable[[], bool]:
        return lambda: sum(pair.mask[0, axis] > 0 for pair in pairs_in(journal_of(out))) >= 3

    try:
        focus(display, session)
        until(lambda: any(tick.connected for tick in live_ticks(out)[5:]), session, "the first ticks with a device")
        xdotool(display, "keydown", "space", "keydown", "d")
        until(taught(1), session, "moving")
        xdotool(display, "key", "g")
        until(taught(6), session, "the gripper's command")
        xdotool(display, "keydown", "Control_L")
        until(taught(4), session, "leaning")
        # Space first: a tick between two keys then is the robot's, not one more correction by fewer keys
        xdotool(display, "keyup", "space", "keyup", "d", "keyup", "Control_L")
        until(lambda: since_handed_back(out) >= 10, session, "the robot's going on")
        xdotool(display, "key", "F10")
        until(lambda: (out / "window.png").exists(), session, "the summary")
        xdotool(display, "key", "F10")
        status, _, problems = finish(session)
    finally:
        session.kill()
    assert status == 0, problems

    recorded = Session.open(out)
    moving, leaning = (1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1)
    pushed = [tick for tick in recorded.ticks if tick.human_action is not None and np.ptp(tick.human_action[:6]) >= 1.0]
    assert [hand for hand, _ in groupby(tuple(tick.taught[:6].astype(int)) for tick in pushed)] == [moving, leaning]
    for tick in pushed:
        human = tick.human_action
        assert human is not None
        assert np.array_equal(human[tick.taught == 0], tick.robot_action[tick.taught == 0]), "the robot keeps the rest"
        if tick.taught[1]:
            assert human[:3] == pytest.approx([1, 0, 0], abs=1e-6)
        else:
            assert human[3:6] == pytest.approx([0, 1, 0], abs=1e-6)
        assert tick.taught[6] == 0 or human[6] == 1.0, "shut"
    assert {tuple(pair.mask[0, :6].astype(int)) for pair in recorded.pairs} >= {moving, leaning}
    assert any(pair.mask[0, 6] for pair in recorded.pairs)
