"""Messages to ZeroMQ frames and back: a msgpack header, then one raw little-endian frame a tensor. No pickle.

Pure; called by the link threads, the learner process and the journal. What arrives is never trusted: whatever the
bytes, `decode` gives a well-formed message or raises `MalformedMessage` with the reason.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np

from hitl_clic.link.handshake import (
    Acknowledgement,
    Goodbye,
    Heartbeat,
    Published,
    Rejected,
    UnknownPeer,
    Welcome,
    Withdrawal,
)
from hitl_clic.types.messages import PROTOCOL, ChunkPair, Hello, LearnerStatus, UpdateRequest, Weights

Message = (
    ChunkPair
    | Weights
    | Hello
    | UpdateRequest
    | LearnerStatus
    | Heartbeat
    | Goodbye
    | Withdrawal
    | Welcome
    | Rejected
    | UnknownPeer
    | Acknowledgement
    | Published
)
Frame = bytes | memoryview

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
MAX_DIMS = 8
MAX_ELEMENTS = 2**40
DTYPES = frozenset({"<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"})


class MalformedMessage(ValueError):
    """A message that cannot be understood; the text names what was wrong."""


class WrongProtocol(MalformedMessage):
    """A message of another protocol version, which deserves an answer in words.

    Attributes:
        protocol: the version the sender speaks.
    """

    def __init__(self, protocol: int) -> None:
        super().__init__(f"protocol {protocol} is not {PROTOCOL}: actor and learner must be of the same version")
        self.protocol = protocol


Check = Callable[[str, Any], Any]


def _integer(least: int) -> Check:
    def check(name: str, value: Any) -> int:
        if type(value) is not int or not least <= value < 2**63:
            raise MalformedMessage(f"{name} must be an integer of at least {least}, not {value!r:.60}")
        return value

    return check


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float):
        raise MalformedMessage(f"{name} must be a number, not {value!r:.60}")
    return float(value)


def _text(name: str, value: Any) -> str:
    if type(value) is not str:
        raise MalformedMessage(f"{name} must be text, not {value!r:.60}")
    return value


def _correction_mode(name: str, value: Any) -> str:
    if value not in ("absolute", "relative"):
        raise MalformedMessage(f'{name} must be "absolute" or "relative", not {value!r:.60}')
    return str(value)


def _scalar(name: str, value: Any) -> str | int | float | bool:
    if type(value) not in (str, int, float, bool):
        raise MalformedMessage(f"{name} must be text, a number or a truth value, not {value!r:.60}")
    scalar: str | int | float | bool = value
    return scalar


def _mapping(item: Check) -> Check:
    def check(name: str, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise MalformedMessage(f"{name} must be a mapping, not {value!r:.60}")
        return {_text(f"a key of {name}", key): item(f"{name}[{key!r:.60}]", one) for key, one in value.items()}

    return check


def _integers(name: str, value: Any) -> tuple[int, ...]:
    if type(value) is not list:
        raise MalformedMessage(f"{name} must be a list, not {value!r:.60}")
    item = _integer(0)
    return tuple(item(f"an item of {name}", one) for one in value)


_natural, _index = _integer(0), _integer(-1)


@dataclass(frozen=True)
class _Form:
    """How one kind of message looks: its plain fields, its float32 tensors (name -> dimensions), its free tensors."""

    cls: type
    fields: Mapping[str, Check] = field(default_factory=dict)
    tensors: Mapping[str, int] = field(default_factory=dict)
    bundle: str = ""


_FORMS: Mapping[str, _Form] = {
    "pair": _Form(
        ChunkPair,
        {
            "id": _natural,
            "episode": _natural,
            "tick": _natural,
            "correction_mode": _correction_mode,
            "weight_version": _natural,
            "device_age_ns": _integer(-(2**63)),
            "made_ns": _integer(-(2**63)),
        },
        {"state": 1, "robot": 2, "human": 2, "mask": 2},
    ),
    "weights": _Form(
        Weights,
        {
            "run_id": _text,
            "version": _natural,
            "parent": _natural,
            "step": _natural,
            "newest_pair": _index,
            "request": _index,
        },
        bundle="tensors",
    ),
    "hello": _Form(Hello, {"run_id": _text, "actor_id": _text, "settings": _mapping(_scalar), "protocol": _integer(0)}),
    "update_request": _Form(UpdateRequest, {"request": _natural, "updates": _natural}),
    "learner_status": _Form(
        LearnerStatus,
        {
            "updates": _natural,
            "updates_per_s": _number,
            "pairs": _natural,
            "ingested": _natural,
            "duplicated": _natural,
            "withdrawn": _natural,
            "version": _natural,
            "losses": _mapping(_number),
        },
    ),
    "alive": _Form(Heartbeat, {"version": _natural}),
    "goodbye": _Form(Goodbye),
    "withdrawal": _Form(Withdrawal, {"pair_id": _natural}),
    "welcome": _Form(Welcome, {"run_id": _text, "version": _natural, "known": _integers}),
    "refusal": _Form(Rejected, {"reason": _text}),
    "stranger": _Form(UnknownPeer),
    "acknowledgement": _Form(Acknowledgement, {"pairs": _integers, "withdrawals": _integers}),
    "published": _Form(Published, {"version": _natural, "step": _natural}),
}
_NAMES: Mapping[type, str] = {form.cls: name for name, form in _FORMS.items()}


def encode(message: Message) -> list[bytes | memoryview]:
    """Frames of a message: header, then one a tensor (views of the tensors where they already are as they must be).

    Raises:
        MalformedMessage: a field or a tensor is not what the message's description says.
    """
    name = _NAMES[type(message)]
    form = _FORMS[name]
    plain = {key: _plain(getattr(message, key)) for key in form.fields}
    for key, check in form.fields.items():
        check(key, plain[key])
    if form.bundle:
        tensors = dict(getattr(message, form.bundle))
    else:
        tensors = {key: np.asarray(getattr(message, key), dtype="<f4") for key in form.tensors}
    table: list[list[Any]] = []
    frames: list[bytes | memoryview] = []
    for key, tensor in tensors.items():
        array = np.asarray(tensor)
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        if array.dtype.str not in DTYPES:
            raise MalformedMessage(f"tensor {key} is of type {array.dtype}, which the wire does not carry")
        frame = array.reshape(-1).view(np.uint8).data
        table.append([key, array.dtype.str, list(array.shape), zlib.crc32(frame)])
        frames.append(frame)
    if isinstance(message, ChunkPair):
        _check_pair(tensors)
    header = {"protocol": PROTOCOL, "type": name, "fields": plain, "tensors": table}
    packed: bytes = msgpack.packb(header, use_bin_type=True)
    if len(packed) > MAX_HEADER_BYTES:
        raise MalformedMessage(f"header of {len(packed)} bytes, more than {MAX_HEADER_BYTES}")
    return [packed, *frames]


def decode(frames: Sequence[Frame], max_bytes: int = MAX_MESSAGE_BYTES) -> Message:
    """The message in `frames`. Its tensors are read-only views of the frames.

    Raises:
        WrongProtocol: the sender speaks another version.
        MalformedMessage: anything else is wrong; the text says what.
    """
    if not frames:
        raise MalformedMessage("message without a frame")
    size = sum(len(frame) for frame in frames)
    if size > max_bytes:
        raise MalformedMessage(f"message of {size} bytes, more than {max_bytes}")
    name, fields, table = _header(frames[0])
    form = _FORMS.get(name)
    if form is None:
        raise MalformedMessage(f"unknown type {name!r:.60}")
    _same_names("field", fields, form.fields)
    values = {key: check(key, fields[key]) for key, check in form.fields.items()}
    if len(table) != len(frames) - 1:
        raise MalformedMessage(f"{name}: {len(table)} tensors announced, {len(frames) - 1} frames came")
    tensors: dict[str, np.ndarray] = {}
    for row, frame in zip(table, frames[1:], strict=True):
        key, tensor = _tensor(row, frame)
        if key in tensors:
            raise MalformedMessage(f"tensor {key!r:.60} comes twice")
        tensors[key] = tensor
    if form.bundle:
        values[form.bundle] = tensors
    else:
        _same_names("tensor", tensors, form.tensors)
        for key, dims in form.tensors.items():
            if tensors[key].dtype.str != "<f4" or tensors[key].ndim != dims:
                raise MalformedMessage(
                    f"tensor {key} must be float32 with {dims} dimensions, "
                    f"not {tensors[key].dtype} {list(tensors[key].shape)}"
                )
        if form.cls is ChunkPair:
            _check_pair(tensors)
        values.update(tensors)
    message: Message = form.cls(**values)
    return message


def _header(frame: Frame) -> tuple[str, dict[str, Any], list[Any]]:
    if len(frame) > MAX_HEADER_BYTES:
        raise MalformedMessage(f"header of {len(frame)} bytes, more than {MAX_HEADER_BYTES}")
    try:
        header = msgpack.unpackb(frame, raw=False, strict_map_key=True)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise MalformedMessage(f"header is not msgpack ({type(error).__name__}: {error})") from error
    if type(header) is not dict:
        raise MalformedMessage("header is not a mapping")
    # The version comes first: the rest of a header of another version may look different.
    protocol = header.get("protocol")
    if type(protocol) is not int:
        raise MalformedMessage("header without a protocol version")
    if protocol != PROTOCOL:
        raise WrongProtocol(protocol)
    _same_names("header entry", header, ("protocol", "type", "fields", "tensors"))
    name, fields, table = header["type"], header["fields"], header["tensors"]
    if type(name) is not str or type(fields) is not dict or type(table) is not list:
        raise MalformedMessage("header entries type, fields, tensors must be text, a mapping and a list")
    return name, fields, table


def _tensor(row: Any, frame: Frame) -> tuple[str, np.ndarray]:
    if type(row) is not list or len(row) != 4:
        raise MalformedMessage("a row of the tensor table must be name, dtype, shape, crc32")
    name, dtype, shape, crc = row
    _text("a tensor's name", name)
    if type(dtype) is not str or dtype not in DTYPES:
        raise MalformedMessage(f"tensor {name!r:.60} has the unknown dtype {dtype!r:.60}")
    if type(shape) is not list or len(shape) > MAX_DIMS or any(type(n) is not int or n < 0 for n in shape):
        raise MalformedMessage(f"tensor {name!r:.60} has the impossible shape {shape!r:.60}")
    # numpy also refuses huge sizes beside a zero, which the length of the (empty) frame does not catch.
    if math.prod(max(n, 1) for n in shape) > MAX_ELEMENTS:
        raise MalformedMessage(f"tensor {name!r:.60} has the impossible shape {shape!r:.60}")
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(frame) != expected:
        raise MalformedMessage(f"tensor {name!r:.60} should have {expected} bytes, {len(frame)} came")
    if type(crc) is not int or zlib.crc32(frame) != crc:
        raise MalformedMessage(f"tensor {name!r:.60} has a wrong checksum")
    array = np.frombuffer(frame, dtype=dtype).reshape(shape) if expected else np.empty(shape, dtype)
    array.flags.writeable = False
    return name, array


def _check_pair(tensors: Mapping[str, np.ndarray]) -> None:
    shape = tensors["robot"].shape
    if 0 in shape:
        raise MalformedMessage(f"robot has shape {list(shape)}, a chunk without a step or an axis")
    for key in ("human", "mask"):
        if tensors[key].shape != shape:
            raise MalformedMessage(f"{key} has shape {list(tensors[key].shape)}, robot has {list(shape)}")
    for key, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise MalformedMessage(f"{key} holds a value that is not finite")


def _same_names(what: str, found: Mapping[Any, Any], wanted: Any) -> None:
    for name in wanted:
        if name not in found:
            raise MalformedMessage(f"{what} {name} is missing")
    for name in found:
        if name not in wanted:
            raise MalformedMessage(f"unknown {what} {name!r:.60}")


def _plain(value: Any) -> Any:
    """Value as msgpack knows it: numpy scalars become Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
