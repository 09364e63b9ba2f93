"""Reading the entries of journals that were written with protocol 1 of the link. Pure; learner process only.

Frames of protocol 1: a MessagePack mapping {protocol, type, fields, tensors}, then the raw bytes of each tensor. A row
of `tensors` is [name, dtype, shape, crc32].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from hitl_clic.aliases import current_flat_settings, current_record
from hitl_clic.link.handshake import Published, Withdrawal
from hitl_clic.types.messages import ChunkPair, Hello, UpdateRequest
from hitl_clic.types.schema import DTYPES

PROTOCOL = 1
_KINDS: Mapping[str, type] = {
    "hello": Hello,
    "pair": ChunkPair,
    "withdrawal": Withdrawal,
    "update_request": UpdateRequest,
    "published": Published,
}


class _Header(msgspec.Struct):
    type: str
    fields: dict[str, Any]
    tensors: list[tuple[str, str, list[int], int]]


def decode(frames: Sequence[bytes]) -> Any:
    """The message of a journal's entry. The journal's own checksum has been compared already.

    Raises:
        ValueError: it is no message that journals hold.
    """
    header = msgspec.msgpack.decode(frames[0], type=_Header)
    kind = _KINDS.get(header.type)
    if kind is None:
        raise ValueError(f"unknown type {header.type!r:.60}")
    fields = dict(header.fields)
    for (name, dtype, shape, _), frame in zip(header.tensors, frames[1:], strict=True):
        if dtype not in DTYPES:
            raise ValueError(f"tensor {name!r:.60} has the unknown dtype {dtype!r:.60}")
        fields[name] = np.frombuffer(frame, dtype).reshape(shape)
    if kind is Hello:
        fields["settings"] = current_flat_settings(fields["settings"])
    return msgspec.convert(current_record(header.type, fields), kind, dec_hook=_array)


def _array(_: Any, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise ValueError("it must be a tensor")
    return value
