"""JSON form of recorded dataclasses, derived from their annotations. Pure; any thread.

* A vector is a list of numbers. A matrix is `{"shape": [H, A], "data": [row after row]}`, because plotting tools refuse
  nested lists. Each float32 is written as the equal double, so it is restored bit for bit, except a NaN's payload.
* JSON has no NaN or infinity. A float field holds the string "NaN", "Infinity" or "-Infinity" instead. Free-form
  mappings (event details, settings) hold `{"$float": "NaN"}`, because they may contain strings.
* bytes are base64. Fields that are None are left out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from hitl_clic.types.errors import without_none

Json = dict[str, Any]
Array = NDArray[np.float32]
"""A vector, float32 [n]."""
Matrix = Annotated[Array, Meta(extra={"dimensions": 2})]
"""A matrix, float32 [n, m]."""

_FLOAT_MARK = "$float"


def json_schema(kind: type) -> Json:
    """The JSON schema of a dataclass as `Schema.dumps` writes it.

    Raises:
        TypeError: a field's type cannot be recorded.
    """
    properties = {name: _described(annotation) for name, annotation in hints_of(kind).items()}
    required = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and not without_none(hints_of(kind)[field.name])[1]
    ]
    return {"title": kind.__name__, "type": "object", "properties": properties, "required": required}


# ---- annotations


@cache
def hints_of(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def dimensions_of(kind: type) -> Mapping[str, int]:
    """The fields with a vector or matrix, and their number of dimensions."""
    found = {name: without_none(annotation)[0] for name, annotation in hints_of(kind).items()}
    return {name: 2 if one == Matrix else 1 for name, one in found.items() if one in (Array, Matrix)}


def _without_limits(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


# ---- arrays


def write_array(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"cannot record a {type(value).__name__}; give text, numbers, lists or mappings")
    array = np.asarray(value, dtype=np.float32)
    numbers = array.reshape(-1).tolist()
    if not np.isfinite(array).all():
        numbers = [_write_float(number) for number in numbers]
    return numbers if array.ndim == 1 else {"shape": list(array.shape), "data": numbers}


def read_array(_: Any, written: Any) -> Array:
    if isinstance(written, dict):
        return read_array(_, written["data"]).reshape(written["shape"])
    if not isinstance(written, list):
        raise ValueError(f"expected a list of numbers, got {type(written).__name__}")
    return np.array([_read_float(number) for number in written], dtype=np.float32)


# ---- floats in JSON

_NOT_FINITE: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class FloatCodec:
    """Conversion of the floats within a value to and from JSON."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _write_float(number: Any) -> Any:
    if not isinstance(number, float) or math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _read_float(written: Any) -> Any:
    return _NOT_FINITE.get(written, written) if isinstance(written, str) else written


def _write_marked(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else {_FLOAT_MARK: _write_float(value)}
    if isinstance(value, dict):
        return {name: _write_marked(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_write_marked(one) for one in value]
    return value


def _read_marked(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_FLOAT_MARK}:
            return float(value[_FLOAT_MARK])
        return {name: _read_marked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_read_marked(one) for one in value]
    return value


def _for_each(spell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {name: spell(one) for name, one in value.items()} if isinstance(value, dict) else value


_FLOAT = FloatCodec(_write_float, _read_float)
_FLOATS = FloatCodec(_for_each(_write_float), _for_each(_read_float))
_FREE = FloatCodec(_write_marked, _read_marked)


def _float_codec(annotation: Any) -> FloatCodec | None:
    """None if there are no floats, or only those of an array."""
    bare = _without_limits(without_none(annotation)[0])
    if bare is float:
        return _FLOAT
    if _is_mapping(bare):
        value = get_args(bare)[1]
        return _FLOATS if value is float else None if value is int else _FREE
    return float_codec_of(bare) if dataclasses.is_dataclass(bare) and isinstance(bare, type) else None


@cache
def float_codec_of(kind: type) -> FloatCodec:
    hints = hints_of(kind)
    spelled = [(name, one) for name, of in hints.items() if (one := _float_codec(of)) is not None]
    optional = [name for name, of in hints.items() if without_none(of)[1]]
    absent: Json = dict.fromkeys(optional)

    def write(tree: Json) -> Json:
        for name, one in spelled:
            tree[name] = one.write(tree[name])
        for name in optional:
            if tree[name] is None:
                del tree[name]
        return tree

    def read(tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        return absent | tree | {name: one.read(tree[name]) for name, one in spelled if name in tree}

    return FloatCodec(write, read)


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


# ---- JSON schema

_NUMBER: Json = {
    "type": "number",
    "description": 'The string "NaN", "Infinity" or "-Infinity" where JSON has no number for it.',
}
_NUMBERS: Json = {"type": "array", "items": _NUMBER}
_SHAPE: Json = {"type": "array", "items": {"type": "integer"}}
_DESCRIBED: Sequence[tuple[Any, Json]] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (float, _NUMBER),
    (str, {"type": "string"}),
    (bytes, {"type": "string", "contentEncoding": "base64"}),
    (Array, _NUMBERS),
    (
        Matrix,
        {"type": "object", "properties": {"shape": _SHAPE, "data": _NUMBERS}, "required": ["shape", "data"]},
    ),
)


def _described(annotation: Any) -> Json:
    inner = without_none(annotation)[0]
    bare = inner if inner == Matrix else _without_limits(inner)
    for known, described in _DESCRIBED:
        if bare == known:
            return described
    if get_origin(bare) is Literal:
        return {"type": "string", "enum": list(get_args(bare))}
    if _is_mapping(bare):
        value = get_args(bare)[1]
        return {"type": "object", "additionalProperties": _described(value) if value in (int, float) else True}
    if dataclasses.is_dataclass(bare) and isinstance(bare, type):
        return json_schema(bare)
    raise TypeError(f"no way to record a field of type {annotation!r}")
