"""States of the cockpit and messages between actor and window: their bytes, and what is refused."""

from __future__ import annotations

import contextlib
import math
from dataclasses import fields, replace

import msgpack
import numpy as np
import pytest
from cockpit_states import STATE, sent, states
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.cockpit.state.state import (
    CockpitState,
    EpisodeMark,
)
from hitl_clic.cockpit.window import messages
from hitl_clic.devices.hardware.events import InputEvent
from hitl_clic.types.scene3d import Pose
from hitl_clic.types.schema import SchemaError


@given(states)
def test_state_survives_its_bytes(state: CockpitState) -> None:
    assert sent(state) == state


def test_numpy_numbers_are_encoded() -> None:
    state = replace(STATE, robot_chunk=tuple(map(tuple, np.ones((2, 2), np.float32))), loop_hz=np.float64(9.5))
    assert sent(state).robot_chunk == ((1.0, 1.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (replace(STATE, gate="flying"), "gate"),
        (replace(STATE, pairs_made=-1), "pairs_made"),
        (replace(STATE, lateness_p99_ms=math.nan), "lateness_p99_ms"),
        (replace(STATE, history=(EpisodeMark(0, True, 1.5),)), "feedback"),
        (replace(STATE, scene=replace(STATE.scene, hand=(math.inf, 0.0))), "scene"),
        (replace(STATE, scene=replace(STATE.scene, size=(0.0, 5.0))), "size"),
        (replace(STATE, scene=replace(STATE.scene, pose=Pose(b"123", ()))), "pose"),
        (replace(STATE, scene=replace(STATE.scene, pose=Pose(np.float32(math.nan).tobytes(), ()))), "finite"),
        (replace(STATE, scene=replace(STATE.scene, pose=Pose(b"", ((0.0, math.inf, 0.0),)))), "hands"),
        (replace(STATE, robot_chunk=((1.0,),)), "robot_chunk"),
    ],
)
def test_bad_state_is_refused_by_name(broken: CockpitState, named: str) -> None:
    with pytest.raises(SchemaError, match=named):
        sent(broken)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(noise: bytes) -> None:
    for schema in (messages.FROM_WINDOW, messages.TO_WINDOW):
        with pytest.raises(SchemaError):
            schema.unpack(noise)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5)
trees = st.recursive(
    scalars, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(max_size=5), t, max_size=4), max_leaves=6
)


@given(st.sampled_from(sorted(field.name for field in fields(CockpitState))), trees)
def test_a_state_with_a_random_field_is_read_or_refused(name: str, value: object) -> None:
    tag, show = msgpack.unpackb(messages.TO_WINDOW.pack(messages.Show(STATE)))
    packed = msgpack.packb([tag, {"state": {**show["state"], name: value}}])
    with contextlib.suppress(SchemaError):
        assert isinstance(messages.TO_WINDOW.unpack(packed), messages.Show)


def test_truncated_or_too_large_states_are_refused() -> None:
    encoded = messages.TO_WINDOW.pack(messages.Show(STATE))
    with pytest.raises(SchemaError):
        messages.TO_WINDOW.unpack(encoded[:-1])
    too_large = messages.TO_WINDOW.pack(messages.Show(replace(STATE, message="x" * (1 << 21))))
    with pytest.raises(SchemaError, match="more than"):
        messages.TO_WINDOW.unpack(too_large)


@pytest.mark.parametrize(
    "message",
    [
        InputEvent(2**60, "key_down", "w"),
        InputEvent(1, "motion", "", (-0.5, 1.25)),
        messages.Press(7, "stop"),
        messages.Report("saved", "/a b.png"),
        messages.Drawn(17.5, 0.25),
        messages.Turned(True),
    ],
)
def test_messages_of_the_window_survive(message: messages.FromWindow) -> None:
    assert messages.FROM_WINDOW.unpack(messages.FROM_WINDOW.pack(message)) == message


@pytest.mark.parametrize(
    "message", [messages.Show(STATE), messages.Screenshot("/a.png"), messages.Heartbeat(), messages.Goodbye()]
)
def test_messages_of_the_actor_survive(message: messages.ToWindow) -> None:
    assert messages.TO_WINDOW.unpack(messages.TO_WINDOW.pack(message)) == message


def test_unknown_commands_and_kinds_are_refused() -> None:
    for message in (messages.Press(1, "explode"), InputEvent(1, "teleport")):  # type: ignore[arg-type]
        with pytest.raises(SchemaError):
            messages.FROM_WINDOW.unpack(messages.FROM_WINDOW.pack(message))
