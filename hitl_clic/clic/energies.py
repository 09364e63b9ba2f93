"""The registry of energy networks; `EnergySettings.kind` chooses one. Pure torch, any thread; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hitl_clic.clic.energy import Energy
from hitl_clic.clic.film_energy import FilmEnergy
from hitl_clic.clic.mlp_energy import MlpEnergy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import EnergyKind, EnergySettings

ENERGIES: Mapping[EnergyKind, Callable[[int, ChunkShape, EnergySettings], Energy]] = {
    "mlp": MlpEnergy,
    "film": FilmEnergy,
}


def make_energy(dim_o: int, chunk: ChunkShape, settings: EnergySettings) -> Energy:
    """A new energy network for states [dim_o] and chunks of this shape."""
    return ENERGIES[settings.kind](dim_o, chunk, settings)
