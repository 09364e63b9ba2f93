"""`app.py devices --test NAME`: a device tried out, measured, calibrated, and its profile fitted to a hand.

The main thread looks at the newest sample a hundred times a second and redraws the terminal; the device reads in its
own thread, as in a session. Keyboard and mouse are heard in the cockpit's window, which then opens beside it. Nothing
is taught: only the oracle moves a task, which it needs to have something to correct.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from devices.axes import base
from devices.bench import Figures, Meter, shaped
from devices.device import Device
from devices.events import EventFeed
from devices.playback import PlaybackDevice, Step
from devices.profiles import axis_changes, calibrated, edited, place, save_profile
from devices.sample import DeviceSample
from devices.scripted import TeacherView
from devices.shaping import Profile
from devices.slot import Slot
from hitl_clic.cli import DevicesCommand
from hitl_clic.cockpit.palette import BAD, HUMAN, TEXT_SOFT, web
from hitl_clic.cockpit.window_link import WindowError, WindowLink
from hitl_clic.commands.devices import EVERY_AXIS
from hitl_clic.commands.hands import HANDS, choose, profile_of
from hitl_clic.commands.view import CockpitFeed, NoLearner
from hitl_clic.control.loop import LoopView
from hitl_clic.records import Array, TickRecord
from hitl_clic.refusal import SettingsError, unknown
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings, load
from hitl_clic.tasks.registry import make_task, task_names
from hitl_clic.tasks.task import Task

PLAYBACK = "playback"
BEAT_S = 0.01
"""Time between two looks at the newest sample; a tick of a fast loop."""
REDRAW_S = 0.08
TIMED_S = 3.0
"""Length of a test that nobody watches, by default."""
FIRST_READING_S = 20.0
"""Longest wait for a device to be read at all."""
RECENT = 500
"""Readings behind the live figures."""
ONE_ARM = tuple(axis for axis in EVERY_AXIS if not axis.endswith("2"))

GoesOn = Callable[[], bool]
"""Called at every beat: does what belongs to the device's surroundings; False ends the test."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A device on the bench: not started, with its profile (None: it has none) and what goes on around it."""

    device: Device
    profile: Profile | None
    goes_on: GoesOn


def run(command: DevicesCommand) -> int:
    """Try a device out. The exit status: 1 if it never was there.

    Raises:
        SettingsError: there is no such device, or it cannot do what is asked for.
    """
    names = (*HANDS, PLAYBACK)
    if command.test not in names:
        raise SettingsError(f"test = {command.test} is not allowed; {unknown(command.test, names)}")
    if command.task and command.task not in task_names():
        raise SettingsError(f"task = {command.task} is not allowed; {unknown(command.task, task_names())}")
    with ExitStack() as stack:
        profile = _profile(command)
        tried = _playback(command) if command.test == PLAYBACK else _hand(command, profile, stack)
        meter = Meter(tried.device)
        quits = threading.Event()
        previous = signal.signal(signal.SIGINT, lambda *_: quits.set())
        stack.callback(lambda: signal.signal(signal.SIGINT, previous))
        tried.device.start()
        stack.callback(tried.device.close)
        seconds = command.seconds or (TIMED_S if command.json or command.calibrate else 0.0)
        console = Console(highlight=False)
        if command.calibrate and not command.json:
            console.print(f"Let go of the {tried.device.name}: its rest is measured for {seconds:g} s.")
        _watch(tried, meter, quits, seconds, None if command.json or command.calibrate else console)
        last = tried.device.latest()
        if command.calibrate and profile is not None:
            profile = _calibrate(profile, meter, tried.device)
            _keep(command, profile)
        _tell(command, tried, profile, meter, last, console)
    return 0 if last.connected or meter.figures().losses else 1


# ---- which device, with which profile


def _profile(command: DevicesCommand) -> Profile | None:
    """The profile to try, with the changes asked for; kept, if so asked, unless a calibration is to follow."""
    changes = {
        name: value for name in ("deadzone", "exponent", "scale") if (value := getattr(command, name)) is not None
    }
    asked = bool(changes or command.axis or command.invert or command.calibrate or command.save)
    if command.test == PLAYBACK or not HANDS[command.test].control:
        if asked or command.profile:
            raise SettingsError(f"the {command.test} has no profile: it gives a task's own actions")
        return None
    if command.calibrate and HANDS[command.test].needs_window:
        raise SettingsError(f"calibrate is not allowed with test = {command.test}: it has no rest that could drift")
    profile = profile_of(command.test, command.profile)
    try:
        profile = edited(profile, changes, axis_changes(command.axis), command.invert)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    if command.save:
        _may_save(command)
        profile = profile.model_copy(update={"name": place(command.save).stem})
        if not command.calibrate:
            _keep(command, profile)
    return profile


def _may_save(command: DevicesCommand) -> None:
    """Refuse before anything is measured."""
    path = place(command.save)
    if path in {place(name) for name in HANDS}:
        raise SettingsError(f"save = {command.save} is not allowed: that profile is the project's own; choose a name")
    if path.exists() and command.profile != command.save:
        raise SettingsError(f"save = {command.save}: {path} exists; choose another, or change it with --profile too")


def _keep(command: DevicesCommand, profile: Profile) -> None:
    if command.save:
        try:
            save_profile(profile, place(command.save), over=command.profile == command.save)
        except ValueError as error:
            raise SettingsError(str(error)) from error


def _calibrate(profile: Profile, meter: Meter, device: Device) -> Profile:
    rests = meter.rests()
    if not rests:
        raise SettingsError(f"nothing was measured: {device.trouble or f'the {device.name} is not there'}")
    try:
        return calibrated(profile, rests)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _settings(command: DevicesCommand, profile: str) -> SessionSettings:
    chosen = {"device": command.test, "profile": profile, "pace": "realtime"}
    return choose(load(overrides=chosen | ({"task": command.task} if command.task else {})))


def _hand(command: DevicesCommand, profile: Profile | None, stack: ExitStack) -> Tried:
    where = ""
    if profile is not None:  # a changed profile is tried from a file, like any other
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="profile-"))) / f"{profile.name}.toml"
        save_profile(profile, path)
        where = str(path)
    settings = _settings(command, where)
    hand = HANDS[settings.device]
    feed, view = EventFeed(), Slot[TeacherView]()
    if hand.control and not hand.needs_window:
        axes = make_task(settings.task).action_frame.axes if command.task else ONE_ARM
        return Tried(_made(settings, axes, view, feed), profile, lambda: True)
    task = make_task(settings.task, **settings.task_options)
    stack.callback(task.close)
    axes = task.action_frame.axes if command.task or not hand.control else ONE_ARM
    device = _made(settings, axes, view, feed)
    if not hand.control:
        return Tried(device, None, _Stage(task, device, view, settings.loop.rate_hz).beat)
    return Tried(device, profile, _window(settings, task, device, feed, stack))


def _made(settings: SessionSettings, axes: Sequence[str], view: Slot[TeacherView], feed: EventFeed) -> Device:
    try:
        return HANDS[settings.device].make(settings, axes, view, feed)
    except ValueError as error:
        raise SettingsError(str(error)) from error


class _Stage:
    """A task for the oracle to act in: it does what the oracle does, and stands still when that does not step in."""

    def __init__(self, task: Task, device: Device, view: Slot[TeacherView], rate_hz: float) -> None:
        self._task, self._device, self._view = task, device, view
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
        self._view.publish(TeacherView(self._tick, self._episode, self._step, self._observation, self._still, 0))


def _window(settings: SessionSettings, task: Task, device: Device, feed: EventFeed, stack: ExitStack) -> GoesOn:
    """Open the window that keyboard and mouse are heard in, with the task as it stands."""
    task.reset(seed=0)
    views: Slot[LoopView] = Slot()
    shown = LoopView(0, 0, 0, "autonomous", "absolute", task.scene(), None, 0, None, {})
    views.publish(shown)
    hand, frame = HANDS[settings.device], task.action_frame
    cockpit = CockpitFeed(settings, hand, task.max_steps, frame, views, NoLearner(), note=device.note)
    window = WindowLink(settings.window)
    window.add_feed(feed)

    def state() -> object:
        now = cockpit.state()
        return now and replace(now, practice="Figures are in the terminal")

    window.show(state)  # type: ignore[arg-type]
    try:
        window.start()
    except WindowError as error:
        raise SettingsError(f"test = {settings.device}: {error}") from error
    stack.callback(window.close)

    def goes_on() -> bool:
        views.publish(replace(shown, state="correcting" if device.latest().engage else "autonomous"))
        return "quit" not in window.asked() and window.alive()

    return goes_on


def _playback(command: DevicesCommand) -> Tried:
    if command.recording is None:
        raise SettingsError("recording is missing; test = playback needs --recording SESSION, a session folder")
    try:
        recorded = Session.open(command.recording)
        settings = SessionSettings.model_validate(dict(recorded.settings.values))
        axes = make_task(settings.task, **settings.task_options).action_frame.axes
        device = PlaybackDevice(axes, recorded_steps(recorded, settings))
    except ValueError as error:
        raise SettingsError(f"recording = {command.recording} is not allowed; {error}") from error
    return Tried(device, None, lambda: not device.ended)


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

    steps = [_step(at(index), tick, settings.gate.relative_step) for index, tick in enumerate(ticks)]
    if steps:
        steps.append(Step(steps[-1].at_s + period_s, steps[-1].motion))
    return steps


def _step(at_s: float, tick: TickRecord, relative_step: float) -> Step:
    if tick.human_action is None:
        nothing = (0.0,) * len(tick.robot_action)
        return Step(at_s, nothing, engage=tick.state == "correcting", connected=tick.connected)
    away = (tick.human_action - tick.robot_action) / relative_step
    motion = np.where(tick.taught > 0, tick.human_action if tick.kind == "absolute" else away, 0.0)
    teaches = None if tick.taught.all() else tuple(bool(value) for value in tick.taught)
    return Step(at_s, tuple(float(v) for v in np.clip(motion, -1.0, 1.0)), True, teaches, tick.connected)


# ---- what is shown


def _watch(tried: Tried, meter: Meter, quits: threading.Event, seconds: float, console: Console | None) -> None:
    """Look at the device until the time is over, live on the console if there is one to draw on."""
    meter.begun.wait(FIRST_READING_S)
    ends_s = time.monotonic() + seconds if seconds else float("inf")
    with ExitStack() as stack:
        live = None
        if console is not None and console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
        redraw_s = 0.0
        while not quits.is_set() and time.monotonic() < ends_s and tried.goes_on():
            sample = meter.look()
            if live is not None and time.monotonic() >= redraw_s:
                redraw_s = time.monotonic() + REDRAW_S
                live.update(picture(tried.device, tried.profile, meter, sample), refresh=True)
            quits.wait(BEAT_S)


def picture(device: Device, profile: Profile | None, meter: Meter, sample: DeviceSample) -> RenderableType:
    """What the device does now: one row for each axis, then how it is."""
    inputs = device.inputs
    between = shaped(inputs.raw, profile) if profile is not None else {}
    table = Table(
        "axis", "read from", "raw", "shaped", "scaled", "", title=f"{device.name} · {device.note()}".rstrip(" ·")
    )
    for axis, value in zip(device.axes, sample.motion, strict=True):
        name = base(axis)
        source = profile.source(name) if profile is not None and name in profile.axes else ""
        raw = f"{inputs.raw[source]:+.3f}" if source in inputs.raw else ""
        table.add_row(
            axis, source, raw, f"{between[name]:+.3f}" if name in between else "", f"{value:+.3f}", _bar(value)
        )
    return Group(table, *(Text(line, style) for line, style in _lines(device, meter.figures(RECENT), sample)))


def _bar(value: float, half: int = 12) -> Text:
    """A deflection as a bar to the left or right of the middle."""
    length = round(min(1.0, abs(value)) * half)
    left, right = ("█" * length).rjust(half) if value < 0 else " " * half, "█" * length if value > 0 else ""
    return Text(f"{left}│{right.ljust(half)}", web(HUMAN))


def _lines(device: Device, figures: Figures, sample: DeviceSample) -> list[tuple[str, str]]:
    trouble = device.trouble or (str(device.failure) if device.failure else "")
    age_ms = sample.age_s(time.perf_counter_ns()) * 1e3
    state = "drives" if sample.engage else "at rest"
    lines = [
        ("STOP is held" if sample.stop else state, web(BAD if sample.stop else HUMAN if sample.engage else TEXT_SOFT)),
        (f"down: {', '.join(device.inputs.held) or 'nothing'}", ""),
        (_rate(figures), ""),
        (f"newest sample {age_ms:.1f} ms old, at 99% of looks under {figures.age_p99_ms:.1f} ms", ""),
    ]
    if not sample.connected:
        lines.insert(0, (f"not connected: {trouble or 'it is not there'}", web(BAD)))
    return lines


def _rate(figures: Figures) -> str:
    waiting = f"at most {figures.most_waiting} reports at once" if figures.most_waiting > 1 else "no report waited"
    dropped = f", {figures.dropped} dropped" if figures.dropped else ""
    return (
        f"{figures.rate_hz:.0f} reports/s, every {figures.interval_p50_ms:.1f} ms "
        f"(99%: {figures.interval_p99_ms:.1f} ms), {waiting}{dropped}"
    )


def _tell(
    command: DevicesCommand, tried: Tried, profile: Profile | None, meter: Meter, last: DeviceSample, console: Console
) -> None:
    """The test in a few lines, or as one JSON object."""
    figures, device = meter.figures(), tried.device
    trouble = device.trouble or (str(device.failure) if device.failure else "")
    axes = {
        axis: {"low": extent.low, "high": extent.high} for axis, extent in zip(device.axes, meter.motion, strict=True)
    }
    if command.json:
        raw = {name: {"low": e.low, "high": e.high, "mean": e.total / e.count} for name, e in meter.raw.items()}
        said = {"device": device.name, "connected": last.connected, "trouble": trouble, **asdict(figures)}
        kept = str(place(command.save)) if command.save else ""
        fitted = None if profile is None else profile.model_dump(exclude_defaults=True)
        sys.stdout.write(json.dumps({**said, "axes": axes, "raw": raw, "saved": kept, "profile": fitted}) + "\n")
        return
    if not last.connected:
        console.print(f"not connected: {trouble or 'it is not there'}", markup=False)
    console.print(_rate(figures), markup=False)
    moved = [
        f"{axis} {extent['low']:+.2f} to {extent['high']:+.2f}" for axis, extent in axes.items() if any(extent.values())
    ]
    console.print(
        f"moved: {', '.join(moved) or 'nothing'}; pressed: {', '.join(figures.pressed) or 'nothing'}", markup=False
    )
    if command.calibrate and profile is not None:
        for axis, setting in profile.axes.items():
            deadzone = profile.deadzone if setting.deadzone is None else setting.deadzone
            console.print(f"{axis}: offset {setting.offset:+.4f}, deadzone {deadzone:.3f}", markup=False)
    if command.save:
        console.print(f"saved {place(command.save)}; use it with --device {command.test} --profile {command.save}")
    elif command.calibrate:
        console.print("nothing is kept; --save NAME keeps it")
