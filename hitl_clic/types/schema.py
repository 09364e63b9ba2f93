"""The schema of everything that is sent or stored: frozen dataclasses and their annotations.

Pure; any thread. To add a message, write a dataclass and add it to the union of its `Schema`. Two forms exist:

* MessagePack for sockets: the list [class name, mapping of fields]. An array is [dtype, shape, index]; its bytes
  (little-endian) are the buffer with that index. Types are strict (a bool is no int). Unknown classes and fields are
  refused, and annotations give limits (`Natural`, `Finite`, ...).
* JSON for recordings, see `json_form`. Unknown fields are ignored.

A class may define `check`, which raises ValueError for rules beyond the annotations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_args

import msgspec
import numpy as np
from msgspec import Meta

from hitl_clic.types.json_form import Json, dimensions_of, float_codec_of, hints_of, read_array, write_array

T = TypeVar("T")
Buffer = bytes | memoryview

Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Index = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
"""A natural number, or -1 for none."""
Nanoseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
NonNegative = Annotated[float, Meta(ge=0.0, le=sys.float_info.max)]
Positive = Annotated[float, Meta(gt=0.0, le=sys.float_info.max)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Deflection = Annotated[float, Meta(ge=-1.0, le=1.0)]
Scalars = Mapping[str, str | int | float | bool]
"""Free names and values."""

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**40
DTYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in ("<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1")
}
"""Allowed array types, by numpy's name."""


class SchemaError(ValueError):
    """Data that violates the schema; the text names the class, the field and the reason."""


class Schema(Generic[T]):
    """Reads and writes instances of some frozen dataclasses.

    Args:
        kinds: a dataclass or a union of dataclasses.
        max_bytes: largest message for `unpack`, without its arrays.
    """

    def __init__(self, kinds: Any, max_bytes: int = 1 << 20) -> None:
        self.max_bytes = max_bytes
        self.kinds: Mapping[str, type] = {kind.__name__: kind for kind in get_args(kinds) or (kinds,)}

    def pack(self, message: T, buffers: list[Buffer] | None = None) -> bytes:
        """MessagePack of a message; appends the bytes of its arrays to `buffers` (views where possible).

        Does not check the annotations; `unpack` does.

        Raises:
            SchemaError: an object that cannot be sent, for example an array without `buffers`.
        """

        def hook(value: Any) -> Any:
            if isinstance(value, np.generic):
                return value.item()
            if isinstance(value, np.ndarray) and buffers is not None:
                return _packed_array(value, buffers)
            raise TypeError(f"a {type(value).__name__} is not sent")

        name = type(message).__name__
        try:
            return msgspec.msgpack.encode((name, message), enc_hook=hook)
        except (TypeError, ValueError, OverflowError) as error:
            raise SchemaError(f"{name}: {error}") from error

    def unpack(self, packed: Buffer | msgspec.Raw, buffers: Sequence[Buffer] = ()) -> T:
        """The message from `pack`; its arrays are read-only views of the buffers.

        Raises:
            SchemaError: not a valid message of this schema.
        """
        if memoryview(packed).nbytes > self.max_bytes:
            raise SchemaError(f"message of {memoryview(packed).nbytes} bytes, more than {self.max_bytes}")
        try:
            tagged = msgspec.msgpack.decode(packed)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise SchemaError(f"not MessagePack ({type(error).__name__}: {error})") from error
        if type(tagged) is not list or len(tagged) != 2 or type(tagged[0]) is not str or type(tagged[1]) is not dict:
            raise SchemaError("a message must be a list of its name and its fields")
        name, fields = tagged
        kind = self.kinds.get(name)
        if kind is None:
            raise SchemaError(f"unknown message {name!r:.60}")
        unknown = [field for field in fields if field not in hints_of(kind)]
        if unknown:
            raise SchemaError(f"{name}: unknown field {unknown[0]!r:.60}")
        taken = 0

        def array(_: Any, row: Any) -> np.ndarray:
            nonlocal taken
            taken += 1
            return _unpacked_array(row, taken - 1, buffers)

        message = _built(kind, fields, array, (bytes,))
        if taken != len(buffers):
            raise SchemaError(f"{name}: {taken} arrays announced, {len(buffers)} came")
        if hasattr(message, "check"):
            try:
                message.check()
            except ValueError as error:
                raise SchemaError(f"{name}: {error}") from error
        return message

    def dumps(self, record: T) -> bytes:
        """A record as JSON text; the schema must hold one class.

        Raises:
            SchemaError: a value that the annotations forbid.
        """
        kind: type = type(record)
        try:
            tree = msgspec.to_builtins(record, enc_hook=write_array)
        except (TypeError, ValueError) as error:
            raise SchemaError(f"{kind.__name__}: {error}") from error
        _built(kind, tree, read_array)  # check that it can be read
        return msgspec.json.encode(float_codec_of(kind).write(tree))

    def loads(self, text: bytes | str, current: Callable[[Json], Json] | None = None) -> T:
        """A record from JSON text; `current` renames old fields.

        Raises:
            SchemaError: no JSON, a missing field or an invalid value.
        """
        try:
            tree = msgspec.json.decode(text)
        except (ValueError, RecursionError) as error:
            raise SchemaError(f"not JSON ({error})") from error
        if not isinstance(tree, dict):
            raise SchemaError("not a JSON object")
        (kind,) = self.kinds.values()
        try:
            tree = float_codec_of(kind).read(tree if current is None else current(tree))
        except (ValueError, TypeError) as error:
            raise SchemaError(f"{kind.__name__}: {error}") from error
        return _built(kind, tree, read_array)


def _built(kind: type, fields: Json, array: Callable[[Any, Any], np.ndarray], builtin: tuple[type, ...] = ()) -> Any:
    """An instance of a dataclass, with types and limits checked. Raises SchemaError."""
    try:
        built: Any = msgspec.convert(fields, kind, dec_hook=array, builtin_types=builtin)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        reason, _, path = str(error).partition(" - at `$")  # where in the fields: ".known[1]`"
        raise SchemaError(f"{kind.__name__}{path.rstrip('`')}: {reason}") from error
    for name, dimensions in dimensions_of(kind).items():
        value = getattr(built, name)
        if value is not None and (value.ndim != dimensions or value.dtype != np.float32):
            raise SchemaError(
                f"{kind.__name__}: {name} must be float32 with {dimensions} dimensions, "
                f"not {value.dtype} {list(value.shape)}"
            )
    return built


# ---- arrays


def _packed_array(value: np.ndarray, buffers: list[Buffer]) -> Any:
    name = value.dtype.str
    if name not in DTYPES:
        name = value.dtype.newbyteorder("<").str
        if name not in DTYPES:
            raise TypeError(f"an array of type {value.dtype} is not sent")
    flat = np.ascontiguousarray(value, DTYPES[name]).reshape(-1)
    buffers.append(flat.view(np.uint8).data)
    return name, value.shape, len(buffers) - 1


def _unpacked_array(row: Any, index: int, buffers: Sequence[Buffer]) -> np.ndarray:
    if type(row) is not list or len(row) != 3:
        raise ValueError("an array must be its dtype, shape and index")
    dtype, shape, given = row
    if type(dtype) is not str or dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r:.60}")
    if type(shape) is not list or len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"impossible shape {shape!r:.60}")
    elements = most = 1
    for length in shape:
        if type(length) is not int or length < 0:
            raise ValueError(f"impossible shape {shape!r:.60}")
        elements *= length
        most *= length or 1
    # numpy also refuses huge sizes beside a zero, which the length check of the buffer misses.
    if most > MAX_ELEMENTS:
        raise ValueError(f"impossible shape {shape!r:.60}")
    if type(given) is not int or given != index or index >= len(buffers):
        raise ValueError(f"array {index} has the index {given!r:.60}, {len(buffers)} arrays came")
    kind = DTYPES[dtype]
    buffer, expected = buffers[index], elements * kind.itemsize
    if len(buffer) != expected:
        raise ValueError(f"an array should have {expected} bytes, {len(buffer)} came")
    array = np.frombuffer(buffer, kind).reshape(shape) if expected else np.empty(shape, kind)
    array.flags.writeable = False
    return array
