"""`CockpitState`: everything one picture of the cockpit needs, and its bytes.

Made by the actor (in the cockpit's own threads, never in a tick), read by the window process, the terminal
dashboard and the report. Pure data: knows nothing of pygame, sockets or torch; never unpickles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, cast

import msgpack
import numpy as np
from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from hitl_clic.cockpit.state.bench_state import BenchView
from hitl_clic.cockpit.window.keymap import Bindings, Keymap, table
from hitl_clic.types.records import EVERYTHING, Frame, GateState, Kind
from hitl_clic.types.scene import Scene

Chunk = tuple[Annotated[tuple[FiniteFloat, ...], Field(min_length=2)], ...]
"""Displacements of the hand, one row a step, in action units: x and y, and y points down like the scene; for tasks with
a stage x, y, z of each hand in the world."""
Driver = Literal["robot", "human", "nobody"]
Correction = Literal["queued", "learned", "followed", "unfollowed", "undone"]
"""Waiting for the learner; in trained batches, and the policy asked again at its state: would do it, would not yet."""
LinkState = Literal["connecting", "connected", "lost", "refused"]

MAX_BYTES = 1 << 20
"""Largest encoded state accepted, bytes; a real one is a few kilobytes."""

_STRICT = ConfigDict(extra="forbid")
_NonNegative = Annotated[FiniteFloat, Field(ge=0.0)]
_Share = Annotated[FiniteFloat, Field(ge=0.0, le=1.0)]


class StateError(ValueError):
    """Bytes that are no `CockpitState`; the message names the field and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class EpisodeMark:
    """One finished episode as the cockpit shows it: its number, whether the goal was reached, how often the
    teacher drove (fraction of its steps, 0 to 1) and its length in steps."""

    __pydantic_config__ = _STRICT

    episode: NonNegativeInt
    success: bool
    feedback: _Share
    timesteps: NonNegativeInt = 0


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Set on the last states of a session: the window then shows its summary page.

    Attributes:
        wall_s: length of the session, seconds. updates: updates the learner did.
        saved_to: folder of the recording, as the person knows it.
    """

    __pydantic_config__ = _STRICT

    wall_s: _NonNegative
    updates: NonNegativeInt
    saved_to: str


@dataclass(frozen=True, slots=True)
class EnergySlice:
    """A slice of the energy over two action axes, around the robot's chunk at one tick.

    Attributes:
        policy: whose energy it is, in words ("policy v12").
        axes: names of the axes, to the right and downwards. side: points on each, from -1 to 1.
        levels: side * side bytes, row by row: 0 where the energy is least, 255 where it is high.
        robot: the robot's action. human: the teacher's, or None. radius: of the desired ball around it; with a human
            action and without a radius the desired space is the half-plane that begins at `edge` from the robot's
            towards the teacher's.
    """

    __pydantic_config__ = _STRICT

    policy: str
    axes: tuple[str, str]
    side: PositiveInt
    levels: bytes
    robot: tuple[FiniteFloat, FiniteFloat]
    human: tuple[FiniteFloat, FiniteFloat] | None = None
    radius: _NonNegative | None = None
    edge: _NonNegative = 0.0


@dataclass(frozen=True, slots=True)
class CockpitState:
    """One instant of a session, as a teacher sees it. Every field but the task's name and scene has a default.

    Attributes:
        task: name for the person. scene: what stands where. time_s: since the session began, seconds.
        robot_chunk: the plan in use, from its first step; execute: its first Ta steps will run;
            step_in_chunk: how many of its steps have run, so that step is the one that leaves `scene.hand`.
        human_chunk: the teacher's correction from `scene.hand` on; a single step is drawn as a direction.
        desired_radius: radius of the desired set around the end of `human_chunk`, action units.
        gate: who may drive. kind, frame, about: how a correction is read, along whose axes, about which group of them.
        hint: how to hand over ("hold Space to drive"). lets_pass: the teacher holds on without pushing, and so teaches
            that what the robot does is right.
        asks: the robot doubts its plan.
        device, device_age_s, device_connected: what the teacher holds, age of its newest sample, whether it is there.
        device_note: what it would move now ("moving · arm 1 of 2"); may be empty.
        device_keys: its key map for the help page, (what to press, what it does).
        window_keys: the window's own keys that are others than by default.
        foot: lines of keys at the foot of the panel, (key, word), where they are not those of a teacher.
        weight_version, weights_age_s: version in use (0 untrained), seconds since it took over.
        pairs_*: corrections made, waiting for the learner, in trained batches, given up.
        updates_per_s: of the learner, over the last seconds.
        episode, step, max_steps: numbers from 0; progress: task's own figure in words ("coverage 0.63").
        history: finished episodes, oldest first. corrections: the newest ones, oldest first.
        loop_hz, target_hz: measured and wanted rate of the loop (0 while unknown).
        lateness_p99_ms, lateness_worst_ms, overruns: of the session's ticks.
        sections: (name, p50, p99) of each part of a tick, ms.
        link, link_detail: state of the connection to the learner and a sentence about it.
        message: what happened last, one sentence; may be empty. end: set when the session is over.
        landscape: of the energy, or a sentence why there is none.
        practice: the score, where a person drives alone and nothing is learned; `history` then has the share of the
            time that each episode took in place of the share driven.
        bench: a device that is tried out, which then has the whole window.
    """

    __pydantic_config__ = _STRICT

    task: str
    scene: Scene
    time_s: _NonNegative = 0.0
    robot_chunk: Chunk | None = None
    execute: NonNegativeInt = 0
    step_in_chunk: NonNegativeInt = 0
    human_chunk: Chunk | None = None
    desired_radius: _NonNegative | None = None
    gate: GateState = "autonomous"
    kind: Kind = "relative"
    frame: Frame = "camera"
    about: str = EVERYTHING
    hint: str = ""
    approving: bool = False
    asks: bool = False
    device: str = ""
    device_age_s: _NonNegative = 0.0
    device_connected: bool = True
    device_note: str = ""
    device_keys: tuple[tuple[str, str], ...] = ()
    window_keys: Bindings = ()
    foot: tuple[tuple[tuple[str, str], ...], ...] = ()
    weight_version: NonNegativeInt = 0
    weights_age_s: _NonNegative = 0.0
    pairs_made: NonNegativeInt = 0
    pairs_queued: NonNegativeInt = 0
    pairs_learned: NonNegativeInt = 0
    pairs_dropped: NonNegativeInt = 0
    updates_per_s: _NonNegative = 0.0
    episode: NonNegativeInt = 0
    step: NonNegativeInt = 0
    max_steps: NonNegativeInt = 0
    progress: str = ""
    history: tuple[EpisodeMark, ...] = ()
    corrections: tuple[Correction, ...] = ()
    loop_hz: _NonNegative = 0.0
    target_hz: _NonNegative = 0.0
    lateness_p99_ms: _NonNegative = 0.0
    lateness_worst_ms: _NonNegative = 0.0
    overruns: NonNegativeInt = 0
    sections: tuple[tuple[str, _NonNegative, _NonNegative], ...] = ()
    link: LinkState = "connecting"
    link_detail: str = ""
    message: str = ""
    practice: str = ""
    energy_slice: EnergySlice | str = "No energy to look at yet"
    bench: BenchView | None = None
    end: SessionEnd | None = None

    @property
    def keymap(self) -> Keymap:
        """The window's keys."""
        return table(self.window_keys)

    @property
    def driver(self) -> Driver:
        """Who moves the robot now: follows from the gate."""
        if self.gate == "autonomous":
            return "robot"
        return "human" if self.gate == "correcting" else "nobody"


_ADAPTER: TypeAdapter[CockpitState] = TypeAdapter(CockpitState)


def to_bytes(state: CockpitState) -> bytes:
    """Encode as msgpack, a map of field names to values. Numbers must be plain Python or convertible by float()."""
    return cast(bytes, msgpack.packb(state, default=_plain))


def from_bytes(data: bytes) -> CockpitState:
    """Decode and check every field.

    Raises:
        StateError: not msgpack, too large, an unknown or missing field, a wrong type, or a number not finite.
    """
    if len(data) > MAX_BYTES:
        raise StateError(f"cockpit state of {len(data)} bytes: at most {MAX_BYTES} are accepted")
    try:
        raw = msgpack.unpackb(data, raw=False, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise StateError(f"cockpit state is not msgpack: {error or type(error).__name__}") from error
    try:
        state = _ADAPTER.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise StateError(f"cockpit state, {where}: {first['msg']}") from error
    _check_scene(state.scene)
    try:
        table(state.window_keys)
    except ValueError as error:
        raise StateError(f"cockpit state, window_keys: {error}") from error
    land = state.energy_slice
    if isinstance(land, EnergySlice) and len(land.levels) != land.side**2:
        raise StateError(f"cockpit state, landscape: {len(land.levels)} levels are not {land.side} x {land.side}")
    return state


def _check_scene(scene: Scene) -> None:
    """The scene's classes belong to `tasks`; what drawing relies on is checked here."""
    numbers = [*scene.size, *scene.hand, scene.step]
    for shape in scene.shapes:
        numbers.append(shape.radius)
        for point in shape.points:
            numbers.extend(point)
    if scene.pose is not None:
        numbers.extend(number for hand in scene.pose.hands for number in hand)
        if len(scene.pose.joints) % 4:
            raise StateError(f"cockpit state, scene.pose: {len(scene.pose.joints)} bytes are no numbers of 4 bytes")
        numbers.append(float(np.abs(np.frombuffer(scene.pose.joints, "<f4")).sum()))
    if not all(math.isfinite(number) for number in numbers):
        raise StateError("cockpit state, scene: holds a number that is not finite")
    if min(scene.size) <= 0:
        raise StateError(f"cockpit state, scene.size: {scene.size}, must be positive")


def _plain(value: Any) -> Any:
    """What msgpack cannot pack by itself: our dataclasses, and numpy scalars."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cockpit state: cannot encode a {type(value).__name__}")
