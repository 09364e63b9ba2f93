"""Decides where a plan runs as compiled code, and calls it; everywhere else `EnergyPolicy` plans with torch.

`prepare` compiles: the main thread must call it before a loop starts, as compiling takes seconds and holds the
interpreter. A `CompiledPlanner` belongs to one policy: any thread, one caller at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Energy
from hitl_clic.clic.film_energy import FilmEnergy
from hitl_clic.clic.sampler import step_sizes
from hitl_clic.clic.settings import EnergyMethodSettings, MethodSettings
from hitl_clic.types.records import Array

Found = tuple[Array, float, float]
"""A chunk's numbers [D], its energy, and the uncertainty."""
_COMPILING = threading.Lock()


class CompiledPlanner:
    """The compiled search with the weights of one policy. Make it with `planner_for`.

    Args:
        network: its weights must not change. settings: the method's numbers.
    """

    def __init__(self, network: FilmEnergy, settings: EnergyMethodSettings) -> None:
        from hitl_clic.clic import compiled_search

        inference, negatives = settings.inference, settings.negatives
        self._search, self._candidates = compiled_search.search, compiled_search.Candidates
        self._weights = _weights(network)
        self._folded = _folded(network, max(compiled_search.TILE, inference.chains))
        sizes = step_sizes(inference.refine_steps, inference.refine_start, 1e-5)
        pull = 1.0 if negatives.noise == "sqrt" else 0.5
        self._numbers = (
            np.array([pull * size for size in sizes], np.float32),
            np.float32(negatives.clip),
            np.float32(inference.plan_switch_margin),
            np.float32(settings.temperature),
        )

    def plan(
        self,
        observation: Array,
        committed: Array,
        warm: Array | None,
        near: Array | None,
        blind: Array,
        bank: Array,
        chains: int,
    ) -> Found:
        """A chunk of low energy. All arrays must be contiguous: another layout would be compiled for itself.

        Args:
            observation: s_t, [dim_o]. committed: first numbers of the chunk, [c].
            warm: the rest of the previous plan, [D], or None. near: candidates around it, [N_w, D].
            blind: uniform candidates, [N_u, D]. bank: human chunks, [N_h, D].
            chains: S, at most that of the settings.
        """
        nothing = bank[:0]
        candidates = self._candidates(
            bank,
            nothing if warm is None else warm[None],
            nothing if near is None else near,
            blind,
        )
        arguments = self._weights, self._folded, candidates, observation, committed, chains, *self._numbers
        try:
            chunk, energy, spread = self._search(*arguments)
        except SystemError as error:  # in the main thread, numba returns a result although Ctrl-C raised
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise
        return chunk.copy(), float(energy), float(spread)


def planner_for(network: Energy, settings: EnergyMethodSettings, device: torch.device) -> CompiledPlanner | None:
    """The compiled planner of a policy; None where torch must plan."""
    if type(network) is not FilmEnergy or device.type != "cpu" or not applies(settings) or why_not(settings):
        return None
    return CompiledPlanner(network, settings)


def prepare(settings: MethodSettings, say: Callable[[str], object] = lambda line: None) -> None:
    """Compile the search that plans of a method will need, or load it from the cache; once a process.

    Args:
        say: takes a line for the user where that takes long, or is not possible on this machine.
    """
    if not isinstance(settings, EnergyMethodSettings) or not applies(settings):
        return
    if torch.device(settings.planner_device).type != "cpu":
        return
    if not _kept():
        say("The planner is compiled for this machine, once; that takes about half a minute")
    if why := why_not(settings):
        say(f"{why}: torch plans instead, which takes two to four times as long")


def applies(settings: EnergyMethodSettings) -> bool:
    """Whether the compiled search does what the settings ask: FiLM with modes, screened, no noise."""
    network, inference = settings.network, settings.inference
    return (
        inference.compiled
        and inference.start == "screened"
        and inference.explore_steps == 0
        and not inference.refine_noise
        and network.kind == "film"
        and network.modes > 0
        and len(network.trunk) > 0
    )


def why_not(settings: EnergyMethodSettings) -> str:
    """Why this machine cannot compile the search, without a full stop; empty once it is compiled."""
    with _COMPILING:
        return _failure(len(settings.network.hidden), len(settings.network.trunk))


def _kept() -> bool:
    """Whether an earlier process kept the search's machine code, or nothing can be compiled."""
    try:
        from hitl_clic.clic.compiled_search import search
        from hitl_clic.compiled import is_kept
    except (ImportError, OSError):
        return True
    return is_kept(search)


@cache
def _failure(layers: int, trunk: int) -> str:
    try:
        from numba.core.errors import NumbaError

        from hitl_clic.clic import compiled_search  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: its compiler's library
        return f"numba cannot be loaded ({_first_line(error)})"
    try:
        _try(layers, trunk)
    except (NumbaError, OSError, RuntimeError) as error:
        return f"numba cannot compile the planner ({_first_line(error)})"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _try(layers: int, trunk: int) -> None:
    """Run the search once on the smallest network of these depths: its code serves all sizes."""
    from hitl_clic.clic.network import ChunkShape
    from hitl_clic.clic.settings import ClicSettings, EnergySettings, InferenceSettings

    settings = ClicSettings(
        network=EnergySettings(hidden=(1,) * layers, trunk=(1,) * trunk, modes=1),
        inference=InferenceSettings(candidates=4, chains=2, refine_steps=1),
    )
    with torch.random.fork_rng(devices=[]):
        network = FilmEnergy(1, ChunkShape(1, 1), settings.network).requires_grad_(False)
    one = np.zeros((1, 1), np.float32)
    CompiledPlanner(network, settings).plan(one[0], one[0, :0], one[0], one, one, one, 2)


def _weights(network: FilmEnergy) -> Any:
    from hitl_clic.clic.compiled_search import Weights

    assert network.modes is not None
    modes = network.modes
    return Weights(
        shift=_array(network.shift),
        spread=_array(network.spread),
        frequencies=np.array(network.fourier_frequencies, np.float32),
        trunk=_each(network.trunk, "weight"),
        trunk_biases=_each(network.trunk, "bias"),
        norm_gains=_each(network.norms, "weight"),
        norm_biases=_each(network.norms, "bias"),
        heads=_each(network.heads, "weight"),
        head_biases=_each(network.heads, "bias"),
        layers=_each(network.layers, "weight"),
        layers_transposed=tuple(np.ascontiguousarray(matrix.T) for matrix in _each(network.layers, "weight")),
        layer_biases=_each(network.layers, "bias"),
        centres=_array(modes.centres.weight),
        centre_biases=_array(modes.centres.bias),
        shapes=_array(modes.shapes.weight),
        shape_biases=_array(modes.shapes.bias),
    )


def _folded(network: FilmEnergy, rows: int) -> Any:
    from hitl_clic.clic.compiled_search import Folded

    shapes = [matrix.shape for matrix in _each(network.layers, "weight")]

    def empty(shape_of: Callable[[tuple[int, ...]], tuple[int, ...]]) -> tuple[Array, ...]:
        return tuple(np.empty(shape_of(shape), np.float32) for shape in shapes)

    return Folded(
        forward=empty(lambda shape: (shape[1], shape[0])),
        backward=empty(lambda shape: shape),
        biases=empty(lambda shape: shape[:1]),
        out=_array(network.out.weight[0]),
        out_bias=_array(network.out.bias),
        values=empty(lambda shape: (rows, shape[0])),
        slopes=empty(lambda shape: (rows, shape[0])),
    )


def _each(parts: nn.ModuleList, name: str) -> tuple[Array, ...]:
    return tuple(_array(part.get_parameter(name)) for part in parts)


def _array(tensor: Tensor) -> Array:
    """Shares the tensor's memory where it can."""
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)
