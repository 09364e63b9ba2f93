"""A state of the cockpit, any valid state, and the way of a state to the window."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import strategies as st

from hitl_clic.cockpit.state.state import (
    CockpitState,
    Correction,
    EpisodeMark,
    SessionEnd,
)
from hitl_clic.cockpit.window import messages
from hitl_clic.types.scene import Scene, Shape
from hitl_clic.types.scene3d import Pose

HISTORY = tuple(EpisodeMark(i, i % 3 > 0, 0.6 - 0.05 * i, 100 + i) for i in range(9))
STATE = CockpitState(
    task="Push-T",
    scene=Scene(
        size=(512.0, 512.0),
        shapes=(
            Shape("goal", ((200.0, 200.0), (300.0, 200.0), (250.0, 300.0))),
            Shape("robot", ((330.0, 400.0),), 15.0),
        ),
        hand=(330.0, 400.0),
        step=10.0,
    ),
    robot_chunk=((-1.0, -0.2),) * 8,
    execute=4,
    history=HISTORY,
    corrections=("learnt", "discarded", "queued"),
    loop_hz=10.0,
    link="connected",
    device="Keyboard",
)
SIZES = [(960, 540), (1280, 720), (1920, 1080)]
numbers = st.floats(-1e6, 1e6)
plain = st.floats(0.0, 1e6)
points = st.tuples(numbers, numbers)
chunks = st.none() | st.lists(points | st.tuples(numbers, numbers, numbers), max_size=9).map(tuple)
counts = st.integers(0, 2**40)
states = st.builds(
    CockpitState,
    task=st.text(max_size=20),
    scene=st.builds(
        Scene,
        size=st.tuples(st.floats(1.0, 1e4), st.floats(1.0, 1e4)),
        shapes=st.lists(
            st.builds(Shape, st.text(max_size=8), st.lists(points, max_size=5).map(tuple), plain), max_size=4
        ).map(tuple),
        hand=points,
        step=numbers,
        pose=st.none()
        | st.builds(
            Pose,
            st.lists(numbers, max_size=9).map(lambda row: np.array(row, "<f4").tobytes()),
            st.lists(st.tuples(numbers, numbers, numbers), max_size=2).map(tuple),
        ),
    ),
    robot_chunk=chunks,
    execute=st.integers(0, 20),
    step_in_chunk=st.integers(0, 20),
    human_chunk=chunks,
    desired_radius=st.none() | plain,
    gate=st.sampled_from(["autonomous", "correcting", "waiting", "paused", "stopped"]),
    correction_mode=st.sampled_from(["absolute", "relative"]),
    device_age_s=plain,
    device_connected=st.booleans(),
    pairs_made=counts,
    updates_per_s=plain,
    history=st.lists(st.builds(EpisodeMark, st.integers(0, 99), st.booleans(), st.floats(0, 1)), max_size=50).map(
        tuple
    ),
    corrections=st.lists(st.sampled_from(get_args(Correction)), max_size=9).map(tuple),
    lateness_p99_ms=plain,
    link=st.sampled_from(["connecting", "connected", "lost", "refused"]),
    message=st.text(max_size=200),
    end=st.none() | st.builds(SessionEnd, plain, counts, st.text(max_size=30)),
)


def marks(*episodes: tuple[float, bool]) -> tuple[EpisodeMark, ...]:
    """Episodes, each by the part that the human drove and by success."""
    return tuple(EpisodeMark(number, success, driven) for number, (driven, success) in enumerate(episodes))


def sent(state: CockpitState) -> CockpitState:
    """The state as the window gets it."""
    message = messages.TO_WINDOW.unpack(messages.TO_WINDOW.pack(messages.Show(state)))
    assert isinstance(message, messages.Show)
    return message.state
