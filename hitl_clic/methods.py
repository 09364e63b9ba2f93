"""The registry of methods: the settings, the training objective and the policy of each.

The package's methods stand here, with their settings classes in `hitl_clic.settings.PolicySettings`; `kind` selects
one. Settings classes of other packages name their method, see `method_of`. Pure torch;
any thread or process; no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hitl_clic.baselines.cloning import CLONING, CloningPolicy
from hitl_clic.baselines.flow import FLOW_MATCHING, FlowPolicy
from hitl_clic.baselines.implicit import INFO_NCE
from hitl_clic.baselines.settings import BcSettings, FlowSettings, IbcSettings
from hitl_clic.clic import policy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.network_reset import ResettingTrainer
from hitl_clic.clic.objective import SHAPING, Objective
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings, MethodSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.types.errors import UserError
from hitl_clic.types.named_object import load_object
from hitl_clic.types.symmetry import Symmetry


@dataclass(frozen=True, slots=True)
class Method:
    """A method's settings class, its training objective, and the policy for its weights."""

    settings: type[MethodSettings]
    objective: Objective[Any, Any]
    policy: type[NetworkPolicy[Any, Any]]


METHODS: Mapping[str, Method] = {
    method.objective.kind: method
    for method in (
        Method(ClicSettings, SHAPING, EnergyPolicy),
        Method(IbcSettings, INFO_NCE, EnergyPolicy),
        Method(BcSettings, CLONING, CloningPolicy),
        Method(FlowSettings, FLOW_MATCHING, FlowPolicy),
    )
}


def method_of(settings: MethodSettings) -> Method:
    """The method of these settings: of the table, or the one that settings of another package name in `method`.

    Raises:
        UserError: that cannot be imported, or is none.
    """
    if settings.kind in METHODS:
        return METHODS[settings.kind]
    path = str(getattr(settings, "method", ""))
    found = load_object(path, f"the method of {type(settings).__name__}")
    if not isinstance(found, Method):
        raise UserError(f"{path} is a {type(found).__name__}; allowed: a hitl_clic.methods.Method")
    return found


def make_trainer(
    dim_o: int, dim_a: int, horizon: int, settings: MethodSettings, seed: int, symmetries: Sequence[Symmetry] = ()
) -> ChunkTrainer:
    """An untrained trainer; arguments and errors as `ChunkTrainer`."""
    return ChunkTrainer(dim_o, dim_a, horizon, settings, seed, symmetries, method_of(settings).objective)


def make_live_trainer(
    dim_o: int, dim_a: int, horizon: int, settings: MethodSettings, seed: int, symmetries: Sequence[Symmetry] = ()
) -> ChunkTrainer | ResettingTrainer:
    """The same for live pairs, with network resets where the settings ask for them."""

    def make(replacements: int) -> ChunkTrainer:
        return make_trainer(dim_o, dim_a, horizon, settings, seed + replacements, symmetries)

    return ResettingTrainer(make, settings.network_reset_every) if settings.network_reset_every else make(0)


def make_policy(
    weights: Mapping[str, np.ndarray],
    dim_o: int,
    chunk: ChunkShape,
    settings: MethodSettings,
    generator: torch.Generator,
    version: int = 0,
    newest_pair: int = -1,
    yield_hook: Callable[[], None] | None = None,
) -> NetworkPolicy[Any, Any]:
    """The policy; arguments and errors as `NetworkPolicy`."""
    made = method_of(settings).policy
    return made(weights, dim_o, chunk, settings, generator, version, newest_pair, yield_hook)


def untrained_weights(dim_o: int, dim_a: int, horizon: int, settings: MethodSettings) -> dict[str, np.ndarray]:
    """Untrained weights (version 0)."""
    return policy.untrained_weights(dim_o, dim_a, horizon, settings, method_of(settings).objective.network)
