"""Noise injection: off by default, reproducible, a mixture of episodes, bounded, never in a label."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_clic.control.exploration import Exploration, ExplorationSettings

ACTION = np.array([0.9, -0.2], np.float32)


def run(settings: ExplorationSettings, episode: int, ticks: int = 400, seed: int = 3) -> np.ndarray:
    exploration = Exploration(settings, seed, 2)
    exploration.begin(episode)
    return np.stack([exploration.perturb(ACTION) for _ in range(ticks)])


def test_off_by_default() -> None:
    assert (run(ExplorationSettings(), 0) == ACTION).all()


def test_noised_and_clean_episodes_are_mixed_in_the_share_asked_for() -> None:
    settings = ExplorationSettings(episodes=0.4, chance=0.5)
    noised = [bool((run(settings, episode, 40) != ACTION).any()) for episode in range(300)]
    assert 0.3 < np.mean(noised) < 0.5


def test_perturbations_are_held_bounded_and_reproducible() -> None:
    settings = ExplorationSettings(episodes=1.0, chance=0.1, hold=4, scale=2.0)
    executed = run(settings, 5)
    assert np.abs(executed).max() <= 1
    assert np.array_equal(executed, run(settings, 5))
    assert not np.array_equal(executed, run(settings, 6))
    perturbed = (executed != ACTION).any(1)
    assert 0.1 < perturbed.mean() < 0.4
    again = [i for i in range(1, 400) if perturbed[i] and np.array_equal(executed[i], executed[i - 1])]
    assert again, "a perturbation lasts longer than a tick"


def test_scale_zero_changes_nothing() -> None:
    assert run(ExplorationSettings(episodes=1.0, chance=1.0, scale=0.0), 0) == pytest.approx(np.tile(ACTION, (400, 1)))
