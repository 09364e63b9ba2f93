"""The messages that the actor and the window process send each other. Pure data and their schemas; any thread.

The sockets belong to `window_link` (actor) and `window` (window process). Both run on one machine as one user, so
times are `perf_counter_ns` of one clock. A new message is a dataclass, its name in `ToWindow` or `FromWindow`, and a
`case` where it is handled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.key_reading import Labels
from hitl_clic.cockpit.window.keymap import WindowCommand
from hitl_clic.devices.hardware.events import InputEvent
from hitl_clic.types.schema import Finite, Nanoseconds, Schema

MAX_BYTES = 1 << 20
"""Largest message that the window accepts, bytes; a real one is a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Show:
    """Actor to window: draw this."""

    state: CockpitState

    def check(self) -> None:
        """See `CockpitState.check`."""
        self.state.check()


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Actor to window: save the newest picture as a PNG at this path."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Actor to window: there is nothing new to draw, and the actor still runs."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Actor to window: close."""


@dataclass(frozen=True, slots=True)
class Report:
    """Window to actor: it is open, could not open, saved a screenshot or not, was closed. `text`: path or sentence."""

    what: Literal["ready", "failed", "saved", "not_saved", "closed"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Window to actor: the person gave a command at `time_ns`."""

    time_ns: Nanoseconds
    command: WindowCommand


@dataclass(frozen=True, slots=True)
class Drawn:
    """Window to actor: how many pictures with new content the window drew per second, lately.

    `cpu`: processor time of its process per second, s.
    """

    per_s: Finite
    cpu: Finite


@dataclass(frozen=True, slots=True)
class Turned:
    """Window to actor: whether the energy is shown from now on."""

    energy: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Window to actor: what is printed on the keys in the keyboard layout in use (`KeyReading.labels`)."""

    labels: Labels


ToWindow = Show | Screenshot | Heartbeat | Goodbye
FromWindow = InputEvent | Press | Report | Drawn | Turned | Layout
TO_WINDOW: Schema[ToWindow] = Schema(ToWindow, MAX_BYTES)
FROM_WINDOW: Schema[FromWindow] = Schema(FromWindow, MAX_BYTES)
