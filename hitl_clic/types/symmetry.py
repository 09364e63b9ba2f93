"""A symmetry of a task: states and actions seen in a mirror, or turned, under which nothing essential changes.

Pure numpy, any process. A task declares its symmetries; the learner lets every taught pair stand for its images too.
They cross the wire as text, so that a learner needs no task.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_TERM = re.compile(r"(\d+(?:\.\d+)?)?([+-])(\d+)")


@dataclass(frozen=True, slots=True)
class Symmetry:
    """Each number of the image is plus or minus one number of the original, plus a constant.

    Attributes:
        state: a term for each state number, "[constant](+|-)index", apart by spaces: "1-0 +2 -1" is
            (1 - s[0], s[2], -s[1]). Every index once.
        action: likewise for the action's numbers, without constants: [-1, 1] stays [-1, 1].

    Raises:
        ValueError: a term cannot be read, an index is missing or comes twice, or an action's term has a constant.
    """

    state: str
    action: str

    def __post_init__(self) -> None:
        _terms(self.state)
        if _terms(self.action)[2].any():
            raise ValueError(f"an action's symmetry takes no constants, got {self.action!r}")

    @property
    def sizes(self) -> tuple[int, int]:
        """(dim_o, dim_a)."""
        return len(self.state.split()), len(self.action.split())

    def of_state(self, state: Array) -> Array:
        """Images of states [..., dim_o]."""
        index, sign, constant = _terms(self.state)
        return np.asarray(constant + sign * state[..., index], np.float32)

    def of_action(self, action: Array) -> Array:
        """Images of actions or of chunks [..., dim_a]."""
        index, sign, _ = _terms(self.action)
        return np.asarray(sign * action[..., index], np.float32)

    def of_mask(self, mask: Array) -> Array:
        """A mask [..., dim_a] over the axes that take the places of the original's."""
        return mask[..., _terms(self.action)[0]]


def to_text(symmetries: tuple[Symmetry, ...]) -> str:
    """All of them in one line."""
    return "; ".join(f"{s.state} > {s.action}" for s in symmetries)


def from_text(text: str) -> tuple[Symmetry, ...]:
    """What `to_text` wrote.

    Raises:
        ValueError: it cannot be read.
    """
    parts = [part.split(" > ") for part in text.split("; ") if part]
    if any(len(part) != 2 for part in parts):
        raise ValueError(f"not symmetries: {text!r}")
    return tuple(Symmetry(state, action) for state, action in parts)


@cache
def _terms(text: str) -> tuple[NDArray[np.intp], Array, Array]:
    """Indices, signs and constants."""
    read = [_TERM.fullmatch(term) for term in text.split()]
    matches = [match for match in read if match is not None]
    if len(matches) < len(read) or not matches:
        raise ValueError(f"a symmetry's terms are '[constant](+|-)index', got {text!r}")
    index = np.array([int(match[3]) for match in matches], np.intp)
    if sorted(index.tolist()) != list(range(len(index))):
        raise ValueError(f"a symmetry names every index from 0 to {len(index) - 1} once, got {text!r}")
    sign = np.array([1 if match[2] == "+" else -1 for match in matches], np.float32)
    return index, sign, np.array([float(match[1] or 0) for match in matches], np.float32)
