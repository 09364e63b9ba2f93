"""Updates as CUDA graphs: a GPU is given an update's hundreds of small operations at once instead of one by one.

Pure torch; learner process (and offline learning), on CUDA devices alone. What is computed is what would be without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from hitl_clic.clic.shaping import Batch

Step = Callable[[Batch], Mapping[str, Tensor]]
Key = tuple[object, ...]
WARM = 3
"""Updates of a kind done one operation at a time before it is captured, as CUDA graphs ask for."""


def capturable(batch: Batch) -> bool:
    """Whether the operations of its update depend on nothing but its kind: not where rows differ in theirs, nor where
    chains are kept, which come and go through the processor's memory."""
    return batch.chains is None and batch.kinds in ("absolute", "relative") and batch.whole is not None


@dataclass(slots=True)
class _Captured:
    """A graph, the batch that it reads and the terms that it leaves."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    terms: Mapping[str, Tensor]


class GraphedSteps:
    """Does the steps of a training loop, each as one graph once its kind of batch has come a few times.

    Args:
        step: one update from a batch; everything it reads or changes besides must stay where it is in memory.
        generator: of everything random in it.
    """

    def __init__(self, step: Step, generator: torch.Generator) -> None:
        self._step, self._generator = step, generator
        self._stream: Any = torch.cuda.Stream(generator.device)
        self._seen: dict[Key, int] = {}
        self._captured: dict[Key, _Captured] = {}

    def __call__(self, batch: Batch) -> Mapping[str, Tensor]:
        """One update; its terms are overwritten by the next."""
        if not capturable(batch):
            return self._step(batch)
        key = (tuple(batch.state.shape), batch.kinds, batch.whole, batch.given is None)
        captured = self._captured.get(key)
        if captured is None:
            self._seen[key] = self._seen.get(key, 0) + 1
            if self._seen[key] <= WARM:
                return self._aside(batch)
            captured = self._captured[key] = self._capture(batch)
        for name, value in _tensors(batch).items():
            getattr(captured.batch, name).copy_(value)
        captured.graph.replay()
        return captured.terms

    def _aside(self, batch: Batch) -> Mapping[str, Tensor]:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            terms = self._step(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return terms

    def _capture(self, batch: Batch) -> _Captured:
        """Record what a step does; nothing is done yet."""
        own = replace(batch, **{name: value.clone() for name, value in _tensors(batch).items()})
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.graph(graph, stream=self._stream):
            terms = self._step(own)
        return _Captured(graph, own, terms)


def _tensors(batch: Batch) -> dict[str, Tensor]:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in values.items() if isinstance(value, Tensor)}
