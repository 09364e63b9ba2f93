"""Who drives: a table of states and events, and the rules that turn a device's sample into events.

Pure: no I/O, no clock, no threads, no torch. Stepped once per tick by the loop, in the actor's main thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.let_go import LetGo
from hitl_clic.devices.core.sample import DeviceSample, fresh
from hitl_clic.types.commands import GATE_COMMANDS, SWITCHES, Driver, Event, Switch
from hitl_clic.types.records import EVERYTHING, CommandFrame, CorrectionMode, GateState

# fmt: off
_AFTER: Mapping[GateState, tuple[GateState, ...]] = {
    # event:       engage        release       pause         resume        stop       clear_stop    ask
    "autonomous": ("correcting", "autonomous", "paused",     "autonomous", "stopped", "autonomous", "waiting"),
    "correcting": ("correcting", "autonomous", "paused",     "correcting", "stopped", "correcting", "correcting"),
    "waiting":    ("correcting", "waiting",    "autonomous", "autonomous", "stopped", "waiting",    "waiting"),
    "paused":     ("paused",     "paused",     "autonomous", "autonomous", "stopped", "paused",     "paused"),
    "stopped":    ("stopped",    "stopped",    "stopped",    "stopped",    "stopped", "paused",     "stopped"),
}
# fmt: on
TRANSITIONS: Mapping[tuple[GateState, Event], GateState] = {
    (state, event): after for state, row in _AFTER.items() for event, after in zip(get_args(Event), row, strict=True)
}
"""The next state for each state and event.

One key pauses and resumes, and it also ends a wait. A cleared stop pauses: resuming is a second, deliberate command.
"""

DRIVERS: dict[GateState, Driver] = {
    "autonomous": "robot",
    "correcting": "human",
    "waiting": "nobody",
    "paused": "nobody",
    "stopped": "nobody",
}
"""Who drives in each state; with "nobody" nothing is executed."""


class GateSettings(BaseModel):
    """When the teacher drives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["hold", "touch", "toggle"] = Field(
        "hold",
        description="hold: the teacher drives while the dead-man control is held. touch: from the first motion until "
        "release_s after the last. toggle: from one press of the control to the next.",
    )
    touch_threshold: float = Field(
        0.05, ge=0, lt=1, description="Touch mode: largest motion on an axis that does not count, share of full motion."
    )
    touch_release_threshold: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="Touch mode: once touched, motion counts until it falls below this share of full motion, or below "
        "touch_threshold if that is less. So noise at one threshold does not change the driver.",
    )
    release_s: float = Field(
        0.3, ge=0, le=10, description="Touch mode: seconds without motion after which the robot drives again."
    )
    stale_after_s: float = Field(
        0.25, gt=0, le=10, description="Seconds after which an unconfirmed sample counts as no input: zero motion."
    )
    on_stale: Literal["policy", "hold", "zero", "pause"] = Field(
        "policy",
        description="When input is lost while the teacher drives; of what happens then nothing is learnt. policy: the "
        "robot drives on. hold: the last motion goes on for stale_hold_s, over a short gap as of a wireless link, then "
        "the robot drives on. zero: the teacher goes on driving, with zero motion. pause: nothing moves until resumed.",
    )
    stale_hold_s: float = Field(
        0.2,
        gt=0,
        le=0.5,
        description="on_stale = hold: seconds for which the last motion goes on, counted from when the loss is seen. A "
        "person sees that it does and reacts in a quarter of a second, so more would drive a robot blindly.",
    )


@dataclass(frozen=True, slots=True)
class CorrectionOptions:
    """The command frames and groups of axes that a person can switch to."""

    frames: tuple[CommandFrame, ...] = ("world",)
    groups: tuple[str, ...] = (EVERYTHING,)


@dataclass(frozen=True, slots=True)
class GateOutput:
    """The gate's decision for one tick.

    Attributes:
        state, correction_mode: as they are for this tick. driver: whose action is executed.
        command_frame: the frame whose axes the motion is given in.
        correction_axes: name of the group of action axes that a correction may change.
        switched: correction_mode, command_frame or correction_axes changed in this tick.
        entered: the teacher took over in this tick. left: the teacher stopped driving in this tick.
        stale: the sample is too old, or its device is lost: nothing may be learnt from this tick.
        motion: the device's motion to execute; zero unless the human drives. With `on_stale` hold it may be the last
            one for a limited time.
        teaches: which motions the correction covers; None is all. lasting, still: as in `DeviceSample`.
    """

    state: GateState
    correction_mode: CorrectionMode
    driver: Driver
    entered: bool
    left: bool
    stale: bool
    motion: tuple[float, ...]
    teaches: tuple[bool, ...] | None = None
    command_frame: CommandFrame = "world"
    correction_axes: str = EVERYTHING
    switched: bool = False
    lasting: tuple[bool, ...] | None = None
    still: bool = False


class Gate:
    """Decides at each tick who drives and how corrections are read.

    Args:
        settings: when the teacher drives.
        correction: how corrections are read at first. A frame or group that `options` lacks is replaced by
            the first that it offers.
        options: what can be switched to.
        person: a hand is at the device, which must be released once before it takes over anew.
    """

    def __init__(
        self,
        settings: GateSettings | None = None,
        correction: CorrectionSettings | None = None,
        options: CorrectionOptions | None = None,
        person: bool = True,
    ) -> None:
        self.settings, self.correction = settings or GateSettings(), correction or CorrectionSettings()
        self.state: GateState = "autonomous"
        offered = options or CorrectionOptions()
        self._options: Mapping[Switch, tuple[str, ...]] = {
            "correction_mode": get_args(CorrectionMode),
            "command_frame": offered.frames,
            "correction_axes": offered.groups,
        }
        at_first = self.correction
        self.correction_mode: CorrectionMode = at_first.mode
        frames, groups = offered.frames, offered.groups
        self.command_frame: CommandFrame = at_first.command_frame if at_first.command_frame in frames else frames[0]
        self.correction_axes = at_first.axes if at_first.axes in groups else groups[0]
        self._hand = LetGo(person)
        self._pressed = False
        self._touch_ends_ns = -1
        self._lasting: tuple[float, ...] = ()
        self._last: DeviceSample | None = None
        """The newest fresh sample."""
        self._lost_ns: int | None = None
        """When the loss of input during a correction was noticed; None while input arrives."""

    def step(self, sample: DeviceSample, now_ns: int, commands: Iterable[str] = ()) -> GateOutput:
        """Decide one tick.

        Commands are applied first, in order; then the sample; the sample's emergency stop last, so that it wins.

        Args:
            sample: the device's newest.
            now_ns: `perf_counter_ns`, the clock of `sample.time_ns`.
            commands: those given since the last tick, from `GATE_COMMANDS`.

        Raises:
            ValueError: a command is none of `GATE_COMMANDS`.
        """
        before, read_before = self.state, (self.correction_mode, self.command_frame, self.correction_axes)
        for command in commands:
            if command not in GATE_COMMANDS:
                raise ValueError(f"{command!r} is not a command of the gate; allowed: {', '.join(GATE_COMMANDS)}")
            switch = SWITCHES.get(command)
            if command == "discard":
                self._hand_back()
            elif switch is None:
                self._on(cast(Event, command))
            else:
                choices = self._options[switch]
                setattr(self, switch, choices[(choices.index(getattr(self, switch)) + 1) % len(choices)])
        usable = fresh(sample, now_ns, self.settings.stale_after_s)
        stale = usable is not sample
        if stale:
            event = self._lost(now_ns)
        else:
            self._last, self._lost_ns = usable, None
            self._hand.update(usable, self.settings.touch_threshold)
            event = self._event_from(usable, now_ns)
            if event == "engage" and self._hand.needed:
                event = None
        if event is not None:
            self._on(event)
        if not sample.connected and self.state != "correcting":
            self._hand.ask()  # what is held when the device is back was pressed before
        if sample.stop:
            self._on("stop")
        driver = DRIVERS[self.state]
        holds = stale and driver == "human" and self.settings.on_stale == "hold"
        acted = self._last if holds and self._last is not None else usable
        return GateOutput(
            state=self.state,
            correction_mode=self.correction_mode,
            driver=driver,
            entered=self.state == "correcting" != before,
            left=before == "correcting" != self.state,
            stale=stale,
            motion=acted.motion if driver == "human" else (0.0,) * len(sample.motion),
            teaches=acted.teaches if holds or not stale else None,
            command_frame=self.command_frame,
            correction_axes=self.correction_axes,
            switched=read_before != (self.correction_mode, self.command_frame, self.correction_axes),
            lasting=acted.lasting,
            still=acted.still and driver == "human",
        )

    @property
    def must_let_go(self) -> bool:
        """Whether a hand that is held at the device must be released before it can take over."""
        return self._hand.needed and self._hand.held

    @property
    def still(self) -> bool:
        """Whether the newest fresh sample teaches standing still."""
        return self._last is not None and self._last.still

    def begin(self) -> None:
        """Begin an episode with the robot, whatever is held: a correction or a wait ends."""
        self._hand.ask()
        self._touch_ends_ns = -1
        self._on("release")
        if self.state == "waiting":
            self._on("resume")

    def _hand_back(self) -> None:
        """The robot drives on after a discarded correction, until the hand was released once."""
        if self._hand.asks:
            self._on("release")
            self._hand.ask()

    def _on(self, event: Event) -> None:
        before, self.state = self.state, TRANSITIONS[self.state, event]
        if before == "paused" != self.state:
            self._hand.ask()

    def _event_from(self, sample: DeviceSample, now_ns: int) -> Event | None:
        """The event that a fresh sample causes."""
        pressed, self._pressed = sample.engage and not self._pressed, sample.engage
        match self.settings.mode:
            case "hold":
                return "engage" if sample.engage or sample.still else "release"
            case "toggle":
                if not pressed:
                    return None
                return "release" if self.state == "correcting" else "engage"
            case "touch":
                if self._touched(sample) or sample.engage or sample.still:
                    self._touch_ends_ns = now_ns + round(self.settings.release_s * 1e9)
                    return "engage"
                # within release_s a correction goes on, but none begins: a pause or stop may have ended it
                return None if now_ns <= self._touch_ends_ns else "release"

    def _touched(self, sample: DeviceSample) -> bool:
        """Whether an axis is pushed or a lasting command changed. An unchanged lasting command is no touch."""
        lasts = sample.lasting or (False,) * len(sample.motion)
        lasting = tuple(value if on else 0.0 for value, on in zip(sample.motion, lasts, strict=True))
        before, self._lasting = self._lasting or (0.0,) * len(lasting), lasting
        if any(value not in (0.0, was) for value, was in zip(lasting, before, strict=True)):
            return True
        pushed = (abs(value) for value, on in zip(sample.motion, lasts, strict=True) if not on)
        limit = self.settings.touch_threshold
        if self.state == "correcting":
            limit = min(limit, self.settings.touch_release_threshold)
        return max(pushed, default=0.0) > limit

    def _lost(self, now_ns: int) -> Event | None:
        """The event that lost input causes. The control's last level is kept: its return is not a new press."""
        if self.state != "correcting":
            return None
        match self.settings.on_stale:
            case "policy":
                return "release"
            case "pause":
                return "pause"
            case "zero":
                return None
            case "hold":
                self._lost_ns = now_ns if self._lost_ns is None else self._lost_ns
                return None if now_ns - self._lost_ns < self.settings.stale_hold_s * 1e9 else "release"
