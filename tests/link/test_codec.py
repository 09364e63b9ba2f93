"""Messages pass the codec bit for bit; everything else raises `MalformedMessage`."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import msgpack
import numpy as np
import pytest
from fake_learner import make_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_clic.link import codec
from hitl_clic.link.codec import MalformedMessage, WrongProtocol, decode, encode
from hitl_clic.link.handshake import (
    Acknowledgement,
    Goodbye,
    Heartbeat,
    Published,
    Rejected,
    UnknownPeer,
    Welcome,
    Withdrawal,
    in_ranges,
    to_ranges,
)
from hitl_clic.types.messages import PROTOCOL, ChunkPair, Hello, LearnerStatus, UpdateRequest, Weights

Frame = bytes | memoryview
PAIR = make_pair(7)
WEIGHTS = Weights(
    run_id="run",
    version=3,
    parent=2,
    step=40,
    newest_pair=-1,
    tensors={
        "w": np.arange(6, dtype=np.float64).reshape(2, 3),
        "ids": np.array([1, -2], np.int64),
        "scalar": np.array(2.5, np.float32),
        "turned": np.arange(12, dtype=np.float32).reshape(3, 4).T,
        "swapped": np.arange(3, dtype=">f4"),
        "human_chunks": np.zeros((0, 8), np.float32),
        "flags": np.array([True, False]),
    },
    request=5,
)
MESSAGES = [
    PAIR,
    WEIGHTS,
    Hello("run", "actor", {"task": "push_t", "horizon": 4, "gamma": 0.1, "mask": True}),
    UpdateRequest(1, 200),
    LearnerStatus(3, 1.5, 2, 1, 0, 0, 4, {"kl": 0.25}),
    Heartbeat(3),
    Goodbye(),
    Withdrawal(9),
    Welcome("run", 4, (0, 5, 7, 9)),
    Rejected("no"),
    UnknownPeer(),
    Acknowledgement((1, 2), (3,)),
    Published(3, 40),
]


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=") and a.shape == b.shape and np.array_equal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return a == b


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_message_round_trip(message: codec.Message) -> None:
    frames = [bytes(frame) for frame in encode(message)]
    assert same(decode(frames), message)
    assert same(decode([memoryview(frame) for frame in frames]), message)


def test_numpy_scalars_are_sent_as_numbers() -> None:
    sent = replace(PAIR, id=np.int64(4))  # type: ignore[arg-type]
    received = decode(encode(sent))
    assert isinstance(received, ChunkPair)
    assert type(received.id) is int


def test_tensors_cannot_be_written_to() -> None:
    received = decode(encode(PAIR))
    assert isinstance(received, ChunkPair)
    with pytest.raises(ValueError, match="read-only"):
        received.state[0] = 1.0


def header(message: codec.Message) -> dict[str, Any]:
    """The header of a message, decoded by another library."""
    unpacked = msgpack.unpackb(encode(message)[0])
    assert isinstance(unpacked, dict)
    return unpacked


def sealed(content: object, arrays: Sequence[Frame] = (), **entries: object) -> list[Frame]:
    """Frames with this content and the right checksum."""
    crc = zlib.crc32(msgpack.packb(content))
    for array in arrays:
        crc = zlib.crc32(array, crc)
    return [msgpack.packb({"protocol": PROTOCOL, "crc32": crc, "message": content} | entries), *arrays]


def spoiled(message: codec.Message, **values: object) -> list[Frame]:
    """The frames of a message with other values in some fields."""
    name, fields = header(message)["message"]
    return sealed([name, fields | values], encode(message)[1:])


def test_other_messagepack_readers_decode_a_frame() -> None:
    first, *arrays = encode(PAIR)
    unpacked = msgpack.unpackb(first)
    name, content = unpacked["message"]
    assert unpacked["protocol"] == PROTOCOL
    assert name == "ChunkPair"
    assert content["id"] == 7
    assert content["human"] == ["<f4", [3, 2], 2]
    assert np.array_equal(np.frombuffer(arrays[2], "<f4").reshape(3, 2), PAIR.human)
    assert sealed(unpacked["message"], arrays)[0] == first, "the checksum covers the message and its arrays"


FRAMES = [bytes(frame) for frame in encode(PAIR)]
ARRAYS = FRAMES[1:]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], "without a frame"),
        ([b""], "not understood"),
        ([b"\xc1"], "not understood"),
        ([msgpack.packb([1])], "Expected `object`, got `array`"),
        ([msgpack.packb({})], "missing required field `protocol`"),
        (sealed(["pickle", {}]), "unknown message 'pickle'"),
        (sealed(["ChunkPair", {}], extra=1), "unknown field `extra`"),
        (sealed(["ChunkPair", []]), "a list of its name and its fields"),
        (sealed({"ChunkPair": {}}), "a list of its name and its fields"),
        (sealed(["ChunkPair", {}]), "ChunkPair: .*missing required field `id`"),
        (spoiled(PAIR, id="7"), r"ChunkPair\.id: Expected `int`, got `str`"),
        (spoiled(PAIR, id=True), r"ChunkPair\.id: Expected `int`, got `bool`"),
        (spoiled(PAIR, id=-1), r"ChunkPair\.id: Expected `int` >= 0"),
        (spoiled(PAIR, id=2**64 - 1), r"ChunkPair\.id: Expected `int` <= .*"),
        (spoiled(PAIR, correction_mode="wrong"), r"ChunkPair\.correction_mode: .*'wrong'"),
        (spoiled(PAIR, colour=1), "ChunkPair: unknown field 'colour'"),
        (spoiled(MESSAGES[2], settings={"a": [1]}), r"Hello\.settings\[...\]: Expected"),
        (spoiled(MESSAGES[8], known=[1, "x"]), r"Welcome\.known\[1\]: Expected `int`, got `str`"),
        (FRAMES[:-1], "wrong checksum"),
        ([*FRAMES, b"more"], "wrong checksum"),
        ([FRAMES[0], b"x" * 16, *FRAMES[2:]], "wrong checksum"),
        ([FRAMES[0][:-1] + bytes([FRAMES[0][-1] ^ 1]), *ARRAYS], "wrong checksum"),
        (sealed(header(PAIR)["message"], ARRAYS[:-1]), r"ChunkPair\.mask: .*3 arrays came"),
        (sealed(header(PAIR)["message"], [*ARRAYS, b"more"]), "4 arrays announced, 5 came"),
        (sealed(header(PAIR)["message"], [*ARRAYS[:-1], ARRAYS[-1][:-1]]), r"ChunkPair\.mask: .* 24 bytes, 23 came"),
        (spoiled(PAIR, state=["|O", [4], 0]), r"ChunkPair\.state: unknown dtype '\|O'"),
        (spoiled(PAIR, state=["<f4", [-4], 0]), "impossible shape"),
        (spoiled(PAIR, state=["<f4", [0, 2**62], 0]), "impossible shape"),
        (spoiled(PAIR, state=["<f4", [4], 1]), "array 0 has the index 1"),
        (spoiled(PAIR, state=1), "its dtype, shape and index"),
        (spoiled(PAIR, state=["<f4", [2, 2], 0]), "state must be float32 with 1 dimensions"),
        (spoiled(PAIR, state=["<i4", [4], 0]), "state must be float32 with 1 dimensions, not int32"),
    ],
)
def test_a_wrong_message_is_refused_by_name(frames: list[Frame], reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode(frames)


def test_another_protocol_is_named() -> None:
    old = msgpack.packb({"protocol": 1, "type": "pair", "fields": {}, "tensors": []})
    with pytest.raises(WrongProtocol, match="protocol 1 is not 2") as caught:
        decode([old])
    assert caught.value.protocol == 1
    with pytest.raises(WrongProtocol, match="protocol 3 is not 2"):
        decode(sealed("entirely different", protocol=3))


def test_an_oversized_message_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="more than 100"):
        decode(FRAMES, max_bytes=100)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAIR, robot=PAIR.robot[:2]),
        replace(PAIR, human=PAIR.human * np.nan),
        replace(PAIR, id=-1),
        replace(PAIR, state=PAIR.state.astype(np.float64)),
        replace(PAIR, mask=PAIR.mask[0]),
        replace(PAIR, robot=np.zeros((0, 2), np.float32)),
        replace(WEIGHTS, tensors={"text": np.array(["a"])}),
    ],
)
def test_a_wrong_message_is_not_sent(wrong: codec.Message) -> None:
    with pytest.raises(MalformedMessage):
        encode(wrong)


def decode_or_refuse(frames: list[bytes]) -> None:
    with contextlib.suppress(MalformedMessage):
        decode(frames)


@given(st.lists(st.binary(max_size=200), max_size=4))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_decoded_or_refused(frames: list[bytes]) -> None:
    decode_or_refuse(frames)


@given(st.sampled_from(MESSAGES), st.booleans(), st.data())
@settings(max_examples=400, deadline=None)
def test_mutated_messages_are_decoded_or_refused(message: codec.Message, right: bool, data: st.DataObject) -> None:
    unpacked = header(message)
    # With a right checksum, decoding reaches the mutated bytes.
    content = msgpack.packb(unpacked["message"]) if right else encode(message)[0]
    frames = [bytearray(content), *(bytearray(frame) for frame in encode(message)[1:])]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = frames[data.draw(st.integers(0, len(frames) - 1))]
        if frame:
            place = data.draw(st.integers(0, len(frame) - 1))
            frame[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    sent = [bytes(frame) for frame in frames]
    if right:
        crc = 0
        for frame in sent:
            crc = zlib.crc32(frame, crc)
        # {"protocol": PROTOCOL, "crc32": crc, "message": <the mutated bytes>}
        sent[0] = b"\x83" + b"".join(map(msgpack.packb, ["protocol", PROTOCOL, "crc32", crc, "message"])) + sent[0]
    decode_or_refuse(sent)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5)
trees = st.recursive(
    scalars, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(max_size=5), t, max_size=4), max_leaves=6
)


@given(st.sampled_from(MESSAGES), st.data())
@settings(max_examples=300, deadline=None)
def test_well_formed_nonsense_is_decoded_or_refused(message: codec.Message, data: st.DataObject) -> None:
    name, fields = header(message)["message"]
    arrays = [bytes(frame) for frame in encode(message)[1:]]
    entry = data.draw(st.sampled_from(["message", "name", "fields", "inner"]))
    nonsense = data.draw(trees)
    if entry == "message":
        content: object = nonsense
    elif entry == "name":
        content = [nonsense, fields]
    elif entry == "fields" or not fields:
        content = [name, nonsense]
    else:
        content = [name, fields | {data.draw(st.sampled_from(sorted(fields))): nonsense}]
    decode_or_refuse([bytes(frame) for frame in sealed(content, arrays)])


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_exactly_the_ids(ids: set[int]) -> None:
    ranges = to_ranges(ids)
    assert {n for n in range(62) if in_ranges(ranges, n)} == ids
    assert list(ranges) == sorted(set(ranges))
