"""Playback of steps and of recorded corrections as a device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitl_clic.device_bench import device_under_test
from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.teacher.playback import PlaybackDevice, Step
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings

MS = 1_000_000
RECORDINGS = Path(__file__).parents[2] / "recordings"
STEPS = [
    Step(0.0, (0.0, 0.0)),
    Step(0.1, (1.0, -0.5), engage=True, teaches=(True, False)),
    Step(0.2, (0.0, 0.0), connected=False),
    Step(0.3, (0.5, 0.0), engage=True),
    Step(0.4, (0.0, 0.0)),
]


def test_a_playback_repeats_the_steps_at_their_times() -> None:
    now_ns = 5 * MS
    device = PlaybackDevice(("x", "y"), STEPS, clock=lambda: now_ns)
    seen = []
    for ms in (0, 99, 100, 199, 200, 350, 400, 9000):
        now_ns = (5 + ms) * MS
        sample = device.read(0.0)
        seen.append((sample.motion, sample.engage, sample.connected, device.ended))
        assert sample.time_ns == now_ns
    rest = ((0.0, 0.0), False, True)
    push = ((1.0, -0.5), True, True)
    assert seen[:4] == [(*rest, False)] * 2 + [(*push, False)] * 2
    assert seen[4:6] == [((0.0, 0.0), False, False, False), ((0.5, 0.0), True, True, False)]
    assert seen[6:] == [(*rest, True)] * 2


def test_a_playback_meets_the_contract_and_validates_its_steps() -> None:
    long = [Step(0.0, (1.0, 0.0), engage=True), Step(5.0, (0.0, 0.0))]
    check_device(lambda: PlaybackDevice(("x", "y"), long), deflect=lambda device: None)
    gone = [Step(0.0, (0.0, 0.0), connected=False), *long[1:]]
    check_device(lambda: PlaybackDevice(("x", "y"), gone), lose=lambda device: None)
    for steps, said in (([], "nothing to play"), (STEPS[::-1], "order"), ([Step(0.0, (1.0,))], "axes x, y")):
        with pytest.raises(ValueError, match=said):
            PlaybackDevice(("x", "y"), steps)


def test_recorded_corrections_are_played_back() -> None:
    recorded = Session.open(RECORDINGS / "oracle")
    settings = SessionSettings.model_validate(dict(recorded.settings.values))
    steps = device_under_test.recorded_steps(recorded, settings)
    driven = [(step, tick) for step, tick in zip(steps, recorded.ticks, strict=False) if tick.human_action is not None]
    assert driven
    for step, tick in driven:
        assert step.engage
        assert tick.correction_mode == "absolute"
        assert np.allclose(step.motion, tick.human_action)
        assert step.at_s == pytest.approx(tick.tick / settings.loop.rate_hz), (
            "ticks of --pace max have the nominal rate"
        )
    assert sum(step.engage for step in steps) == len(driven)
