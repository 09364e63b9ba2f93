"""What is tried out on the device bench: a hand's device, the oracle in a task of its own, or a recording played back.

Main thread. Nothing is taught: only the oracle moves a task, which it needs to have something to correct.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.profiles import save_profile
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.devices.teacher.playback import PlaybackDevice, Step
from hitl_clic.runner.device_registry import DEVICES, EVERY_AXIS, resolve_device
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings, load
from hitl_clic.tasks.registry import make_task
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.records import Array, TickRecord

PLAYBACK = "playback"
ONE_ARM = tuple(axis for axis in EVERY_AXIS if not axis.endswith("2"))

GoesOn = Callable[[], bool]
"""Called at every beat: does what belongs to the device's surroundings; False ends the test."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A device to be tried: not started yet, its name for people, and what goes on around it."""

    device: Device
    label: str
    goes_on: GoesOn = lambda: True


def subject(bench: BenchSettings, profile: Profile | None, feed: EventFeed, stack: ExitStack) -> Subject:
    """The device that the bench names, with this profile; `feed` brings it the window's events.

    Raises:
        SettingsError: it cannot be had here, or there is no recording to play.
    """
    return _playback(bench) if bench.test == PLAYBACK else _hand(bench, profile, feed, stack)


def _hand(bench: BenchSettings, profile: Profile | None, feed: EventFeed, stack: ExitStack) -> Subject:
    where = ""
    if profile is not None:  # a changed profile is tried from a file, like any other
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="profile-"))) / f"{profile.name}.toml"
        save_profile(profile, path)
        where = str(path)
    chosen = {"device": bench.test, "profile": where, "pace": "realtime", "headless": bench.headless}
    settings = resolve_device(load(overrides=chosen | ({"task": bench.task} if bench.task else {})))
    spec, channel = DEVICES[settings.device], TeacherChannel()
    if spec.control and not bench.task:
        return Subject(_made(settings, ONE_ARM, channel, feed), spec.label)
    task = make_task(settings.task, **settings.task_options)
    stack.callback(task.close)
    device = _made(settings, task.action_frame.axes, channel, feed)
    if spec.control:
        return Subject(device, spec.label)
    return Subject(device, spec.label, _Stage(task, device, channel, settings.loop.rate_hz).beat)


def _made(settings: SessionSettings, axes: Sequence[str], channel: TeacherChannel, feed: EventFeed) -> Device:
    try:
        return DEVICES[settings.device].make(settings, axes, channel, feed)
    except ValueError as error:
        raise SettingsError(str(error)) from error


class _Stage:
    """A task for the oracle to act in: it does what the oracle does, and stands still when that does not step in."""

    def __init__(self, task: Task, device: Device, channel: TeacherChannel, rate_hz: float) -> None:
        self._task, self._device, self._channel = task, device, channel
        self._period_s = 1.0 / rate_hz
        self._still: Array = np.zeros(len(task.action_frame.axes), np.float32)
        self._tick, self._episode = 0, -1
        self._due_s = time.monotonic()
        self._begin()

    def beat(self) -> bool:
        """One tick of the task when it is time."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return True
        self._due_s = max(self._due_s + self._period_s, now_s)
        sample = self._device.latest()
        action = np.asarray(sample.motion, np.float32) if sample.engage else self._still
        self._observation, _, terminated, truncated, _ = self._task.step(action)
        self._tick += 1
        self._step += 1
        if terminated or truncated:
            self._begin()
        self._show()
        return True

    def _begin(self) -> None:
        self._episode += 1
        self._observation, _ = self._task.reset(seed=self._episode)
        self._step = 0
        self._show()

    def _show(self) -> None:
        view = TeacherView(self._tick, self._episode, self._step, self._observation, self._still[None], 0)
        self._channel.show(view)


def _playback(bench: BenchSettings) -> Subject:
    if bench.recording is None:
        raise SettingsError("recording is missing; test = playback needs --recording SESSION, a session folder")
    try:
        recorded = Session.open(bench.recording)
        settings = SessionSettings.model_validate(dict(recorded.settings.values))
        axes = make_task(settings.task, **settings.task_options).action_frame.axes
        device = PlaybackDevice(axes, recorded_steps(recorded, settings))
    except ValueError as error:
        raise SettingsError(f"recording = {bench.recording} is not allowed; {error}") from error
    return Subject(device, "playback", lambda: not device.ended)


def recorded_steps(recorded: Session, settings: SessionSettings) -> list[Step]:
    """What the teacher of a session did, tick by tick: at its own times, or at the loop's rate where ticks ran unpaced.

    A step's motion is a^h on the axes that were taught, or for a direction (a^h - a^r) / e.

    Raises:
        ValueError: the recording cannot be read.
    """
    period_s = 1.0 / settings.loop.rate_hz
    ticks = recorded.ticks

    def at(index: int) -> float:
        paced = settings.pace == "realtime"
        return (ticks[index].time_ns - ticks[0].time_ns) * 1e-9 if paced else index * period_s

    steps = [_step(at(index), tick, settings.correction.relative_step) for index, tick in enumerate(ticks)]
    if steps:
        steps.append(Step(steps[-1].at_s + period_s, steps[-1].motion))
    return steps


def _step(at_s: float, tick: TickRecord, relative_step: float) -> Step:
    if tick.human_action is None:
        nothing = (0.0,) * len(tick.robot_action)
        return Step(at_s, nothing, engage=tick.state == "correcting", connected=tick.connected)
    away = (tick.human_action - tick.robot_action) / relative_step
    motion = np.where(tick.taught > 0, tick.human_action if tick.correction_mode == "absolute" else away, 0.0)
    teaches = None if tick.taught.all() else tuple(bool(value) for value in tick.taught)
    return Step(at_s, tuple(float(v) for v in np.clip(motion, -1.0, 1.0)), True, teaches, tick.connected)
