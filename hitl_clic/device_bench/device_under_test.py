"""The device on the bench: an input device, the oracle with a task to correct, or the playback of a recording.

Main thread. Nothing is learnt here. Only the oracle has a task, since it needs something to correct.
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
from hitl_clic.runner.device_registry import EVERY_AXIS, device_spec, make_device, resolve_device
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.tasks.registry import make_task
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.records import Array, TickRecord

PLAYBACK = "playback"
ONE_ARM = tuple(axis for axis in EVERY_AXIS if not axis.endswith("2"))

KeepRunning = Callable[[], bool]
"""Called at each poll: steps the device's task, if it has one. False ends the test."""


@dataclass(frozen=True, slots=True)
class DeviceUnderTest:
    """A device, not started; its display name; and what to call at each poll."""

    device: Device
    label: str
    keep_running: KeepRunning = lambda: True


def device_under_test(
    bench: BenchSettings, profile: Profile | None, feed: EventFeed, stack: ExitStack
) -> DeviceUnderTest:
    """The device of the bench's settings, with this profile; `feed`: the window's events.

    Raises:
        SettingsError: the device is not usable here, or there is no recording to play.
    """
    return _playback(bench) if bench.test == PLAYBACK else _live(bench, profile, feed, stack)


def _live(bench: BenchSettings, profile: Profile | None, feed: EventFeed, stack: ExitStack) -> DeviceUnderTest:
    where = ""
    if profile is not None:  # a changed profile is loaded from a file, as in a session
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="profile-"))) / f"{profile.name}.toml"
        save_profile(profile, path)
        where = str(path)
    chosen = {"device": bench.test, "profile": where, "pace": "realtime", "headless": bench.headless}
    settings = resolve_device(load(overrides=chosen | ({"task": bench.task} if bench.task else {})))
    spec, channel = device_spec(settings.device), TeacherChannel()
    if spec.control and not bench.task:
        return DeviceUnderTest(_build(settings, ONE_ARM, channel, feed), spec.label)
    task = make_task(settings.task, settings.environment, **settings.task_options)
    stack.callback(task.close)
    device = _build(settings, task.action_frame.axes, channel, feed)
    if spec.control:
        return DeviceUnderTest(device, spec.label)
    return DeviceUnderTest(device, spec.label, _OracleTask(task, device, channel, settings.loop.rate_hz).step)


def _build(settings: SessionSettings, axes: Sequence[str], channel: TeacherChannel, feed: EventFeed) -> Device:
    try:
        return make_device(settings, axes, channel, feed)
    except ValueError as error:
        raise SettingsError(str(error)) from error


class _OracleTask:
    """A task that executes the oracle's corrections, and stands still between them."""

    def __init__(self, task: Task, device: Device, channel: TeacherChannel, rate_hz: float) -> None:
        self._task, self._device, self._channel = task, device, channel
        self._period_s = 1.0 / rate_hz
        self._still: Array = np.zeros(len(task.action_frame.axes), np.float32)
        self._tick, self._episode = 0, -1
        self._due_s = time.monotonic()
        self._begin()

    def step(self) -> bool:
        """Step the task if a tick is due."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return True
        self._due_s = max(self._due_s + self._period_s, now_s)
        sample = self._device.latest()
        action = np.asarray(sample.motion, np.float32) if sample.engage else self._still
        self._observation, _, terminated, truncated, _ = self._task.step(action)
        self._tick += 1
        self._episode_step += 1
        if terminated or truncated:
            self._begin()
        self._show()
        return True

    def _begin(self) -> None:
        self._episode += 1
        self._observation, _ = self._task.reset(seed=self._episode)
        self._episode_step = 0
        self._show()

    def _show(self) -> None:
        view = TeacherView(self._tick, self._episode, self._episode_step, self._observation, self._still[None], 0)
        self._channel.show(view)


def _playback(bench: BenchSettings) -> DeviceUnderTest:
    if bench.recording is None:
        raise SettingsError("recording is missing; test = playback needs --recording SESSION, a session folder")
    try:
        recorded = Session.open(bench.recording)
        settings = SessionSettings.model_validate(dict(recorded.settings.values))
        axes = make_task(settings.task, settings.environment, **settings.task_options).action_frame.axes
        device = PlaybackDevice(axes, recorded_steps(recorded, settings))
    except ValueError as error:
        raise SettingsError(f"recording = {bench.recording} is not allowed; {error}") from error
    return DeviceUnderTest(device, "playback", lambda: not device.ended)


def recorded_steps(recorded: Session, settings: SessionSettings) -> list[Step]:
    """The teacher's samples of a session, one per tick: at recorded times, or at the loop's rate with pace = max.

    A step's motion is a^h on the taught axes, or (a^h - a^r) / e for a relative correction.

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
