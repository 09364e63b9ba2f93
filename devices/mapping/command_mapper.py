"""Maps deflections and button presses to motion on the task's axes: translation or rotation, arm, gripper, speed.

A pure state machine, one per device. The device's reader thread uses it; any thread may read `status`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hitl_clic.devices.core.axes import GRIPPER, TURNS, arm, base
from hitl_clic.devices.core.controls import TEACH_STILL
from hitl_clic.devices.mapping.shaping import Profile, shape
from hitl_clic.types.commands import COMMANDS

Mode = Literal["move", "turn", "both"]

_MODE_WORDS: Mapping[Mode, str] = {"move": "moving", "turn": "turning", "both": "moving and turning"}
_GRIPPER_WORDS = {0: "by the robot", 1: "closed", -1: "open"}


class Command(NamedTuple):
    """Motion, `teaches`, `lasting`, `still` and `slow` of a `DeviceSample`."""

    motion: tuple[float, ...]
    teaches: tuple[bool, ...] | None
    lasting: tuple[bool, ...] | None
    still: bool = False
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What the device controls now.

    Attributes:
        mode: whether deflections translate, rotate, or both. arm: the controlled arm, from 0.
        gripper: command to that arm's gripper: 1 close, -1 open, 0 none (the robot's policy controls it).
    """

    mode: Mode
    arm: int
    gripper: int


class CommandMapper:
    """Keeps mode, arm and grippers, and computes motion from them.

    A command covers the axes of one arm: those of the mode, and its gripper after a press. The robot keeps all others.

    A gripper has no command at first, so taking over does not change the grip. The first press closes it, the next
    opens it. The command persists over changes of mode and arm until `release_grippers`.

    A mode is needed only where one raw axis both moves and turns. A device with six axes starts with both at once.
    """

    def __init__(
        self, profile: Profile, axes: Sequence[str] = (), give_command: Callable[[str], None] = lambda name: None
    ) -> None:
        """
        Args:
            profile: shaping, speeds and axis map.
            axes: the task's axis names; empty: the profile's.
            give_command: takes the name of a command whose control is pressed.

        Raises:
            ValueError: the profile has none of the task's axes.
        """
        grips = "gripper" in {*profile.keys.values(), *profile.buttons.values()}
        self.axes = tuple(
            axis for axis in axes or profile.axes if base(axis) in profile.axes or (grips and base(axis) == GRIPPER)
        )
        """The motion axes, in the task's order; empty for a profile that only gives commands."""
        if not self.axes and profile.axes:
            raise ValueError(
                f"device profile {profile.name!r} has the axes {', '.join(profile.axes)}, of which the task has none; "
                f"the task's are {', '.join(axes)}"
            )
        self._give_command = give_command
        self._arms = 1 + max(map(arm, self.axes), default=0)
        self._grips = GRIPPER in map(base, self.axes)
        self._arm, self._grippers = 0, [0] * self._arms
        self._modes: tuple[Mode, ...] = ()
        self._mode: Mode = "move"
        self.tune(profile)

    def tune(self, profile: Profile) -> None:
        """Use another profile with the same axes. Mode, arm and grippers stay."""
        self._profile = profile
        linear = {name: axis.model_copy(update={"scale": 1.0, "exponent": 1.0}) for name, axis in profile.axes.items()}
        self._linear = profile.model_copy(update={"axes": linear, "exponent": 1.0})
        bases = set(map(base, self.axes))
        self._turns = tuple(name for name in profile.axes if name in TURNS and name in bases)
        self._moves = tuple(name for name in profile.axes if name not in TURNS and name in bases)
        before, self._modes = self._modes, self._choices()
        if self._modes != before:
            self._mode = self._modes[0]

    @property
    def status(self) -> Status:
        """Present mode, arm and gripper."""
        driven = self._arm
        return Status(self._mode, driven, self._grippers[driven])

    def press(self, function: str) -> None:
        """Handle the press of a control. Functions that act while held are ignored here."""
        name, _, number = function.partition(" ")
        match name:
            case "stop":
                pass  # a level, not an edge: see `DeviceSample.stop`
            case _ if function in COMMANDS:
                self._give_command(function)
            case "mode":
                self._mode = self._modes[(self._modes.index(self._mode) + 1) % len(self._modes)]
            case "arm":
                self._arm = min(int(number) - 1, self._arms - 1) if number else (self._arm + 1) % self._arms
            case "gripper" if self._grips:
                self._grippers[self._arm] = -1 if self._grippers[self._arm] > 0 else 1

    def release_grippers(self) -> None:
        """Drop the gripper commands, so that the robot's policy controls the grippers."""
        self._grippers = [0] * self._arms

    def command(self, raw: Mapping[str, float], held: Collection[str] = ()) -> Command:
        """The command for these deflections.

        Args:
            raw: deflection by raw axis, 1 at full; see `shaping.shape`.
            held: functions of the held controls.
        """
        still = TEACH_STILL in held
        mode: Mode = "both" if still else self._mode_now(held)  # standing still is of the whole arm
        speed = 0.0 if still else self._speed(held)
        commanded: dict[str, float] = {}
        for names in self._groups(mode):
            motion = shape(raw, self._profile, names)
            commanded.update((name, value * speed) for name, value in zip(names, motion, strict=True))
        gripper = self._grippers[self._arm]
        if gripper:
            commanded[GRIPPER] = float(gripper)
        mine = [arm(axis) == self._arm and base(axis) in commanded for axis in self.axes]
        motion = tuple(commanded[base(axis)] if is_mine else 0.0 for axis, is_mine in zip(self.axes, mine, strict=True))
        lasting = tuple(is_mine and base(axis) == GRIPPER for axis, is_mine in zip(self.axes, mine, strict=True))
        return Command(
            motion, None if all(mine) else tuple(mine), lasting if any(lasting) else None, still, "slow" in held
        )

    def push(self, raw: Mapping[str, float], held: Collection[str] = ()) -> float:
        """The size of the push in the present mode, from 0 to 1, see `push.Push`. Arguments as for `command`."""
        groups = self._groups(self._mode_now(held))
        return max((abs(value) for names in groups for value in shape(raw, self._linear, names)), default=0.0)

    def status_text(self) -> str:
        """Mode, arm and gripper in words; empty if there is no choice."""
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

    def _mode_now(self, held: Collection[str]) -> Mode:
        return "turn" if "turn" in held and self._turns else self._mode

    def _groups(self, mode: Mode) -> tuple[tuple[str, ...], ...]:
        match mode:
            case "move":
                return (self._moves,)
            case "turn":
                return (self._turns,)
            case "both":
                return (self._moves, self._turns)

    def _speed(self, held: Collection[str]) -> float:
        """Factor on the motion. Precise wins over coarse when both are held."""
        if "precise" in held:
            return self._profile.precise_scale
        return 1.0 if "coarse" in held else self._profile.scale
