"""Several devices at once, as one device.

Each part has its own reader thread, profile and staleness. The reader thread of the combination waits for a reading of
any part and merges the newest samples of all. It never touches hardware.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hitl_clic.devices.core.axes import arm, base
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.let_go import LetGo
from hitl_clic.devices.core.sample import DeviceSample, fresh


@dataclass(frozen=True, slots=True)
class Part:
    """One device of a combination.

    Attributes:
        device: not started; its axes are the task's, or with an arm of its own those of one arm, without a number.
        name: in texts. arm: the arm that it drives, from 0; None: the arm that it switches to itself.
    """

    device: Device
    name: str
    arm: int | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of its axes among the task's."""
        return tuple(f"{axis}{self.arm + 1}" if self.arm else axis for axis in self.device.axes)


class Share(NamedTuple):
    """What one connected part gives at one moment: its sample and its motion by axis."""

    sample: DeviceSample
    pushes: dict[str, float]
    """Motions that last no longer than the push, by axis; zeros too."""
    commands: dict[str, float]
    """Motions that persist, as a gripper command does, by axis."""
    covers: frozenset[str]

    @property
    def engages(self) -> bool:
        """Whether its control is held, or the one that teaches standing still."""
        return self.sample.engage or self.sample.still

    @property
    def acts(self) -> bool:
        """Whether the part engages or pushes now."""
        return self.engages or any(self.pushes.values())


def arms_of_parts(axes: Collection[str], drive: Sequence[bool]) -> tuple[int | None, ...]:
    """The arm of each of several devices: at a task with several arms each in turn has one, else all share the arm.

    `drive`: whether each device moves the robot. One that only gives commands gets no arm.
    """
    arms = sorted({arm(axis) for axis in axes})
    if sum(drive) < 2 or len(arms) < 2:
        return (None,) * len(drive)
    turn = itertools.cycle(arms)
    return tuple(next(turn) if drives else None for drives in drive)


def axes_of_arm(axes: Sequence[str], of: int | None) -> tuple[str, ...]:
    """The axes of one arm without its number; None: all axes as they are."""
    return tuple(axes) if of is None else tuple(base(axis) for axis in axes if arm(axis) == of)


class CombinedDevice(Device):
    """The parts' motions summed and clipped to [-1, 1], and the stop of any part.

    Any part engages. With an arm for each part, a part that does not engage then moves nothing, so that each arm has
    its own dead-man control. A correction covers the axes of the parts that engage or push, and of grippers with a
    command; while none does, those of all. Of two commands to one gripper the newer one holds.

    A part that is disconnected or stale contributes nothing, and the others go on. The combination is disconnected
    when all its parts are. What is held on a part that is back counts after it was released once, except the stop.

    A part without axes only gives commands. If it engages, it does so for all.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        axes: Sequence[str] = (),
        stale_after_s: float = 0.25,
        rate_hz: float = 100.0,
        clock: Callable[[], int] = time.perf_counter_ns,
        touch_threshold: float = 0.05,
    ) -> None:
        """
        Args:
            parts: in the order of the choice. axes: the task's; empty: the parts'.
            stale_after_s: age of a part's sample after which it contributes nothing.
            rate_hz: lowest rate of samples; a reading of a part makes one at once. clock: monotonic nanoseconds.
            touch_threshold: largest motion that does not count as a push, share of full motion.
        """
        super().__init__(rate_hz)
        self.name = "+".join(part.name for part in parts)
        self._parts, self._stale_after_s, self._clock = tuple(parts), stale_after_s, clock
        theirs = dict.fromkeys(axis for part in parts for axis in part.axes)
        self.axes = tuple(axis for axis in axes or theirs if axis in theirs)
        self._own_arms = any(part.arm is not None for part in parts)
        self._hands = [LetGo(asks=True) for _ in parts]
        self._touch_threshold = touch_threshold
        self._commanded: list[dict[str, float]] = [{} for _ in parts]
        """The newest persistent commands of each part."""
        self._newest: dict[str, int] = {}
        """The part that last changed its command, by axis."""
        self._news = threading.Event()
        for part in parts:
            part.device.on_reading = lambda sample, inputs: self._news.set()

    def start(self) -> None:
        super().start()
        for part in self._parts:
            part.device.start()

    def close(self) -> None:
        super().close()
        for part in self._parts:
            part.device.close()

    def read(self, timeout_s: float) -> DeviceSample:
        """Wait for a reading of a part, and merge the newest samples of all."""
        self._news.wait(timeout_s)
        self._news.clear()
        now_ns = self._clock()
        newest = [part.device.latest() for part in self._parts]
        samples = [fresh(sample, now_ns, self._stale_after_s) for sample in newest]
        for hand, sample, usable in zip(self._hands, newest, samples, strict=True):
            if not sample.connected:
                hand.ask()  # what is held when the part is back was pressed before
            elif usable.connected:
                hand.update(usable, self._touch_threshold)
        self.inputs = self._merged_inputs()
        self.lost_parts = {
            part.name: str(part.device.trouble or part.device.failure or "not connected")
            for part, sample in zip(self._parts, samples, strict=True)
            if not sample.connected
        }
        self.trouble = "; ".join(f"{name}: {why}" for name, why in self.lost_parts.items())
        return self._merged([self._let_go(index, sample) for index, sample in enumerate(samples)])

    def take_commands(self) -> list[str]:
        """The commands of all parts, part by part."""
        return [*super().take_commands(), *(name for part in self._parts for name in part.device.take_commands())]

    def robot_stopped(self) -> None:
        for part in self._parts:
            part.device.robot_stopped()

    def slowed(self, speed: float) -> None:
        for part in self._parts:
            part.device.slowed(speed)

    def correction_ended(self) -> None:
        for part in self._parts:
            part.device.correction_ended()

    def status_text(self) -> str:
        """The choices of each part, and which part is not connected."""
        texts = []
        for part in self._parts:
            text = part.device.status_text() if part.device.latest().connected else "not connected"
            arm_text = "" if part.arm is None else f" (arm {part.arm + 1})"
            texts += [f"{part.name}{arm_text}: {text}"] if text else []
        return " · ".join(texts)

    def _let_go(self, index: int, sample: DeviceSample) -> DeviceSample:
        """The sample, at rest while its hand has yet to let go. The stop stays in force."""
        if not self._hands[index].needed or not sample.connected:
            return sample
        rest = (0.0,) * len(sample.motion)
        return replace(sample, motion=rest, engage=False, still=False, slow=False, teaches=None, lasting=None)

    def _merged(self, samples: Sequence[DeviceSample]) -> DeviceSample:
        shares = {
            index: _share(part, sample)
            for index, (part, sample) in enumerate(zip(self._parts, samples, strict=True))
            if sample.connected
        }
        for index, share in shares.items():
            was, self._commanded[index] = self._commanded[index], share.commands
            self._newest.update((axis, index) for axis, value in share.commands.items() if was.get(axis) != value)
        stop = any(sample.stop for sample in samples)
        if not shares:
            return DeviceSample(self._clock(), (0.0,) * len(self.axes), stop=stop, connected=False)
        engages = any(share.engages for index, share in shares.items() if self._parts[index].axes)
        active = {index: share for index, share in shares.items() if share.engages or not (engages and self._own_arms)}
        commands = self._persisting(active)
        acting = [share for share in active.values() if share.acts and share.covers]
        covered = {*commands, *(axis for share in acting or active.values() for axis in share.covers)}
        pushes = {axis: sum(share.pushes.get(axis, 0.0) for share in active.values()) for axis in self.axes}
        lasting = tuple(axis in commands and not pushes[axis] for axis in self.axes)
        motion = (pushes[axis] or commands.get(axis, 0.0) for axis in self.axes)
        teaches = tuple(axis in covered for axis in self.axes)
        return DeviceSample(
            time_ns=max(share.sample.time_ns for share in shares.values()),
            motion=tuple(max(-1.0, min(1.0, value)) for value in motion),
            engage=any(share.sample.engage for share in shares.values()),
            stop=stop,
            teaches=None if all(teaches) else teaches,
            lasting=lasting if any(lasting) else None,
            slow=any(share.sample.slow for share in shares.values()),
            still=any(share.sample.still for share in active.values()) and not any(pushes.values()),
        )

    def _persisting(self, active: dict[int, Share]) -> dict[str, float]:
        """The persistent command of each axis that has one: of several the newest."""
        found: dict[str, float] = {}
        for index, share in active.items():
            for axis, value in share.commands.items():
                if axis not in found or self._newest.get(axis) == index:
                    found[axis] = value
        return found

    def _merged_inputs(self) -> Inputs:
        parts = [(part.name, part.device.inputs) for part in self._parts]
        return Inputs(
            raw={f"{name}: {axis}": value for name, inputs in parts for axis, value in inputs.raw.items()},
            held=tuple(f"{name}: {control}" for name, inputs in parts for control in inputs.held),
            reports=sum(inputs.reports for _, inputs in parts),
            dropped=sum(inputs.dropped for _, inputs in parts),
            rest={f"{name}: {axis}": value for name, inputs in parts for axis, value in inputs.rest.items()},
            origin="; ".join(f"{name}: {inputs.origin}" for name, inputs in parts if inputs.origin),
        )


def _share(part: Part, sample: DeviceSample) -> Share:
    covered = sample.teaches or (True,) * len(sample.motion)
    lasts = sample.lasting or (False,) * len(sample.motion)
    pushes, commands = {}, {}
    for axis, value, lasting in zip(part.axes, sample.motion, lasts, strict=True):
        if lasting:
            commands[axis] = value
        else:
            pushes[axis] = value
    covers = frozenset(axis for axis, covers in zip(part.axes, covered, strict=True) if covers)
    return Share(sample, pushes, commands, covers)
