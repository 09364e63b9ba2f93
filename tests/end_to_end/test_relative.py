"""Whole sessions of corrections that only say "rather this way": what is asked for is what is recorded."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from session_process import SMALL, app, here

from benchmarks.experiment import VARIANTS
from hitl_clic.correction.from_recording import rebuilt_pairs
from hitl_clic.runner.recordings import builder_for, recorded_correction
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_teacher

QUICK = ["--device", "oracle", "--headless", "--pace", "max", "--episodes", "2", "--task-options", "max_steps", "60"]
QUICK += ["--schedule", "lockstep", "--training.episode-updates", "5"]
AT_ONCE = ["--oracle.latency-s", "0"]  # seconds are many ticks at full pace
EACH_BY_ITSELF = [
    "--correction.label-average-s",
    "0",
    "--correction.no-implicit-approval",
    "--correction.policy-filter-s",
    "0",
]
"""Of a person's keys each press is read by itself, not as a part of what hands mean in a while."""


@pytest.mark.parametrize(
    "asked",
    [
        ["--config", VARIANTS / "relative.toml"],
        ["--session", "simulated_keyboard_user", *AT_ONCE, *EACH_BY_ITSELF],
        ["--correction.mode", "relative"],
    ],
    ids=["the benchmark's variant", "a person's fingers", "the command line"],
)
def test_every_correction_is_relative_from_the_device_to_the_pair(asked: list[object], tmp_path: Path) -> None:
    out = tmp_path / "session"
    status, _, problems = here("teach", "--task", "push_t", *asked, *SMALL, *QUICK, "--out", out)
    assert status == 0, problems
    recorded, settings = Session.open(out), SessionSettings.from_toml(out / "settings.toml")
    corrected = [tick for tick in recorded.ticks if tick.human_action is not None]
    assert len(recorded.pairs) > 2
    assert {pair.correction_mode for pair in recorded.pairs} == {"relative"}
    assert {tick.correction_mode for tick in corrected} == {"relative"}
    for tick in corrected:
        assert tick.human_action is not None
        assert tick.taught.any()
        assert np.array_equal(tick.executed, tick.human_action)
        # a scripted teacher who is content points nowhere; keys of a person a moment late may point to the range's end
        if not settings.oracle.press_steps:
            assert np.linalg.norm(tick.human_action - tick.robot_action) > 0.99 * settings.oracle.threshold


def test_a_person_who_pushes_and_holds_on_teaches_what_happens(tmp_path: Path) -> None:
    """Each label is the mean of what was done in the next 0.4 s of its correction, pushed or let pass."""
    out = tmp_path / "session"
    longer = ["200" if word == "60" else word for word in QUICK]
    words = ["--session", "simulated_keyboard_user", *AT_ONCE, "--oracle.threshold", "0.9"]
    status, _, problems = here("teach", "--task", "push_t", *words, *SMALL, *longer, "--out", out)
    assert status == 0, problems
    recorded = Session.open(out)
    pairs = {pair.tick: pair for pair in recorded.pairs}
    assert {pair.correction_mode for pair in pairs.values()} == {"absolute"}
    held_on = 0
    for driven, stretch in groupby(recorded.ticks, lambda tick: (tick.episode, tick.state == "correcting")):
        correction = list(stretch) if driven[1] else []
        first = next((place for place, tick in enumerate(correction) if tick.human_action is not None), len(correction))
        for place in range(first, len(correction)):
            tick = correction[place]
            if tick.plan_tick != tick.tick:  # a pair begins where a plan was made
                continue
            done = [other.executed for other in correction[place : place + 4]]
            np.testing.assert_allclose(pairs[tick.tick].human[0], np.mean(done, axis=0), atol=1e-6)
            held_on += tick.human_action is None
    assert held_on > 5

    pushed = {tick.tick for tick in recorded.ticks if tick.human_action is not None}
    kept = [pair for pair in recorded.pairs if pair.tick in pushed]
    builder = builder_for(recorded, recorded_correction(recorded))
    anew = rebuilt_pairs(recorded.ticks, recorded.plans, kept, builder)
    assert sorted(pair.tick for pair in anew) == sorted(pairs), "a recording tells what was let pass"
    for pair in anew:
        for name in ("state", "robot", "human", "mask"):
            np.testing.assert_array_equal(getattr(pair, name), getattr(pairs[pair.tick], name))


@pytest.mark.realtime
@pytest.mark.parametrize(("late_s", "ticks"), [(0.25, 2), (0.15, 1)])
def test_a_late_teachers_correction_is_learnt_for_the_state_it_answers(
    late_s: float, ticks: int, tmp_path: Path
) -> None:
    """At 10 Hz in real time. The teacher pushes from a^r to a*, of the state it saw: there a^h is a*, elsewhere not."""
    out = tmp_path / "session"
    settings = ["--device", "oracle", "--headless", "--episodes", "1", "--task-options", "max_steps", "70"]
    late = ["--oracle.latency-s", late_s, "--correction.reaction-time-s", late_s, "--correction.mode", "relative"]
    status, _, problems = app("teach", "--task", "push_t", *settings, *late, *SMALL, "--out", out)
    assert status == 0, problems
    recorded, teacher = Session.open(out), make_teacher("push_t")
    seen = {tick.tick: tick.stimulus_tick for tick in recorded.ticks}
    assert len(recorded.pairs) > 20
    right = []
    for pair in recorded.pairs:
        assert seen[pair.tick] == max(0, pair.tick - ticks)
        if np.abs(pair.human[0]).max() < 1.0:  # else it may have been cut
            right.append(np.allclose(pair.human[0], teacher.action(pair.state), atol=1e-4))
    assert np.mean(right) > 0.8, "but for a thread that woke late"
