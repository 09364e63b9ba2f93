"""Symmetries of a task: reflections and rotations of states and actions that leave it unchanged.

Pure numpy; any process. A task declares them, and the learner augments every pair with its images. They are sent as
text, so the learner needs no task.
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
    """A signed permutation with offsets: each image number is +/- one original number plus a constant.

    Attributes:
        state: one term "[constant](+|-)index" per state number, separated by spaces. "1-0 +2 -1" is
            (1 - s[0], s[2], -s[1]). Every index occurs once.
        action: the same without constants, so that [-1, 1] is kept.

    Raises:
        ValueError: malformed term, missing or repeated index, or a constant in an action's term.
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
        """Images of masks [..., dim_a]."""
        return mask[..., _terms(self.action)[0]]


def to_text(symmetries: tuple[Symmetry, ...]) -> str:
    """The symmetries as one line of text."""
    return "; ".join(f"{s.state} > {s.action}" for s in symmetries)


def from_text(text: str) -> tuple[Symmetry, ...]:
    """The symmetries from `to_text`.

    Raises:
        ValueError: malformed text.
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
