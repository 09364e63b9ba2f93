"""Makes policies of received weights, and checks each before it may drive.

`PolicyInbox.receive` runs in the link thread, `fetch` in the actor's main thread; they meet in a newest-wins slot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hitl_clic.clic.compiled_planner import prepare
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.settings import MethodSettings
from hitl_clic.control.plan import StandStill
from hitl_clic.devices.core.slot import Slot
from hitl_clic.methods import make_policy, untrained_weights
from hitl_clic.types.messages import Weights
from hitl_clic.types.records import Array

Policy = NetworkPolicy[Any, Any] | StandStill


def policy_of_weights(
    weights: Weights,
    dim_o: int,
    chunk: ChunkShape,
    settings: MethodSettings,
    generator: torch.Generator,
    yield_hook: Callable[[], None] | None = None,
) -> Policy:
    """The policy of weights: the method's own, or before the first update one that stands still.

    The minima of an untrained energy are random: a robot that followed it would drift out of the scene.

    Raises:
        ValueError: the weights do not fit these sizes, or give numbers that are not finite.
    """
    version, newest = weights.version, weights.newest_pair
    made = make_policy(weights.tensors, dim_o, chunk, settings, generator, version, newest, yield_hook)
    made.probe()
    if not weights.step:
        return StandStill(chunk.horizon, chunk.dim_a, version, newest)
    made.prepare()
    return made


class PolicyInbox:
    """Builds policies from weights.

    Args:
        dim_o, dim_a, horizon: sizes. settings: the method's numbers. seed: of the planner's search.
        yield_hook: see `NetworkPolicy`.
    """

    def __init__(
        self,
        dim_o: int,
        dim_a: int,
        horizon: int,
        settings: MethodSettings,
        seed: int,
        yield_hook: Callable[[], None] | None = None,
    ) -> None:
        self._yield_hook = yield_hook
        self._dim_o, self._chunk = dim_o, ChunkShape(horizon, dim_a)
        self._settings = settings
        self._generator = torch.Generator(settings.planner_device).manual_seed(seed)
        self._slot: Slot[tuple[Policy, Weights]] = Slot()
        self._fetched = 0
        self.refused = 0
        """Number of versions that failed their check."""
        self.why_refused = ""

    def untrained(self) -> StandStill:
        """The policy of version 0, before any weights have come."""
        return StandStill(self._chunk.horizon, self._chunk.dim_a)

    def warm(self, observation: Array, runs: int = 3, say: Callable[[str], object] = lambda line: None) -> None:
        """Compile the planner, and plan a few times with an untrained network, as the first calls are slow.

        Args:
            observation: of the task, [dim_o]. runs: number of plans. say: takes a line for the user.
        """
        prepare(self._settings, say)
        horizon, dim_a = self._chunk
        weights = untrained_weights(self._dim_o, dim_a, horizon, self._settings)
        policy = make_policy(
            weights, self._dim_o, self._chunk, self._settings, self._generator, yield_hook=self._yield_hook
        )
        nothing = np.zeros((0, dim_a), np.float32)
        for _ in range(runs):
            policy.plan(observation, nothing, None)

    def receive(self, weights: Weights) -> None:
        """Build and check the policy of new weights; the last good one stays where they fail."""
        try:
            policy = policy_of_weights(
                weights, self._dim_o, self._chunk, self._settings, self._generator, self._yield_hook
            )
        except ValueError as error:
            self.refused += 1
            self.why_refused = str(error)
            return
        self._slot.publish((policy, weights))

    def fetch(self) -> tuple[Policy, Weights] | None:
        """The newest policy, if it was not fetched before."""
        serial, entry = self._slot.entry()
        if serial == self._fetched:
            return None
        self._fetched = serial
        return entry
