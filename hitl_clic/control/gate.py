"""Who drives: one table of states and events, and the rules that turn a device's sample into events.

Pure: no I/O, no clock, no threads, no torch. Stepped once per tick by the loop, in the actor's main thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.devices.core.sample import DeviceSample, fresh
from hitl_clic.types.commands import COMMANDS, SWITCHES, Driver, Event, Switch
from hitl_clic.types.records import EVERYTHING, Frame, GateState, Kind

TRANSITIONS: dict[tuple[GateState, Event], GateState] = {
    ("autonomous", "engage"): "correcting",
    ("autonomous", "release"): "autonomous",
    ("autonomous", "pause"): "paused",
    ("autonomous", "resume"): "autonomous",
    ("autonomous", "stop"): "stopped",
    ("autonomous", "clear_stop"): "autonomous",
    ("autonomous", "ask"): "waiting",
    ("correcting", "engage"): "correcting",
    ("correcting", "release"): "autonomous",
    ("correcting", "pause"): "paused",
    ("correcting", "resume"): "correcting",
    ("correcting", "stop"): "stopped",
    ("correcting", "clear_stop"): "correcting",
    ("correcting", "ask"): "correcting",  # the human drives already
    ("waiting", "engage"): "correcting",
    ("waiting", "release"): "waiting",
    ("waiting", "pause"): "autonomous",  # the pause key also ends the wait
    ("waiting", "resume"): "autonomous",
    ("waiting", "stop"): "stopped",
    ("waiting", "clear_stop"): "waiting",
    ("waiting", "ask"): "waiting",
    ("paused", "engage"): "paused",
    ("paused", "release"): "paused",
    ("paused", "pause"): "autonomous",  # one key pauses and resumes
    ("paused", "resume"): "autonomous",
    ("paused", "stop"): "stopped",
    ("paused", "clear_stop"): "paused",
    ("paused", "ask"): "paused",
    ("stopped", "engage"): "stopped",
    ("stopped", "release"): "stopped",
    ("stopped", "pause"): "stopped",
    ("stopped", "resume"): "stopped",
    ("stopped", "stop"): "stopped",
    # not "autonomous": clearing a stop must not start a motion; resuming is a second, deliberate command
    ("stopped", "clear_stop"): "paused",
    ("stopped", "ask"): "stopped",
}
"""Every state under every event."""

DRIVERS: dict[GateState, Driver] = {
    "autonomous": "robot",
    "correcting": "human",
    "waiting": "nobody",
    "paused": "nobody",
    "stopped": "nobody",
}
"""Who drives in each state; with "nobody" nothing is executed."""


class GateSettings(BaseModel):
    """When the teacher drives and how a correction is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["hold", "touch", "toggle"] = Field(
        "hold",
        description="hold: the teacher drives while the dead-man control is held. touch: from the first motion until "
        "release_s after the last. toggle: from one press of the control to the next.",
    )
    touch_threshold: float = Field(
        0.05, ge=0, lt=1, description="Touch mode: largest motion on an axis that does not count, share of full motion."
    )
    release_s: float = Field(
        0.3, ge=0, le=10, description="Touch mode: seconds without motion after which the robot drives again."
    )
    kind: Kind = Field(
        "absolute", description="absolute: motion is the action wanted. relative: only a direction of improvement."
    )
    absolute_axes: tuple[str, ...] = Field(
        ("gripper",),
        description="Axes of a person's device that are read absolutely also while corrections are relative, of every "
        "arm. A correction is of one kind: while others are pushed these are obeyed, but not learnt.",
    )
    frame: Frame = Field(
        "camera",
        description="Whose axes a person's device moves and turns along, at first. world: the task's. gripper: the "
        "driven hand's. camera: the picture's, so that the robot goes where keys point.",
    )
    about: str = Field(
        EVERYTHING,
        description="Which of the task's axes a person's corrections are about, at first: everything, or one of the "
        "groups that the task names, as moving or gripper. The robot keeps the others, and nothing is learnt of them.",
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
    relative_step: float = Field(
        2.0,
        gt=0,
        le=2,
        description="e: how far a full push moves an axis from the robot's action, units of action; a^h = a^r + e h. "
        "With 2 a hand can drive wherever it wants, whatever the robot does.",
    )
    policy_filter_s: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Time constant, seconds, with which a robot that is pushed takes up what it would do instead: one "
        "that changes its mind at each tick cannot be steered by a person, who is late by a quarter of a second. 0: at "
        "once.",
    )
    reaction_time_s: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Seconds from what a teacher sees to the correction that answers it; a person's are about 0.25. A "
        "correction is learnt for the state that was seen, and as a change of what the robot did there.",
    )
    max_step: float | None = Field(
        None,
        gt=0,
        le=2,
        description="Greatest change of the executed action per tick and axis from a change of driver on, until it has "
        "caught up, units of action: the bound of the hand-over's jump. What is learnt is the teacher's own action all "
        "the same. 2 is no limit; by default a person's device has 0.5, so that a full reversal takes four ticks, and "
        "the oracle none, whose published timing is that of a switch.",
    )


@dataclass(frozen=True, slots=True)
class Choices:
    """What a task and a device leave to choose: frames, and names of groups of axes. Kinds are always two."""

    frames: tuple[Frame, ...] = ("world",)
    groups: tuple[str, ...] = (EVERYTHING,)


@dataclass(frozen=True, slots=True)
class GateOutput:
    """The gate's verdict for one tick.

    Attributes:
        state, kind: as they are for this tick. driver: whose action is executed.
        frame: along whose axes motion goes. about: the group of axes that a correction is about.
        switched: kind, frame or about have changed in this tick.
        entered: the teacher took over in this tick. left: the teacher stopped driving in this tick.
        stale: the sample is too old, or its device gone: nothing may be learnt from this tick.
        motion: what may be acted upon: all zero unless the human drives, on a fresh sample or (`on_stale` hold) for a
            bounded time on the last one.
        teaches: which motions the correction is about; None is all.
    """

    state: GateState
    kind: Kind
    driver: Driver
    entered: bool
    left: bool
    stale: bool
    motion: tuple[float, ...]
    teaches: tuple[bool, ...] | None = None
    frame: Frame = "world"
    about: str = EVERYTHING
    switched: bool = False


class Gate:
    """Keeps the state, how corrections are read, and what each mode remembers between two ticks.

    Where `choices` do not offer a value of the settings, the first choice is used.
    """

    def __init__(self, settings: GateSettings | None = None, choices: Choices | None = None) -> None:
        self.settings = settings or GateSettings()
        self.state: GateState = "autonomous"
        offered = choices or Choices()
        self._choices: Mapping[Switch, tuple[str, ...]] = {
            "kind": get_args(Kind),
            "frame": offered.frames,
            "about": offered.groups,
        }
        self.kind: Kind = self.settings.kind
        self.frame: Frame = self.settings.frame if self.settings.frame in offered.frames else offered.frames[0]
        self.about = self.settings.about if self.settings.about in offered.groups else offered.groups[0]
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
            commands: what was asked for since the last tick, from `COMMANDS`.

        Raises:
            ValueError: a command is none of `COMMANDS`.
        """
        before, read_before = self.state, (self.kind, self.frame, self.about)
        for command in commands:
            if command not in COMMANDS:
                raise ValueError(f"{command!r} is not a command of the gate; allowed: {', '.join(COMMANDS)}")
            switch = SWITCHES.get(command)
            if switch is None:
                self._on(cast(Event, command))
            else:
                choices = self._choices[switch]
                setattr(self, switch, choices[(choices.index(getattr(self, switch)) + 1) % len(choices)])
        usable = fresh(sample, now_ns, self.settings.stale_after_s)
        stale = usable is not sample
        if stale:
            event = self._lost(now_ns)
        else:
            self._last, self._lost_ns = usable, None
            event = self._event_from(usable, now_ns)
        if event is not None:
            self._on(event)
        if sample.stop:
            self._on("stop")
        driver = DRIVERS[self.state]
        holds = stale and driver == "human" and self.settings.on_stale == "hold"
        acted = self._last if holds and self._last is not None else usable
        return GateOutput(
            state=self.state,
            kind=self.kind,
            driver=driver,
            entered=self.state == "correcting" != before,
            left=before == "correcting" != self.state,
            stale=stale,
            motion=acted.motion if driver == "human" else (0.0,) * len(sample.motion),
            teaches=acted.teaches if holds or not stale else None,
            frame=self.frame,
            about=self.about,
            switched=read_before != (self.kind, self.frame, self.about),
        )

    def release(self) -> None:
        """Release whatever the control says (an episode ends): the modes toggle and touch start afresh."""
        self._touch_ends_ns = -1
        self._on("release")
        if self.state == "waiting":
            self._on("resume")

    def _on(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _event_from(self, sample: DeviceSample, now_ns: int) -> Event | None:
        """What a fresh sample asks for."""
        pressed, self._pressed = sample.engage and not self._pressed, sample.engage
        match self.settings.mode:
            case "hold":
                return "engage" if sample.engage else "release"
            case "toggle":
                if not pressed:
                    return None
                return "release" if self.state == "correcting" else "engage"
            case "touch":
                if self._touched(sample) or sample.engage:
                    self._touch_ends_ns = now_ns + round(self.settings.release_s * 1e9)
                    return "engage"
                # within release_s a correction goes on, but none begins: a pause or stop may have ended it
                return None if now_ns <= self._touch_ends_ns else "release"

    def _touched(self, sample: DeviceSample) -> bool:
        """Whether an axis is pushed, or a lasting command is new. A lasting command that goes on is no touch."""
        lasts = sample.lasting or (False,) * len(sample.motion)
        lasting = tuple(value if on else 0.0 for value, on in zip(sample.motion, lasts, strict=True))
        before, self._lasting = self._lasting or (0.0,) * len(lasting), lasting
        if any(value not in (0.0, was) for value, was in zip(lasting, before, strict=True)):
            return True
        pushed = (abs(value) for value, on in zip(sample.motion, lasts, strict=True) if not on)
        return max(pushed, default=0.0) > self.settings.touch_threshold

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
