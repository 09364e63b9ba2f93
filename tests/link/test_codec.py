"""Messages survive the wire bit for bit; whatever else arrives is refused by `MalformedMessage`, never otherwise."""

from __future__ import annotations

import contextlib
from dataclasses import fields, is_dataclass, replace

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
        "bank": np.zeros((0, 8), np.float32),
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
def test_a_message_survives_the_wire(message: codec.Message) -> None:
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


def header(message: codec.Message) -> dict[str, object]:
    unpacked = msgpack.unpackb(encode(message)[0])
    assert isinstance(unpacked, dict)
    return unpacked


def spoiled(message: codec.Message, **entries: object) -> list[bytes | memoryview]:
    return [msgpack.packb({**header(message), **entries}), *encode(message)[1:]]


def field_spoiled(message: codec.Message, **values: object) -> list[bytes | memoryview]:
    return spoiled(message, fields={**header(message)["fields"], **values})  # type: ignore[dict-item]


TABLE = header(PAIR)["tensors"]
FRAMES = [bytes(frame) for frame in encode(PAIR)]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], "without a frame"),
        ([b""], "not msgpack"),
        ([b"\xc1"], "not msgpack"),
        ([msgpack.packb([1])], "not a mapping"),
        ([msgpack.packb({})], "without a protocol"),
        (spoiled(PAIR, type="pickle"), "unknown type 'pickle'"),
        (spoiled(PAIR, extra=1), "unknown header entry 'extra'"),
        (spoiled(PAIR, fields=[]), "text, a mapping and a list"),
        (field_spoiled(PAIR, id="7"), "id must be an integer"),
        (field_spoiled(PAIR, id=True), "id must be an integer"),
        (field_spoiled(PAIR, id=-1), "id must be an integer of at least 0"),
        (field_spoiled(PAIR, correction_mode="wrong"), "correction_mode must be"),
        (field_spoiled(PAIR, colour=1), "unknown field 'colour'"),
        (field_spoiled(MESSAGES[2], settings={"a": [1]}), r"settings\['a'\] must be"),
        (field_spoiled(MESSAGES[8], known=[1, "x"]), "an item of known"),
        (FRAMES[:-1], "4 tensors announced, 3 frames came"),
        ([*FRAMES, b"more"], "4 tensors announced, 5 frames came"),
        ([*FRAMES[:-1], FRAMES[-1][:-1]], "'mask' should have 24 bytes, 23 came"),
        ([FRAMES[0], b"x" * 16, *FRAMES[2:]], "'state' has a wrong checksum"),
        (spoiled(PAIR, tensors=[["state", "|O", [4], 0], *TABLE[1:]]), "unknown dtype"),  # type: ignore[index]
        (spoiled(PAIR, tensors=[["state", "<f4", [-4], 0], *TABLE[1:]]), "impossible shape"),  # type: ignore[index]
        (spoiled(PAIR, tensors=[["state", "<f4", [0, 2**62], 0], *TABLE[1:]]), "impossible"),  # type: ignore[index]
        (spoiled(PAIR, tensors=[TABLE[0], TABLE[0], *TABLE[2:]]), "'state'"),  # type: ignore[index]
        (spoiled(PAIR, tensors=[1, *TABLE[1:]]), "a row of the tensor table"),  # type: ignore[index]
    ],
)
def test_a_wrong_message_is_refused_by_name(frames: list[bytes | memoryview], reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode(frames)


def test_another_protocol_says_which() -> None:
    with pytest.raises(WrongProtocol, match=f"protocol {PROTOCOL + 1} is not {PROTOCOL}") as caught:
        decode(spoiled(PAIR, protocol=PROTOCOL + 1, fields="entirely different"))
    assert caught.value.protocol == PROTOCOL + 1


def test_an_oversized_message_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="more than 100"):
        decode(FRAMES, max_bytes=100)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAIR, robot=PAIR.robot[:2]),
        replace(PAIR, human=PAIR.human * np.nan),
        replace(PAIR, id=-1),
        replace(WEIGHTS, tensors={"text": np.array(["a"])}),
    ],
)
def test_a_wrong_message_is_not_sent(wrong: codec.Message) -> None:
    with pytest.raises(MalformedMessage):
        encode(wrong)


def understood_or_refused(frames: list[bytes]) -> None:
    with contextlib.suppress(MalformedMessage):
        decode(frames)


@given(st.lists(st.binary(max_size=200), max_size=4))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_understood_or_refused(frames: list[bytes]) -> None:
    understood_or_refused(frames)


@given(st.sampled_from(MESSAGES), st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_messages_are_understood_or_refused(message: codec.Message, data: st.DataObject) -> None:
    frames = [bytearray(frame) for frame in encode(message)]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = frames[data.draw(st.integers(0, len(frames) - 1))]
        if frame:
            place = data.draw(st.integers(0, len(frame) - 1))
            frame[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    understood_or_refused([bytes(frame) for frame in frames])


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5)
trees = st.recursive(
    scalars, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(max_size=5), t, max_size=4), max_leaves=6
)


@given(st.sampled_from(MESSAGES), st.data())
@settings(max_examples=300, deadline=None)
def test_well_packed_nonsense_is_understood_or_refused(message: codec.Message, data: st.DataObject) -> None:
    changed = header(message)
    entry = data.draw(st.sampled_from(["fields", "tensors", "type", "inner"]))
    inner = changed["fields"]
    if entry != "inner":
        changed[entry] = data.draw(trees)
    elif isinstance(inner, dict) and inner:
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(trees)
    frames = [msgpack.packb(changed), *encode(message)[1:]]
    understood_or_refused([bytes(frame) for frame in frames])


@given(st.sets(st.integers(0, 60)))
def test_ranges_hold_exactly_the_ids(ids: set[int]) -> None:
    ranges = to_ranges(ids)
    assert {n for n in range(62) if in_ranges(ranges, n)} == ids
    assert list(ranges) == sorted(set(ranges))
