"""Every record passes through JSON unchanged."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from fake_session import Swirl, session_records
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from hitl_clic.session.topics import BY_NAME, TOPICS, Topic, topic_of
from hitl_clic.types.json_form import json_schema
from hitl_clic.types.records import Array, EventRecord, Plan, TickRecord

MATRICES = {"chunk", "robot", "human", "mask"}
_float32 = st.floats(width=32) | st.sampled_from(
    [0.0, -0.0, float("inf"), float("-inf"), 2.0**-149, 3.4028234663852886e38]
)


def _strategy(name: str, annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a field, from its annotation alone, independent of the tested code."""
    if get_origin(annotation) is Annotated:
        annotation, limits = get_args(annotation)
        if annotation is int:
            return st.integers(limits.ge, limits.le)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation == Array:
        rank = 2 if name in MATRICES else 1
        return npst.arrays(np.float32, npst.array_shapes(min_dims=rank, max_dims=rank, min_side=0), elements=_float32)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (typing.Union, UnionType):
        return st.one_of(*(_strategy(name, argument) for argument in arguments))
    if dataclasses.is_dataclass(annotation):
        return _records(annotation)
    if origin is not None:  # a mapping
        return st.dictionaries(st.text(max_size=5), _strategy(name, arguments[1]), max_size=4)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**70), 2**70),
        float: st.floats(),
        bool: st.booleans(),
        str: st.text(max_size=8),
        bytes: st.binary(max_size=40),
        type(None): st.none(),
        Any: st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=6,
        ),
    }
    return plain[annotation]


def _records(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(
        kind, **{field.name: _strategy(field.name, hints[field.name]) for field in dataclasses.fields(kind)}
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        bits = one.view(np.uint32) == other.view(np.uint32) if one.shape == other.shape else np.array(False)
        return one.dtype == other.dtype and bool((bits | (np.isnan(one) & np.isnan(other))).all())
    if isinstance(one, float):
        if math.isnan(one):
            return math.isnan(other)
        return isinstance(other, float) and one == other and math.copysign(1, one) == math.copysign(1, other)
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            _same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one)
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_round_trip(topic: Topic) -> None:
    @given(_records(topic.record))
    def check(record: Any) -> None:
        text = topic.dumps(record)
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert _same(record, topic.loads(text))

    check()


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_schema_names_every_field_with_a_plain_type(topic: Topic) -> None:
    schema = json_schema(topic.record)
    assert list(schema["properties"]) == [field.name for field in dataclasses.fields(topic.record)]
    assert json.loads(json.dumps(schema)) == schema
    for field in schema["properties"].values():
        assert isinstance(field["type"], str)
        # Plotting tools refuse lists of lists.
        assert field["type"] != "array" or field["items"]["type"] != "array"


def test_numpy_scalars_are_written_as_numbers() -> None:
    event = EventRecord(np.int64(3), np.int64(4), "success", {"coverage": np.float32(0.5), "by": "key"})  # type: ignore[arg-type, dict-item]
    assert BY_NAME["event"].loads(BY_NAME["event"].dumps(event)) == EventRecord(
        3, 4, "success", {"coverage": 0.5, "by": "key"}
    )


def test_unwritable_and_unreadable_fields_are_named() -> None:
    with pytest.raises(TypeError, match="no topic for a dict"):
        topic_of({})
    with pytest.raises(ValueError, match=r"EventRecord\.detail.*got `array`"):
        BY_NAME["event"].dumps(EventRecord(0, 0, "x", {"bad": {1}}))  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"EventRecord: cannot record a object"):
        BY_NAME["event"].dumps(EventRecord(0, 0, "x", {"bad": object()}))  # type: ignore[dict-item]
    chunk = np.zeros((2, 2), dtype=np.float32)
    written = json.loads(BY_NAME["plan"].dumps(Plan(0, chunk, 0.0, 0, -1, 0, 1)))
    del written["energy"]
    with pytest.raises(ValueError, match=r"'plan'.*missing required field `energy`"):
        BY_NAME["plan"].loads(json.dumps(written).encode())
    written |= {"energy": 0.0, "chunk": {"shape": [3, 2], "data": [0.0]}}
    with pytest.raises(ValueError, match=r"'plan'.*Plan\.chunk: cannot reshape"):
        BY_NAME["plan"].loads(json.dumps(written).encode())


def test_an_older_tick_without_frames_and_groups_is_read() -> None:
    (tick, *_) = (record for record in session_records(Swirl()) if isinstance(record, TickRecord))
    written = json.loads(
        BY_NAME["tick"].dumps(dataclasses.replace(tick, command_frame="camera", correction_axes="height"))
    )
    assert (written.pop("command_frame"), written.pop("correction_axes")) == ("camera", "height")
    read = BY_NAME["tick"].loads(json.dumps(written).encode())
    assert (read.command_frame, read.correction_axes, read.tick) == ("world", "everything", tick.tick)
