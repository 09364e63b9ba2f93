"""What a method minimises: a network and the loss of a batch. Pure torch, any thread; no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from hitl_clic.clic.energies import make_energy
from hitl_clic.clic.energy import Energy
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.settings import ClicSettings, MethodSettings
from hitl_clic.clic.shaping import Batch, shaping_loss

Network = TypeVar("Network", bound=StateNetwork)
Settings = TypeVar("Settings", bound=MethodSettings)


@dataclass(frozen=True, slots=True)
class Objective(Generic[Network, Settings]):
    """The network and the loss of a method. `ChunkTrainer` uses nothing else of a method.

    Attributes:
        kind: value of `MethodSettings.kind` that selects it.
        network: makes the network from dim_o, the chunk's shape and the settings' `network`.
        loss: gives the loss of a batch, a scalar, and its terms, detached, by name.
    """

    kind: str
    network: Callable[[int, ChunkShape, Any], Network]
    loss: Callable[[Network, Batch, Settings, torch.Generator], tuple[Tensor, dict[str, Tensor]]]


SHAPING: Objective[Energy, ClicSettings] = Objective("clic", make_energy, shaping_loss)
"""Policy shaping ([CC] Eq. 11)."""
