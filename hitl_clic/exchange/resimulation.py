"""An episode simulated again from its first snapshot, for what a recording does not hold. The caller's thread.

robomimic keeps the simulator's state before each step and the observation after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitl_clic.exchange.episode import ACTION, STATE, Episode
from hitl_clic.tasks.task import Task
from hitl_clic.types.playback import Playback


@dataclass(frozen=True, slots=True, eq=False)
class Resimulated:
    """What a simulation again gives.

    Attributes:
        last: the observation after the last step, float32 [dim_o].
        states: float64 [T, n], the simulator's state before each step; None where no other tool could restore it.
        playback: how to rebuild the simulator.
    """

    last: NDArray[np.float32]
    states: NDArray[np.float64] | None = None
    playback: Playback | None = None


def resimulate(task: Task, episode: Episode) -> Resimulated:
    """Simulate an episode again.

    Without a snapshot of its first tick, or of an older version's simulator, there are no states, and the last
    observation of the recording stands for the one after it.

    Raises:
        ValueError: the simulation differs from the recording.
    """
    observations = episode.columns[STATE].reshape(len(episode), -1)
    first = next((one for one in episode.snapshots if one.tick == episode.columns["tick"][0]), None)
    if first is None:
        return Resimulated(observations[-1])
    observation = task.restore(first.task)
    playback = task.playback()
    states = []
    for row, action in enumerate(episode.columns[ACTION].reshape(len(episode), -1)):
        if not np.array_equal(observation, observations[row], equal_nan=True):
            raise ValueError(
                f"episode {episode.number} of {episode.session} does not simulate again as recorded "
                f"(its tick {row}); hitl-clic replay --verify says more"
            )
        if playback is not None:
            states.append(task.simulator_state())
        observation = task.step(action)[0]
    return Resimulated(observation, np.array(states) if playback is not None else None, playback)
