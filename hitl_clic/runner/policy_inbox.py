"""From received weights to a policy that is ready to plan, checked before it may drive.

`PolicyInbox.receive` runs in the link thread, `fetch` in the actor's main thread; they meet in a newest-wins slot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.settings import MethodSettings
from hitl_clic.devices.core.slot import Slot
from hitl_clic.methods import make_policy, untrained_weights
from hitl_clic.types.messages import Weights


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
        self._sizes = (dim_o, dim_a, horizon)
        self._settings = settings
        self._generator = torch.Generator(settings.planner_device).manual_seed(seed)
        self._slot: Slot[tuple[NetworkPolicy[Any], Weights]] = Slot()
        self._fetched = 0
        self.refused = 0
        """Versions that failed their check and were never used."""
        self.why_refused = ""

    def untrained(self) -> NetworkPolicy[Any]:
        """The policy of version 0."""
        return self._build(untrained_weights(*self._sizes, self._settings), 0, -1)

    def receive(self, weights: Weights) -> None:
        """Build and check the policy of new weights; the last good one stays where they fail."""
        try:
            policy = self._build(dict(weights.tensors), weights.version, weights.newest_pair)
            policy.probe()
        except ValueError as error:
            self.refused += 1
            self.why_refused = str(error)
            return
        self._slot.publish((policy, weights))

    def fetch(self) -> tuple[NetworkPolicy[Any], Weights] | None:
        """The newest policy, if it was not fetched before."""
        serial, entry = self._slot.entry()
        if serial == self._fetched:
            return None
        self._fetched = serial
        return entry

    def _build(self, tensors: dict[str, np.ndarray], version: int, newest_pair: int) -> NetworkPolicy[Any]:
        return make_policy(
            tensors, *self._sizes, self._settings, self._generator, version, newest_pair, self._yield_hook
        )
