"""Frozen dataclasses to JSON-able dicts and back, exactly, driven by their type annotations. Pure; any thread.

How values are written:

* float32 arrays: a list of numbers if they are vectors, `{"shape": [H, A], "data": [row after row]}` if they are
  matrices (plotting tools take no lists of lists). Every float32 is written as the double it equals, so it comes
  back bit for bit; only the payload of a NaN is not kept.
* JSON has no NaN and no infinities: a float field holds the string "NaN", "Infinity" or "-Infinity" instead, and
  free-form mappings (event details, settings) hold `{"$float": "NaN"}`, since there a string may be meant.
* bytes: base64. A field that is None is left out.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from hitl_clic.types.records import Array

Record = TypeVar("Record")
Json = dict[str, Any]

_FLOAT_MARK = "$float"


@dataclass(frozen=True, slots=True)
class Codec:
    """How one kind of value is written, read and described.

    Attributes:
        schema: its JSON schema.
        encode: value to something `json.dumps` takes; decode: back.
        optional: the field may be absent, which reads as None.
    """

    schema: Json
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    optional: bool = False


def _encode_float(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else _name_nonfinite(number)


def _name_nonfinite(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _encode_numbers(array: np.ndarray) -> list[Any]:
    numbers = array.tolist()
    return numbers if np.isfinite(array).all() else [_encode_float(number) for number in numbers]


def _decode_numbers(numbers: Any) -> Array:
    if not isinstance(numbers, list):
        raise ValueError(f"expected a list of numbers, got {type(numbers).__name__}")
    # float() also reads the names of the non-finite numbers.
    return np.array([float(number) for number in numbers], dtype=np.float32)


def _encode_vector(value: Any) -> list[Any]:
    array = np.asarray(value, dtype=np.float32)
    if array.ndim != 1:
        raise ValueError(f"expected a vector, got an array of shape {array.shape}")
    return _encode_numbers(array)


def _encode_matrix(value: Any) -> Json:
    array = np.asarray(value, dtype=np.float32)
    return {"shape": list(array.shape), "data": _encode_numbers(array.reshape(-1))}


def _decode_matrix(value: Json) -> Array:
    return _decode_numbers(value["data"]).reshape(value["shape"])


def _encode_tree(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else {_FLOAT_MARK: _name_nonfinite(value)}
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _encode_tree(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode_tree(entry) for entry in value]
    raise TypeError(f"cannot record a {type(value).__name__}; give text, numbers, lists or mappings")


def _decode_tree(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_FLOAT_MARK}:
            return float(value[_FLOAT_MARK])
        return {name: _decode_tree(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_decode_tree(entry) for entry in value]
    return value


_NUMBER: Json = {
    "type": "number",
    "description": 'Written as the string "NaN", "Infinity" or "-Infinity" where JSON has no number for it.',
}
_TREE = Codec({"type": "object", "additionalProperties": True}, _encode_tree, _decode_tree)
_MATRIX = Codec(
    {
        "type": "object",
        "properties": {
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {"type": "array", "items": _NUMBER},
        },
        "required": ["shape", "data"],
    },
    _encode_matrix,
    _decode_matrix,
)
_PLAIN: dict[Any, Codec] = {
    bool: Codec({"type": "boolean"}, bool, bool),
    int: Codec({"type": "integer"}, int, int),
    float: Codec(_NUMBER, _encode_float, float),
    str: Codec({"type": "string"}, str, str),
    bytes: Codec(
        {"type": "string", "contentEncoding": "base64"},
        lambda value: base64.b64encode(value).decode("ascii"),
        lambda text: base64.b64decode(text, validate=True),
    ),
    Array: Codec({"type": "array", "items": _NUMBER}, _encode_vector, _decode_numbers),
}


def _codec_for(annotation: Any) -> Codec:
    """The codec of an annotation. Raises TypeError for one that cannot be recorded."""
    plain = _PLAIN.get(annotation)
    if plain is not None:
        return plain
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Codec({"type": "string", "enum": list(arguments)}, str, str)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        values = _PLAIN.get(arguments[1])
        return _TREE if values is None else _mapping_of(values)
    if len(arguments) == 2 and NoneType in arguments:
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return dataclasses.replace(_codec_for(inner), optional=True)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        nested: RecordCodec[Any] = RecordCodec(annotation)
        return Codec(nested.schema, nested.encode, nested.decode)
    raise TypeError(f"no way to record a field of type {annotation!r}")


def _mapping_of(values: Codec) -> Codec:
    return Codec(
        {"type": "object", "additionalProperties": values.schema},
        lambda mapping: {str(name): values.encode(value) for name, value in mapping.items()},
        lambda mapping: {name: values.decode(value) for name, value in mapping.items()},
    )


class RecordCodec(Generic[Record]):
    """Writes and reads one dataclass.

    Args:
        record: the dataclass; its annotations say how each field is written.
        matrices: names of the array fields that are matrices; the others are vectors.

    Raises:
        TypeError: a field has a type that cannot be recorded.
    """

    def __init__(self, record: type[Record], matrices: tuple[str, ...] = ()) -> None:
        self.record = record
        hints = get_type_hints(record)
        fields = dataclasses.fields(record)  # type: ignore[arg-type]
        self._codecs = {
            field.name: _MATRIX if field.name in matrices else _codec_for(hints[field.name]) for field in fields
        }
        defaulted = {
            field.name
            for field in fields
            if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        }
        self._required = [name for name, codec in self._codecs.items() if not codec.optional and name not in defaulted]
        self._absent_as_none = [name for name, codec in self._codecs.items() if codec.optional]
        self.schema: Json = {
            "title": record.__name__,
            "type": "object",
            "properties": {name: codec.schema for name, codec in self._codecs.items()},
            "required": self._required,
        }

    def encode(self, record: Record) -> Json:
        """The record as a dict for `json.dumps`.

        Raises:
            ValueError, TypeError: a field holds something its annotation does not allow; the message names it.
        """
        written: Json = {}
        for name, codec in self._codecs.items():
            value = getattr(record, name)
            if value is None and codec.optional:
                continue
            try:
                written[name] = codec.encode(value)
            except (TypeError, ValueError) as problem:
                raise type(problem)(f"{self.record.__name__}.{name}: {problem}") from problem
        return written

    def decode(self, written: Json) -> Record:
        """The record that `encode` made `written` from; fields it does not know are ignored.

        Raises:
            ValueError: a field is missing or malformed; the message names it.
        """
        values: Json = dict.fromkeys(self._absent_as_none)
        for name, codec in self._codecs.items():
            if name not in written:
                continue
            try:
                values[name] = codec.decode(written[name])
            except (TypeError, ValueError, KeyError) as problem:
                raise ValueError(f"field {name!r} cannot be read: {problem}") from problem
        missing = [name for name in self._required if name not in values]
        if missing:
            raise ValueError(f"field {missing[0]!r} is missing")
        return self.record(**values)
