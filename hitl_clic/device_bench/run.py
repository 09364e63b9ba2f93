"""`hitl-clic devices --test NAME`: a device tried out, measured, calibrated, and its profile fitted to a hand.

The main thread looks at the newest sample a hundred times a second, obeys keys and redraws the terminal; the device
reads in its own thread, as in a session. Where there is a display the window shows the same, and hears keyboard and
mouse.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console
from rich.live import Live

from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.device_bench import terminal as device_terminal
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.device_bench.subject import PLAYBACK, subject
from hitl_clic.device_bench.trial import Trial
from hitl_clic.device_bench.window import open_window
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.profiles import axis_changes, edited, place
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.runner.device_registry import DEVICES, has_display, profile_of
from hitl_clic.tasks.registry import task_names
from hitl_clic.types.errors import SettingsError, unknown

BEAT_S = 0.01
"""Time between two looks at the newest sample; a tick of a fast loop."""
REDRAW_S = 0.08
TIMED_S = 3.0
"""Length of a test that nobody watches, by default."""
FIRST_READING_S = 20.0
"""Longest wait for a device to be read at all."""


def run(bench: BenchSettings) -> int:
    """Try a device out. The exit status: 1 if it never was there.

    Raises:
        SettingsError: there is no such device, or it cannot do what is asked for.
    """
    names = (*DEVICES, PLAYBACK)
    if bench.test not in names:
        raise SettingsError(f"test = {bench.test} is not allowed; {unknown(bench.test, names)}")
    if bench.task and bench.task not in task_names():
        raise SettingsError(f"task = {bench.task} is not allowed; {unknown(bench.task, task_names())}")
    profile = _profile(bench)
    with ExitStack() as stack:
        feed, keys = EventFeed(), EventFeed()
        tried = subject(bench, profile, feed, stack)
        trial = Trial(tried.device, tried.label, profile, bench)
        quits = threading.Event()
        previous = signal.signal(signal.SIGINT, lambda *_: quits.set())
        stack.callback(lambda: signal.signal(signal.SIGINT, previous))
        console = Console(highlight=False)
        watched = not (bench.json or bench.calibrate)
        window = _window(bench, trial, watched, (feed, keys), stack)
        trial.device.start()
        stack.callback(trial.device.close)
        seconds = bench.seconds or (0.0 if watched else TIMED_S)
        if bench.calibrate and not bench.json:
            console.print(f"Let go of the {trial.device.name}: its rest is measured for {seconds:g} s.")

        def goes_on() -> bool:
            here = window is None or (window.alive() and "quit" not in window.take_commands())
            return here and tried.goes_on() and not quits.is_set()

        _watch(trial, keys, goes_on, seconds, console if watched else None)
        last = trial.device.latest()
        if bench.calibrate:
            trial.calibrate()
        if bench.save and profile is not None:
            trial.keep()
        if bench.json:
            sys.stdout.write(device_terminal.report(trial, last) + "\n")
        else:
            device_terminal.tell(trial, last, console)
    return 0 if last.connected or trial.meter.figures().losses else 1


def _profile(bench: BenchSettings) -> Profile | None:
    """The profile to try, with the changes asked for; refuses before anything starts what could not be done or kept."""
    changes = {name: value for name in ("deadzone", "exponent", "scale") if (value := getattr(bench, name)) is not None}
    asked = bool(changes or bench.axis or bench.invert or bench.calibrate or bench.save)
    if bench.test == PLAYBACK or not DEVICES[bench.test].control:
        if asked or bench.profile:
            raise SettingsError(f"the {bench.test} has no profile: it gives a task's own actions")
        return None
    if bench.calibrate and DEVICES[bench.test].needs_window:
        raise SettingsError(f"calibrate is not allowed with test = {bench.test}: it has no rest that could drift")
    profile = profile_of(bench.test, bench.profile)
    if bench.save:
        _may_save(bench)
        profile = profile.model_copy(update={"name": place(bench.save).stem})
    try:
        return edited(profile, changes, axis_changes(bench.axis), bench.invert)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _may_save(bench: BenchSettings) -> None:
    path = place(bench.save)
    if path in {place(name) for name in DEVICES}:
        raise SettingsError(f"save = {bench.save} is not allowed: that profile is the project's own; choose a name")
    if path.exists() and bench.profile != bench.save:
        raise SettingsError(f"save = {bench.save}: {path} exists; choose another, or change it with --profile too")


def _window(
    bench: BenchSettings, trial: Trial, watched: bool, feeds: tuple[EventFeed, ...], stack: ExitStack
) -> WindowLink | None:
    """The window: for who watches, where there can be one, and for a device that is heard in it in any case."""
    needed = bench.test != PLAYBACK and DEVICES[bench.test].needs_window
    if not needed and (not watched or bench.headless or not has_display()):
        return None
    try:
        window = open_window(WindowSettings(), trial, feeds)
    except WindowError as error:
        if needed:
            raise SettingsError(f"test = {bench.test}: {error}") from error
        print(f"no window ({error}); going on in the terminal", file=sys.stderr)
        return None
    stack.callback(window.close)
    return window


def _watch(trial: Trial, keys: EventFeed, goes_on: Callable[[], bool], seconds: float, console: Console | None) -> None:
    """Look at the device until the time is over, live on the console if there is one to draw on."""
    trial.meter.begun.wait(FIRST_READING_S)
    ends_s = time.monotonic() + seconds if seconds else float("inf")
    with ExitStack() as stack:
        live, typed = None, None
        if console is not None and console.is_terminal:
            typed = stack.enter_context(device_terminal.typed())
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
        redraw_s = 0.0
        while time.monotonic() < ends_s and goes_on():
            for event in keys.drain(BEAT_S):
                if event.kind == "key_down":
                    trial.press(event.name)
            for key in typed.read() if typed is not None else ():
                trial.press(key)
            sample = trial.meter.look()
            if live is not None and time.monotonic() >= redraw_s:
                redraw_s = time.monotonic() + REDRAW_S
                live.update(device_terminal.picture(trial, sample), refresh=True)
