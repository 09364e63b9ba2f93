"""The plain values among the attributes of Python objects, as bytes and back. Never pickles, so bytes run no code.

Plain are numbers, texts, None, numeric arrays, random generators, and lists, tuples and dicts of these. Everything else
is left as it is; whether what is kept suffices is tested, see `repeat`. Runs in the thread that owns the environment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np

LARGEST_ARRAY = 65_536
"""Larger arrays are not kept, elements: they are constant data such as images and meshes."""
_LIMIT = 2**63
_NEVER = ("spec", "metadata", "render_mode", "_ezpickle_args", "_ezpickle_kwargs")
"""Attributes that say how an environment was made."""


class NotPlain(Exception):
    """A value that cannot be kept."""


class PlainState:
    """Keeps the plain attributes of some objects.

    Args:
        objects: their attributes are read and set; always in the same order.
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        self._objects = list(objects)

    def save(self) -> list[dict[str, Any]]:
        """The plain attributes of each object, as values of MessagePack."""
        saved = []
        for of in self._objects:
            kept: dict[str, Any] = {}
            for name, value in vars(of).items():
                if name not in _NEVER:
                    try:
                        kept[name] = _packed(value)
                    except NotPlain:
                        continue
            saved.append(kept)
        return saved

    def load(self, saved: Sequence[dict[str, Any]]) -> None:
        """Set the attributes again.

        Raises:
            ValueError: they are of other objects.
        """
        if len(saved) != len(self._objects) or not all(isinstance(kept, dict) for kept in saved):
            raise ValueError(f"it is of {len(saved)} objects, not of {len(self._objects)}")
        for of, kept in zip(self._objects, saved, strict=True):
            for name, packed in kept.items():
                _set(of, name, _unpacked(packed))


def _set(of: Any, name: str, value: Any) -> None:
    there = vars(of).get(name)
    if isinstance(there, np.ndarray) and not there.flags.owndata and isinstance(value, np.ndarray):
        if there.shape == value.shape and there.flags.writeable:
            there[...] = value  # a view of a simulator's memory stays one
        return
    vars(of)[name] = value


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int) and not isinstance(value, np.generic):
        if not -_LIMIT <= value < _LIMIT:
            return {"i": str(value)}
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size <= LARGEST_ARRAY:
        return {"a": value.dtype.str, "s": list(value.shape), "b": value.tobytes()}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"n": value.dtype.str, "b": value.tobytes()}
    if isinstance(value, np.random.Generator) and isinstance(value.bit_generator, np.random.PCG64):
        return {"g": json.dumps(value.bit_generator.state)}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return {"l" if isinstance(value, list) else "t": [_packed(part) for part in value]}
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {"d": {key: _packed(part) for key, part in value.items()}}
    raise NotPlain(type(value).__name__)


def _unpacked(packed: Any) -> Any:
    match packed:
        case {"a": dtype, "s": shape, "b": content}:
            return np.frombuffer(content, np.dtype(dtype)).reshape(shape).copy()
        case {"n": dtype, "b": content}:
            return np.frombuffer(content, np.dtype(dtype))[0]
        case {"i": text}:
            return int(text)
        case {"g": text}:
            generator = np.random.Generator(np.random.PCG64())
            generator.bit_generator.state = json.loads(text)
            return generator
        case {"l": parts}:
            return [_unpacked(part) for part in parts]
        case {"t": parts}:
            return tuple(_unpacked(part) for part in parts)
        case {"d": parts}:
            return {key: _unpacked(part) for key, part in parts.items()}
        case dict():
            raise ValueError("it holds an unknown value")
    return packed


def to_bytes(content: Any) -> bytes:
    """As MessagePack."""
    return bytes(msgpack.packb(content))


def from_bytes(packed: bytes) -> Any:
    """From MessagePack. Raises ValueError if it is none."""
    try:
        return msgpack.unpackb(packed, strict_map_key=False)
    except (msgpack.UnpackException, ValueError, TypeError) as error:
        raise ValueError(f"it is damaged: {error}") from error
