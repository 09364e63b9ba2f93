"""What a method minimises: a network and the loss of a batch. The trainer knows no more of a method than this.

Pure torch, any thread; no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from hitl_clic.clic.energies import make_energy
from hitl_clic.clic.energy import Energy
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.settings import ClicSettings, MethodKind, MethodSettings
from hitl_clic.clic.shaping import Batch, shaping_loss

Network = TypeVar("Network", bound=StateNetwork)
Settings = TypeVar("Settings", bound=MethodSettings)


@dataclass(frozen=True, slots=True)
class Objective(Generic[Network, Settings]):
    """The part of a method that is trained.

    Attributes:
        kind: the value of `MethodSettings.kind` that asks for it.
        network: makes the network for states [dim_o], chunks of a shape and the settings' `network`.
        loss: of one batch, a scalar to be minimised, and its terms, detached, by name.
    """

    kind: MethodKind
    network: Callable[[int, ChunkShape, Any], Network]
    loss: Callable[[Network, Batch, Settings, torch.Generator], tuple[Tensor, dict[str, Tensor]]]


SHAPING: Objective[Energy, ClicSettings] = Objective("clic", make_energy, shaping_loss)
"""The method of CLIC-Chunks."""
