"""What the actor and the window process say to each other: one msgpack list per message, nothing pickled.

Pure encoding and checking; the sockets belong to `window_link` (actor) and `window` (window process).
Both run on one machine as one user, so times are `perf_counter_ns` of one clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

import msgpack

from hitl_clic.cockpit.window.keymap import COMMANDS, WindowCommand
from hitl_clic.devices.hardware.events import InputEvent

_KINDS = get_args(get_type_hints(InputEvent)["kind"])
_LONGEST = 4096


class WireError(ValueError):
    """A message that is not understood; says which part."""


@dataclass(frozen=True, slots=True)
class Show:
    """Actor to window: draw this encoded `CockpitState` (`state.from_bytes` checks it)."""

    state: bytes


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Actor to window: save the newest picture as a PNG at this path."""

    path: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Actor to window: there is nothing new to draw, but the actor is there."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Actor to window: close."""


@dataclass(frozen=True, slots=True)
class Report:
    """Window to actor: "ready" (it is open), "failed" (it could not open), "saved" or "not_saved" (a screenshot),
    "closed" (the person closed it); `text` is a path or a sentence."""

    what: Literal["ready", "failed", "saved", "not_saved", "closed"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Window to actor: the person asked for a command at `time_ns`."""

    time_ns: int
    command: WindowCommand


@dataclass(frozen=True, slots=True)
class Drawn:
    """Window to actor: how many pictures that showed something new it has drawn, per second, lately."""

    per_s: float


@dataclass(frozen=True, slots=True)
class Turned:
    """Window to actor: whether the energy is shown from now on."""

    energy: bool


ToWindow = Show | Screenshot | Heartbeat | Goodbye
FromWindow = InputEvent | Press | Report | Drawn | Turned


def pack_to_window(message: ToWindow) -> bytes:
    """Encode a message of the actor."""
    match message:
        case Show(state):
            return _pack("show", state)
        case Screenshot(path):
            return _pack("screenshot", path)
        case Heartbeat():
            return _pack("alive")
        case Goodbye():
            return _pack("goodbye")


def unpack_to_window(data: bytes) -> ToWindow:
    """Decode a message of the actor. Raises WireError."""
    match _unpack(data):
        case ["show", bytes() as state]:
            return Show(state)
        case ["screenshot", str() as path] if 0 < len(path) <= _LONGEST:
            return Screenshot(path)
        case ["alive"]:
            return Heartbeat()
        case ["goodbye"]:
            return Goodbye()
        case other:
            raise WireError(f"not a message of the actor: {str(other)[:80]}")


def pack_from_window(message: FromWindow) -> bytes:
    """Encode a message of the window."""
    match message:
        case InputEvent():
            return _pack("input", message.time_ns, message.kind, message.name, *message.position)
        case Press():
            return _pack("press", message.time_ns, message.command)
        case Report():
            return _pack("report", message.what, message.text)
        case Drawn():
            return _pack("drawn", message.per_s)
        case Turned():
            return _pack("turned", message.energy)


def unpack_from_window(data: bytes) -> FromWindow:
    """Decode a message of the window. Raises WireError."""
    match _unpack(data):
        case ["input", int() as time_ns, str() as kind, str() as name, float() as x, float() as y] if (
            kind in _KINDS and len(name) <= _LONGEST and math.isfinite(x) and math.isfinite(y)
        ):
            return InputEvent(time_ns, kind, name, (x, y))  # type: ignore[arg-type]
        case ["press", int() as time_ns, str() as command] if command in COMMANDS:
            return Press(time_ns, command)
        case ["report", ("ready" | "failed" | "saved" | "not_saved" | "closed") as what, str() as text]:
            return Report(what, text)
        case ["drawn", float() as per_s] if math.isfinite(per_s):
            return Drawn(per_s)
        case ["turned", bool() as energy]:
            return Turned(energy)
        case other:
            raise WireError(f"not a message of the window: {str(other)[:80]}")


def _pack(*parts: object) -> bytes:
    return bytes(msgpack.packb(parts))


def _unpack(data: bytes) -> Any:
    try:
        return msgpack.unpackb(data, raw=False, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise WireError(f"not msgpack: {error or type(error).__name__}") from error
