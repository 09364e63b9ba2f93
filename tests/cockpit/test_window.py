"""The real window process under a virtual display, driven by real key and mouse events."""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pygame
import pytest
import zmq

from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window import messages
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.cockpit.window.keyboard import Keyboard
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window import Window
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.types.scene import Scene, Shape

needs_display = pytest.mark.skipif(
    shutil.which("Xvfb") is None or shutil.which("xdotool") is None,
    reason="needs Xvfb and xdotool (apt install xvfb xdotool)",
)
STATE = CockpitState(
    "Push-T", Scene((512.0, 512.0), (Shape("robot", ((256.0, 256.0),), 15.0),), (256.0, 256.0), 10.0), device="Keyboard"
)
SETTINGS = WindowSettings(width=960, height=540, niceness=0, keys={"reset": "b"})


@pytest.fixture
def feed() -> EventFeed:
    return EventFeed()


@pytest.fixture
def window(display: str, feed: EventFeed, monkeypatch: pytest.MonkeyPatch) -> Iterator[WindowLink]:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    link = WindowLink(SETTINGS)
    link.add_feed(feed)
    link.show(lambda: STATE)
    try:
        link.start()
        _xdotool("search", "--class", "hitl-clic", "windowfocus")
        _wait_for(feed, lambda event: event.kind == "focus_gained")
        yield link
    finally:
        link.close()


def _xdotool(*words: str) -> None:
    subprocess.run(["xdotool", *words], check=True, timeout=10.0, stdout=subprocess.DEVNULL)


class _ClientMessage(ctypes.Structure):
    """X11's XClientMessageEvent, padded to the size of an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 12),
    )


def _press_its_close_button(display: str) -> None:
    """Send the window WM_DELETE_WINDOW, as a desktop does; older xdotools cannot."""
    found = subprocess.run(
        ["xdotool", "search", "--class", "hitl-clic"], check=True, timeout=10.0, capture_output=True, text=True
    )
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
    opened = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    assert opened.value, f"display {display} cannot be opened"
    atoms = [x11.XInternAtom(opened, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")]
    window = int(found.stdout.split()[0])
    client_message = 33
    message = _ClientMessage(client_message, 0, 1, opened.value, window, atoms[0], 32, (ctypes.c_long * 5)(atoms[1]))
    assert x11.XSendEvent(opened, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(opened)


def _wait_for(feed: EventFeed, wanted: Callable[[InputEvent], bool], seconds: float = 60.0) -> InputEvent:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in feed.drain(0.05):
            if wanted(event):
                return event
    raise AssertionError("the event did not arrive")


def _key(kind: str, name: str) -> Callable[[InputEvent], bool]:
    return lambda event: event.kind == kind and event.name == name


class _ScriptedSocket:
    """A socket that receives messages of the actor at given times, s."""

    def __init__(self, now: Callable[[], float], timed: list[tuple[float, messages.ToWindow]]) -> None:
        self._now, self._left = now, timed

    def poll(self, timeout: int) -> bool:
        del timeout
        return bool(self._left) and self._left[0][0] <= self._now()

    def recv(self) -> bytes:
        return messages.TO_WINDOW.pack(self._left.pop(0)[1])

    def send(self, message: bytes, flags: int = 0) -> None:
        """Ignore messages of the window."""


def test_a_picture_is_drawn_for_each_new_state_and_every_tenth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns, drawn_at = 0, []

    def wait(ms: int) -> pygame.event.Event:
        nonlocal now_ns
        now_ns += ms * 1_000_000
        return pygame.event.Event(pygame.NOEVENT)

    monkeypatch.setattr(pygame.event, "wait", wait)
    monkeypatch.setattr(pygame.display, "flip", lambda: drawn_at.append(now_ns * 1e-9))
    pygame.font.init()
    state_times = [0.0, 1.0, 1.05, 1.1]
    alive: list[tuple[float, messages.ToWindow]] = [(second, messages.Heartbeat()) for second in (0.5, 1.5)]
    timed = sorted([(at, messages.Show(STATE)) for at in state_times] + alive, key=lambda one: one[0])
    socket = cast("zmq.Socket[bytes]", _ScriptedSocket(lambda: now_ns * 1e-9, [*timed, (2.0, messages.Goodbye())]))
    surface = pygame.Surface((960, 540))
    Window(surface, socket, lambda: now_ns, None, Keyboard(Keymap({}), KeyUse()), None, welcome=False).run(30.0)
    for at in state_times:
        assert any(0.0 <= drawn - at <= 0.034 for drawn in drawn_at), f"the state of {at} s is drawn late: {drawn_at}"
    resting = [drawn for drawn in drawn_at if 0.05 < drawn < 1.0]
    assert 8 <= len(resting) <= 10, "without a new state, pictures must come at 10 Hz, so that the times shown advance"


@needs_display
def test_held_keys_arrive_with_the_time_they_were_pressed(window: WindowLink, feed: EventFeed) -> None:
    before = time.perf_counter_ns()
    _xdotool("keydown", "w")
    down = _wait_for(feed, _key("key_down", "w"))
    assert before < down.time_ns < time.perf_counter_ns()
    for _ in range(4):
        assert _wait_for(feed, lambda event: True).kind == "alive", "a held key must not repeat"
    _xdotool("keyup", "w")
    assert _wait_for(feed, _key("key_up", "w")).time_ns > down.time_ns
    assert window.alive()


@needs_display
def test_losing_the_focus_is_sent(window: WindowLink, feed: EventFeed) -> None:
    other = subprocess.run(
        ["xdotool", "search", "--maxdepth", "0", ".*"], capture_output=True, text=True, timeout=10.0, check=False
    ).stdout.split()
    assert other
    _xdotool("windowfocus", other[0])
    _wait_for(feed, lambda event: event.kind == "focus_lost")


@needs_display
def test_the_pointer_is_sent_in_scene_coordinates(window: WindowLink, feed: EventFeed) -> None:
    """The middle of the scene is (0.5, 0.5), wherever the layout puts it."""
    from hitl_clic.cockpit.drawing.layout import Layout

    board = Layout.of((960, 540), STATE.scene.size).board
    window_id = subprocess.run(
        ["xdotool", "search", "--class", "hitl-clic"], capture_output=True, text=True, timeout=10.0, check=True
    ).stdout.split()[0]
    _xdotool("mousemove", "--window", window_id, str(board.centerx), str(board.centery), "mousedown", "1")
    down = _wait_for(feed, _key("button_down", "left"))
    assert down.position == pytest.approx((0.5, 0.5), abs=0.01)
    _xdotool("mousemove", "--window", window_id, str(board.right), str(board.top))
    _wait_for(feed, lambda event: event.kind == "motion" and event.position == pytest.approx((1.0, 0.0), abs=0.01))
    _xdotool("mouseup", "1")
    _wait_for(feed, _key("button_up", "left"))


@needs_display
def test_each_wheel_notch_is_sent(window: WindowLink, feed: EventFeed) -> None:
    window_id = subprocess.run(
        ["xdotool", "search", "--class", "hitl-clic"], capture_output=True, text=True, timeout=10.0, check=True
    ).stdout.split()[0]
    _xdotool("mousemove", "--window", window_id, "300", "300")
    for button, name in (("4", "wheel up"), ("5", "wheel down")):
        feed.drain(0.0)
        _xdotool("click", "--repeat", "3", "--delay", "50", button)
        names: list[str] = []
        deadline = time.monotonic() + 60.0
        while len(names) < 3 and time.monotonic() < deadline:
            names += [event.name for event in feed.drain(0.05) if event.kind in ("wheel", "button_down")]
        assert names == [name] * 3, "a notch must not also be a button"


@needs_display
def test_command_keys_become_commands_and_reach_the_devices_too(window: WindowLink, feed: EventFeed) -> None:
    _xdotool("key", "p")
    assert window.commands.get(timeout=60.0) == "pause"
    _xdotool("key", "Escape")
    assert window.commands.get(timeout=60.0) == "stop"
    _wait_for(feed, _key("key_down", "escape"))
    _xdotool("key", "Return")
    assert window.commands.get(timeout=60.0) == "success"
    for name, command in (("o", "next_correction_axes"), ("n", ""), ("b", "reset")):
        _xdotool("key", name)
        if command:  # "n" has been bound anew
            assert window.commands.get(timeout=60.0) == command
    _xdotool("key", "space")
    with pytest.raises(queue.Empty):
        window.commands.get(timeout=0.3)


@needs_display
def test_screenshot_shows_the_scene_and_help_changes_it(window: WindowLink, tmp_path: Path) -> None:
    pictures = []
    for number in range(2):
        file = tmp_path / f"{number}.png"
        window.screenshot(file)
        surface = pygame.image.load(file)
        assert surface.get_size() == (960, 540)
        colors = {tuple(surface.get_at((x, y))) for x in range(0, 960, 7) for y in range(0, 540, 7)}
        assert len(colors) > 10, "the picture is blank"
        pictures.append(pygame.image.tobytes(surface, "RGB"))
        _xdotool("key", "F1")
        time.sleep(0.2)
    assert pictures[0] != pictures[1]
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(WindowError):
        window.screenshot(tmp_path / "folder.png")
    assert window.alive()


@needs_display
def test_a_killed_window_is_reported_to_devices_and_does_not_quit_the_session(
    window: WindowLink, feed: EventFeed, tmp_path: Path
) -> None:
    listed = subprocess.run(
        ["xdotool", "search", "--class", "hitl-clic", "getwindowpid"],
        capture_output=True,
        text=True,
        timeout=10.0,
        check=True,
    ).stdout
    os.kill(int(listed.split()[0]), signal.SIGKILL)
    _wait_for(feed, lambda event: event.kind == "closed")
    assert not window.alive()
    assert window.commands.empty()
    with pytest.raises(WindowError, match="closed"):
        window.screenshot(tmp_path / "late.png")


@needs_display
def test_a_closed_window_saves_its_last_picture(
    display: str, monkeypatch: pytest.MonkeyPatch, feed: EventFeed, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    shown, kept = tmp_path / "shown.png", tmp_path / "kept.png"
    link = WindowLink(SETTINGS, last_picture=kept)
    link.add_feed(feed)
    link.show(lambda: STATE)
    link.start()
    try:
        _xdotool("search", "--sync", "--class", "hitl-clic", "windowfocus")
        _wait_for(feed, lambda event: event.kind == "focus_gained")
        link.screenshot(shown)
        assert not kept.exists()
        _press_its_close_button(display)
        _wait_for(feed, lambda event: event.kind == "closed")
        assert link.take_commands() == ["quit"]
    finally:
        link.close()
    first, last = (pygame.image.tobytes(pygame.image.load(path), "RGB") for path in (shown, kept))
    assert first == last, "nothing changed, but the pictures differ"


@needs_display
@pytest.mark.realtime
def test_the_window_closes_when_the_actor_is_silent(
    display: str, monkeypatch: pytest.MonkeyPatch, feed: EventFeed
) -> None:
    """A provider that blocks looks to the window like a hung actor."""
    monkeypatch.setenv("DISPLAY", display)
    link = WindowLink(SETTINGS)
    link.add_feed(feed)
    link.start()
    began = time.monotonic()
    link.show(lambda: time.sleep(6.5))
    try:
        _wait_for(feed, lambda event: event.kind == "closed", 12.0)
        assert time.monotonic() - began > 5.0
    finally:
        link.close()


@needs_display
def test_a_window_without_an_audio_device_opens(
    display: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("SDL_AUDIODRIVER", "no such thing")
    link = WindowLink(SETTINGS.model_copy(update={"sounds": True}))
    try:
        link.start()
        assert link.alive()
    finally:
        link.close()
    warnings = [line for line in capfd.readouterr().err.splitlines() if line.startswith("window: ")]
    assert len(warnings) == 1, warnings
    assert "no audio device works" in warnings[0]


@needs_display
@pytest.mark.realtime
def test_closing_is_quick(window: WindowLink) -> None:
    start = time.monotonic()
    window.close()
    assert time.monotonic() - start < 2.5, "the window did not close on Goodbye"
    assert not window.alive()


def test_no_display_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    link = WindowLink(SETTINGS)
    with pytest.raises(WindowError, match="--headless"):
        link.start()
    assert not link.alive()
