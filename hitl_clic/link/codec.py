"""Encoding of link messages as ZeroMQ frames. No pickle.

Pure; used by the link threads, the learner process and the journal. `decode` trusts no bytes: it returns a message that
its schema allows, or raises `MalformedMessage` with the reason.

Frames: a MessagePack mapping {protocol, crc32, message}, then the raw little-endian bytes of each array. The checksum
covers the message and all arrays. `types.schema` describes the message.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

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
from hitl_clic.types.schema import Buffer, Schema, SchemaError

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
"""All link messages. To add one, write a dataclass, list it here, and add a `case` to its receiver."""

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
_SCHEMA: Schema[Message] = Schema(Message, MAX_HEADER_BYTES)


class MalformedMessage(ValueError):
    """A message that cannot be decoded; the text gives the reason."""


class WrongProtocol(MalformedMessage):
    """A message of another protocol version; the receiver answers it.

    Attributes:
        protocol: the sender's version.
    """

    def __init__(self, protocol: int) -> None:
        super().__init__(f"protocol {protocol} is not {PROTOCOL}: actor and learner must be of the same version")
        self.protocol = protocol


class _Version(msgspec.Struct):
    """The part of a header that all versions share."""

    protocol: int


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    protocol: int
    crc32: int
    message: msgspec.Raw


_VERSIONS = msgspec.msgpack.Decoder(_Version)
_HEADERS = msgspec.msgpack.Decoder(_Header)


def encode(message: Message) -> list[Buffer]:
    """The frames of a message: the header, then one for each array (views where possible).

    Raises:
        MalformedMessage: the schema does not allow the message.
    """
    arrays: list[Buffer] = []
    try:
        packed = _SCHEMA.pack(message, arrays)
        _SCHEMA.unpack(packed, arrays)  # check that a receiver can decode it
    except SchemaError as error:
        raise MalformedMessage(str(error)) from error
    header = msgspec.msgpack.encode(_Header(PROTOCOL, _checksum(packed, arrays), msgspec.Raw(packed)))
    if len(header) > MAX_HEADER_BYTES:
        raise MalformedMessage(f"header of {len(header)} bytes, more than {MAX_HEADER_BYTES}")
    return [header, *arrays]


def decode(frames: Sequence[Buffer], max_bytes: int = MAX_MESSAGE_BYTES) -> Message:
    """The message in some frames; its arrays are read-only views.

    Raises:
        WrongProtocol: the sender has another protocol version.
        MalformedMessage: any other error; the text gives the reason.
    """
    if not frames:
        raise MalformedMessage("message without a frame")
    size = sum(len(frame) for frame in frames)
    if size > max_bytes:
        raise MalformedMessage(f"message of {size} bytes, more than {max_bytes}")
    if len(frames[0]) > MAX_HEADER_BYTES:
        raise MalformedMessage(f"header of {len(frames[0])} bytes, more than {MAX_HEADER_BYTES}")
    arrays = frames[1:]
    try:
        # Check the version first: the rest of the header may differ between versions.
        protocol = _VERSIONS.decode(frames[0]).protocol
        if protocol != PROTOCOL:
            raise WrongProtocol(protocol)
        header = _HEADERS.decode(frames[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"header is not understood ({type(error).__name__}: {error})") from error
    if _checksum(header.message, arrays) != header.crc32:
        raise MalformedMessage("wrong checksum")
    try:
        return _SCHEMA.unpack(header.message, arrays)
    except SchemaError as error:
        raise MalformedMessage(str(error)) from error


def _checksum(message: bytes | msgspec.Raw, arrays: Sequence[Buffer]) -> int:
    crc = zlib.crc32(message)
    for array in arrays:
        crc = zlib.crc32(array, crc)
    return crc
