"""The keyboard of a terminal, as over SSH: presses without releases. Runs in its reader thread.

It never reads the terminal itself: `cockpit.terminal_link` does, and sends the keys here as events, as the window does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.devices.core.controls import TEACH_STILL
from hitl_clic.devices.hardware.events import InputEvent
from hitl_clic.devices.hardware.held_controls import StruckControls
from hitl_clic.devices.hardware.window import WindowDevice

SENTENCES: Mapping[str, str] = {
    "engage": "Drive until pressed again",
    "precise": "With an arrow: small step",
    "turn": "With an arrow: turn instead of move",
}
"""What these functions do here, for the key map. A terminal reports no release, so nothing can be held."""


class TerminalSettings(BaseModel):
    """How long a key of a terminal counts as held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    press_s: float = Field(
        0.4,
        ge=0.05,
        le=2,
        description="Seconds for which a press of a moving key counts as held, since a terminal reports no release. A "
        "key that you hold moves without a gap if this is longer than the delay before your keyboard repeats it. Space "
        "needs no time: you drive until it is pressed again.",
    )
    repeat_s: float = Field(
        0.15,
        ge=0.02,
        le=2,
        description="Seconds for which each repetition of a held key counts as held. Shift with an arrow: small step.",
    )


class TerminalDevice(WindowDevice):
    """The keys that the profile binds, of a terminal.

    Only the key pressed last repeats, so no control can be held beside it. A key that moves therefore also takes over.
    The "engage" key switches: driving goes on until its next press, or until the terminal is lost or stopped.

    Args:
        times: how long a key counts as held. Others: see `WindowDevice`.
    """

    name = "terminal"

    def __init__(self, *arguments: Any, times: TerminalSettings, tap_hold_s: float = 0.12, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "tap_hold_s": tap_hold_s})
        press_ns, repeat_ns, least_ns = (round(s * 1e9) for s in (times.press_s, times.repeat_s, tap_hold_s))
        self._keys = StruckControls(press_ns, repeat_ns, least_ns)
        self._driving = False
        """Whether the "engage" key was switched on."""

    def status_text(self) -> str:
        driving = "driving until Space" if self._driving else ""
        return " · ".join(part for part in (super().status_text(), driving) if part)

    def _receive(self, event: InputEvent, now_ns: int) -> None:
        binding = self._profile.keys.get(event.name, "") if event.kind == "key_down" else ""
        new = bool(binding) and not self._keys.active(event.name, now_ns)
        lost = event.time_ns - self._event_ns > self._stale_after_ns or event.kind in ("focus_lost", "closed")
        super()._receive(event, now_ns)
        if lost or binding == "stop":
            self._driving = False
        elif new and binding == "engage":
            self._driving = not self._driving

    def _held(self, now_ns: int) -> set[str]:
        held = super()._held(now_ns) - {"engage"}
        moves = any(binding[0] in "+-" or binding in ("gripper", TEACH_STILL) for binding in held)
        return held | {"engage"} if moves or self._driving else held


def missing() -> str:
    """What is missing for this device, as a sentence; empty if nothing."""
    if find_spec("termios") is None:
        return "It needs a terminal as Linux and macOS have them."
    try:
        has_terminal = os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):  # no standard input at all
        has_terminal = False
    return "" if has_terminal else "The standard input is no terminal: run it in one, with `ssh -t` over SSH."


def status() -> tuple[bool, str]:
    """(usable now, sentence) for the device list."""
    lacking = missing()
    return not lacking, lacking or "Ready: the arrow keys of this terminal move the robot, also over SSH."
