"""Caution: a robot that moves less the farther it is from all taught states, as long as there are few pairs.

After its first pairs a network answers everywhere with what it learnt at one place. There this is right, but elsewhere
its error is greater than that of a robot that stands still. Pure numpy. The trainer makes the arrays; the planner
thread calls `plan`, one caller at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hitl_clic.types.records import Array, Proposal

STATES, CAUTION = "taught_states", "caution"
"""Names of the arrays among the weights: states [K, dim_o], and a number in (0, 1]. Absent: no caution."""
LEAST_SPREAD = 0.1
"""Added to the spread of each state number, in the task's units: a few states of one correction differ little."""


def arrays(states: Array, pairs: int, cautious_pairs: int) -> dict[str, Array]:
    """The arrays of a cautious policy, by name; nothing from `cautious_pairs` pairs on.

    Args:
        states: of all pairs and their images, [K, dim_o]. pairs: count of the pairs.
        cautious_pairs: setting of the method.
    """
    if not 0 < pairs < cautious_pairs:
        return {}
    return {STATES: states.astype(np.float32), CAUTION: np.array(1 - pairs / cautious_pairs, np.float32)}


class Caution:
    """Multiplies actions by exp(-c d^2 / 2); by 1 where the weights have no arrays of `arrays`.

    d is the distance to the nearest taught state: the root mean square over the state numbers, each divided by its
    spread. c falls from 1 without pairs to 0 at `cautious_pairs`.

    Raises:
        ValueError: the states do not have `dim_o` numbers.
    """

    def __init__(self, weights: Mapping[str, Array], dim_o: int) -> None:
        states = weights.get(STATES, np.zeros((0, dim_o), np.float32))
        if states.ndim != 2 or states.shape[1] != dim_o:
            raise ValueError(f"taught states have shape {list(states.shape)}, allowed: [K, {dim_o}]")
        self._strength = float(weights.get(CAUTION, 0.0)) if len(states) else 0.0
        self._spread = states.std(0) + LEAST_SPREAD if len(states) else 1.0
        self._states = states / self._spread

    def share(self, observation: Array) -> float:
        """The factor of the actions at an observation [dim_o]: 1 at a taught state, near 0 far from all."""
        if not self._strength:
            return 1.0
        squares = ((self._states - observation / self._spread) ** 2).mean(1)
        return float(np.exp(-self._strength * squares.min() / 2))

    def applied(self, found: Proposal, observation: Array, committed: Array) -> Proposal:
        """The proposal with smaller actions. Committed steps, energy and uncertainty stay as they are."""
        share = self.share(observation)
        if share == 1.0:
            return found
        chunk = found.chunk.copy()
        chunk[len(committed) :] *= share
        return replace(found, chunk=chunk)
