"""`hitl-clic devices --test NAME`: test, measure, calibrate and tune one device.

The main thread reads the newest sample 100 times per second, handles keys and redraws the terminal. The device runs in
its reader thread, as in a session. With a display, a window shows the same and reads keyboard and mouse.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from rich.console import Console
from rich.live import Live

from hitl_clic.cockpit.terminal_link import TerminalLink, terminal_input
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.device_bench import terminal as device_terminal
from hitl_clic.device_bench.device_under_test import PLAYBACK, device_under_test
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.device_bench.trial import Trial
from hitl_clic.device_bench.window import open_window
from hitl_clic.devices.core.selection import JOINT
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.profiles import parse_axis_changes, profile_path, with_changes
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.devices.registry import DEVICES
from hitl_clic.runner.device_registry import has_display, profile_of
from hitl_clic.tasks.registry import task_names
from hitl_clic.types.errors import SettingsError, unknown

POLL_S = 0.01
"""Period at which the newest sample is read, s."""
REDRAW_S = 0.08
TIMED_S = 3.0
"""Default duration of a test without a live display, s."""
FIRST_READING_S = 20.0
"""Longest wait for the first reading, s."""


def run(bench: BenchSettings) -> int:
    """Test a device. Returns the exit status: 1 if it was never connected.

    Raises:
        SettingsError: there is no such device, or it does not support an option.
    """
    names = (*DEVICES, PLAYBACK)
    if JOINT in bench.test:
        raise SettingsError(f"test = {bench.test} is not allowed: one device is tested at a time")
    if bench.kind == "pointer":
        raise SettingsError(
            "test = pointer is not allowed: it needs a hand to move; "
            "try it with practice --task push_t --device pointer"
        )
    if bench.kind not in names:
        raise SettingsError(f"test = {bench.test} is not allowed; {unknown(bench.test, names)}")
    if bench.task and bench.task not in task_names():
        raise SettingsError(f"task = {bench.task} is not allowed; {unknown(bench.task, task_names())}")
    profile = _profile(bench)
    with ExitStack() as stack:
        feed, keys = EventFeed(), EventFeed()
        under_test = device_under_test(bench, profile, feed, stack)
        trial = Trial(under_test.device, under_test.label, profile, bench)
        quits = threading.Event()
        previous = signal.signal(signal.SIGINT, lambda *_: quits.set())
        stack.callback(lambda: signal.signal(signal.SIGINT, previous))
        console = Console(highlight=False)
        watched = not (bench.json or bench.calibrate)
        window = _window(bench, trial, watched, (feed, keys), stack)
        of_terminal = ([feed] if bench.test == "terminal" else []) + ([keys] if watched and console.is_terminal else [])
        _read_terminal(of_terminal, stack)
        trial.device.start()
        stack.callback(trial.device.close)
        seconds = bench.seconds or (0.0 if watched else TIMED_S)
        if bench.calibrate and not bench.json:
            console.print(f"Release the {trial.device.name}: its readings at rest are measured for {seconds:g} s.")

        def keep_running() -> bool:
            window_open = window is None or (window.alive() and "quit" not in window.take_commands())
            return window_open and under_test.keep_running() and not quits.is_set()

        _watch(trial, keys, keep_running, seconds, console if watched else None)
        last = trial.device.latest()
        if bench.calibrate:
            trial.calibrate()
        if bench.save and profile is not None:
            trial.save()
        if bench.json:
            sys.stdout.write(device_terminal.report(trial, last) + "\n")
        else:
            device_terminal.print_summary(trial, last, console)
    return 0 if last.connected or trial.meter.figures().losses else 1


def _profile(bench: BenchSettings) -> Profile | None:
    """The profile with the requested changes. Raises SettingsError for changes that cannot be made or saved."""
    changes = {name: value for name in ("deadzone", "exponent", "scale") if (value := getattr(bench, name)) is not None}
    asked = bool(changes or bench.axis or bench.invert or bench.calibrate or bench.save)
    if bench.test == PLAYBACK or not DEVICES[bench.kind].control:
        if asked or bench.profile:
            raise SettingsError(f"the {bench.test} has no profile: it gives the task's actions directly")
        return None
    if bench.calibrate and DEVICES[bench.kind].needs_window:
        raise SettingsError(f"calibrate is not allowed with test = {bench.test}: it has no offset at rest")
    profile = profile_of(bench.kind, bench.profile)
    if bench.save:
        _may_save(bench)
        profile = profile.model_copy(update={"name": profile_path(bench.save).stem})
    try:
        return with_changes(profile, changes, parse_axis_changes(bench.axis), bench.invert)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _may_save(bench: BenchSettings) -> None:
    path = profile_path(bench.save)
    if path in {profile_path(name) for name in DEVICES}:
        raise SettingsError(f"save = {bench.save} is not allowed: that name belongs to the package; choose another")
    if path.exists() and bench.profile != bench.save:
        raise SettingsError(f"save = {bench.save}: {path} exists; choose another, or change it with --profile too")


def _window(
    bench: BenchSettings, trial: Trial, watched: bool, feeds: tuple[EventFeed, ...], stack: ExitStack
) -> WindowLink | None:
    """The window: for a live display where one can open, and for a device that needs it."""
    needed = bench.test != PLAYBACK and DEVICES[bench.kind].needs_window
    if not needed and (not watched or bench.headless or not has_display()):
        return None
    try:
        window = open_window(WindowSettings(), trial, feeds)
    except WindowError as error:
        if needed:
            raise SettingsError(f"test = {bench.test}: {error}") from error
        print(f"no window ({error}); continuing in the terminal", file=sys.stderr)
        return None
    stack.callback(window.close)
    return window


def _read_terminal(feeds: Sequence[EventFeed], stack: ExitStack) -> None:
    """Send the keys of the terminal, if there is one, to these feeds."""
    terminal = terminal_input() if feeds else None
    if terminal is None:
        return
    link = TerminalLink(terminal, Keymap())
    for feed in feeds:
        link.add_feed(feed)
    link.start()
    stack.callback(link.close)


def _watch(
    trial: Trial, keys: EventFeed, keep_running: Callable[[], bool], seconds: float, console: Console | None
) -> None:
    """Read the device until the time is over. Draw on the console if it is a terminal."""
    trial.meter.begun.wait(FIRST_READING_S)
    ends_s = time.monotonic() + seconds if seconds else float("inf")
    with ExitStack() as stack:
        live = None
        if console is not None and console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
        redraw_s = 0.0
        while time.monotonic() < ends_s and keep_running():
            for event in keys.drain(POLL_S):
                if event.kind == "key_down":
                    trial.press(event.name)
            sample = trial.meter.newest_sample()
            if live is not None and time.monotonic() >= redraw_s:
                redraw_s = time.monotonic() + REDRAW_S
                live.update(device_terminal.picture(trial, sample), refresh=True)
