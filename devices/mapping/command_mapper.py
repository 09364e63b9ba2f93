"""From deflections and presses to motion over all axes of a task: moving or turning, which arm, its gripper, how fast.

A pure state machine, one for each device that a hand holds; used by the device's reader thread alone, but for `status`,
which any thread may read. Knows no hardware and no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hitl_clic.devices.core.axes import GRIPPER, TURNS, arm, base
from hitl_clic.devices.mapping.shaping import Profile, shape

Mode = Literal["move", "turn", "both"]

_MODE_WORDS: Mapping[Mode, str] = {"move": "moving", "turn": "turning", "both": "moving and turning"}
_GRIPPER_WORDS = {0: "as the robot", 1: "shut", -1: "open"}


class Command(NamedTuple):
    """What the hands ask for now; the fields of a `DeviceSample` of these names."""

    motion: tuple[float, ...]
    teaches: tuple[bool, ...] | None
    lasting: tuple[bool, ...] | None


@dataclass(frozen=True, slots=True)
class Status:
    """What the hands would move.

    Attributes:
        mode: whether pushing moves the hand, turns it, or both. arm: the one that is driven, from 0.
        gripper: what that arm's gripper is told: 1 to shut, -1 to open, 0 nothing, so that it does as the robot says.
    """

    mode: Mode
    arm: int
    gripper: int


class CommandMapper:
    """Remembers mode, arm and grippers, and commands motion accordingly.

    Only the arm that is driven is commanded and taught: of its axes those that the mode is about, and its gripper once
    it was told something. The robot keeps all others.

    A gripper is told nothing at first, so that taking over does not change its grip. The first press shuts it, the next
    one opens it. It stays told, whatever mode or arm is chosen, until `let_go`.

    Moving and turning need a mode only where a raw axis of the profile does both; a device with six axes begins with
    both at once.
    """

    def __init__(self, profile: Profile, axes: Sequence[str] = ()) -> None:
        """
        Args:
            profile: shaping, speeds and which raw axis is read for which motion axis.
            axes: the task's, as its actions name them; empty for those that the profile names.

        Raises:
            ValueError: the profile has none of the task's axes.
        """
        grips = "gripper" in {*profile.keys.values(), *profile.buttons.values()}
        self.axes = tuple(
            axis for axis in axes or profile.axes if base(axis) in profile.axes or (grips and base(axis) == GRIPPER)
        )
        """The motion axes, in the task's order."""
        if not self.axes:
            raise ValueError(
                f"device profile {profile.name!r} has the axes {', '.join(profile.axes)}, of which the task has none; "
                f"the task's are {', '.join(axes)}"
            )
        self._arms = 1 + max(map(arm, self.axes))
        self._grips = GRIPPER in map(base, self.axes)
        self._arm, self._grippers = 0, [0] * self._arms
        self._modes: tuple[Mode, ...] = ()
        self._mode: Mode = "move"
        self.tune(profile)

    def tune(self, profile: Profile) -> None:
        """Go by another profile of the same axes from now on; mode, arm and grippers stay as they are."""
        self._profile = profile
        bases = set(map(base, self.axes))
        self._turns = tuple(name for name in profile.axes if name in TURNS and name in bases)
        self._moves = tuple(name for name in profile.axes if name not in TURNS and name in bases)
        before, self._modes = self._modes, self._choices()
        if self._modes != before:
            self._mode = self._modes[0]

    @property
    def status(self) -> Status:
        """Mode, arm and gripper as they are now."""
        driven = self._arm
        return Status(self._mode, driven, self._grippers[driven])

    def press(self, function: str) -> None:
        """A control went down; functions that only matter while held do nothing here."""
        name, _, number = function.partition(" ")
        match name:
            case "mode":
                self._mode = self._modes[(self._modes.index(self._mode) + 1) % len(self._modes)]
            case "arm":
                self._arm = min(int(number) - 1, self._arms - 1) if number else (self._arm + 1) % self._arms
            case "gripper" if self._grips:
                self._grippers[self._arm] = -1 if self._grippers[self._arm] > 0 else 1

    def correction_ended(self) -> None:
        """The hands drive no more: from now on the grippers do as the robot says."""
        self._grippers = [0] * self._arms

    def command(self, raw: Mapping[str, float], held: Collection[str] = ()) -> Command:
        """What deflections mean now.

        Args:
            raw: deflection by raw axis, 1 at full; see `shaping.shape`.
            held: functions whose controls are held.
        """
        mode = "turn" if "turn" in held and self._turns else self._mode
        speed = self._speed(held)
        pushed: dict[str, float] = {}
        for names in self._groups(mode):
            motion = shape(raw, self._profile, names)
            pushed.update((name, value * speed) for name, value in zip(names, motion, strict=True))
        gripper = self._grippers[self._arm]
        if gripper:
            pushed[GRIPPER] = float(gripper)
        mine = [arm(axis) == self._arm and base(axis) in pushed for axis in self.axes]
        motion = tuple(pushed[base(axis)] if is_mine else 0.0 for axis, is_mine in zip(self.axes, mine, strict=True))
        lasting = tuple(is_mine and base(axis) == GRIPPER for axis, is_mine in zip(self.axes, mine, strict=True))
        return Command(motion, None if all(mine) else tuple(mine), lasting if any(lasting) else None)

    def status_text(self) -> str:
        """What the hands would move, in words; empty where there is nothing to choose."""
        status = self.status
        parts = [_MODE_WORDS[status.mode]] if len(self._modes) > 1 else []
        if self._arms > 1:
            parts.append(f"arm {status.arm + 1} of {self._arms}")
        if self._grips:
            parts.append(f"gripper {_GRIPPER_WORDS[status.gripper]}")
        return " · ".join(parts)

    def _choices(self) -> tuple[Mode, ...]:
        if not self._turns:
            return ("move",)
        if not self._moves:
            return ("turn",)
        shared = {self._profile.source(name) for name in self._moves} & {
            self._profile.source(name) for name in self._turns
        }
        return ("move", "turn") if shared else ("both", "move", "turn")

    def _groups(self, mode: Mode) -> tuple[tuple[str, ...], ...]:
        match mode:
            case "move":
                return (self._moves,)
            case "turn":
                return (self._turns,)
            case "both":
                return (self._moves, self._turns)

    def _speed(self, held: Collection[str]) -> float:
        """Precise wins over coarse: who holds both meant to be careful."""
        if "precise" in held:
            return self._profile.precise_scale
        return 1.0 if "coarse" in held else self._profile.scale
