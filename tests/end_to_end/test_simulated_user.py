"""A whole session with a scripted person at an arm: what fingers can do, and what is learnt from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from session_process import SMALL, here

from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings

LATE = 5
"""Ticks of 20 Hz in a quarter of a second."""


def test_a_person_at_an_arm_presses_keys_late_and_is_learnt_for_what_it_saw(tmp_path: Path) -> None:
    out = tmp_path / "session"
    quick = ["--headless", "--pace", "max", "--episodes", "2", "--task-options", "max_steps", "60"]
    quick += ["--schedule", "lockstep", "--training.episode-updates", "5"]
    person = ["--session", "simulated_6dof_user", "--device", "oracle"]
    status, _, problems = here("teach", "--task", "pick_can", *person, *quick, *SMALL, "--out", out)
    assert status == 0, problems
    recorded, settings = Session.open(out), SessionSettings.from_toml(out / "settings.toml")
    speeds = [0.0, 1.0, settings.oracle.precise_scale]
    corrected = [tick for tick in recorded.ticks if tick.state == "correcting"]
    assert {tick.episode for tick in corrected} == {0, 1}
    # wrong from the start, it waits this many steps, and then its hands come late, at full pace too
    assert min(tick.step for tick in corrected) == settings.oracle.patience + LATE
    assert len(corrected) > 30
    assert {tick.correction_mode for tick in corrected} == {"absolute"}
    for tick in corrected:
        assert tick.human_action is not None
        pressed, fingers = np.abs(tick.human_action[:6]), abs(tick.human_action[6])
        assert np.isclose(pressed[:, None], speeds, atol=1e-6).any(axis=1).all(), "keys, at one of two speeds"
        assert np.unique(pressed[pressed > 0]).size <= 1, "all at the same"
        assert fingers == 1.0, "open or shut"
    states = {tick.observation.tobytes(): tick.tick for tick in recorded.ticks}
    begins = {tick.episode: tick.tick for tick in reversed(recorded.ticks)}
    episode = {tick.tick: tick.episode for tick in recorded.ticks}
    assert len(recorded.pairs) > 30
    for pair in recorded.pairs:
        seen = states[np.asarray(pair.state, np.float32).tobytes()]
        assert seen == max(begins[episode[pair.tick]], pair.tick - LATE)
