"""The window process: `python -m hitl_clic.cockpit.window.window --connect ENDPOINT`.

Runs alone in its process, at its own rate: draws the newest state, waits for input in between and sends it to the actor
at once. For a task with a 3-D scene a second thread (`render.render_thread`) draws what its cameras see. It never
simulates, never decides who drives, and ends by itself when the actor is silent for `GIVE_UP_S`. It must never disturb
the loop's timing.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import zmq

# The name by which desktops and scripts find the window; pygame in the actor would have put another one here.
os.environ["SDL_VIDEO_X11_WMCLASS"] = "hitl-clic"
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")  # a picture is copied, not drawn by a software OpenGL
import pygame

from hitl_clic.cockpit.drawing import palette, picture
from hitl_clic.cockpit.drawing.camera_feed import SCENE3D, CameraFeed
from hitl_clic.cockpit.drawing.draw import Artist
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.drawing.welcome import remember, welcomed
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window import keymap, messages
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.sounds import Speaker, cues
from hitl_clic.devices.hardware.events import InputEvent
from hitl_clic.os_scheduling import step_back
from hitl_clic.types.schema import SchemaError

SILENT_S = 1.0
"""The actor's silence after which the window says so, seconds."""
GIVE_UP_S = 5.0
"""The actor's silence after which the window ends, seconds."""
_LISTEN_MS = 8
"""Time after which the window listens to the actor again, milliseconds."""
_REST_S = 0.1
"""Longest time for which the same picture stays, seconds: what changes in it without news is no quicker."""
_BUTTONS = {1: "left", 2: "middle", 3: "right", 6: "back", 7: "forward"}
_MOST_NOTCHES = 8
"""Of a wheel, in one event."""
_INVISIBLE = ("dummy", "offscreen")
_log = logging.getLogger(__name__)

InputKind = Literal[
    "key_down", "key_up", "button_down", "button_up", "wheel", "motion", "focus_lost", "focus_gained", "alive"
]


class Window:
    """One window on one session. The surface and the socket are used by the process's only thread."""

    def __init__(
        self,
        surface: pygame.Surface,
        socket: zmq.Socket[bytes],
        clock: Callable[[], int],
        camera_feed: CameraFeed | None,
        keys: keymap.Keymap,
        speaker: Speaker | None,
        welcome: bool,
        last_picture: Path | None = None,
    ) -> None:
        self.open = True
        self._surface = surface
        self._socket = socket
        self._clock = clock
        self._scenery = camera_feed
        self._keys, self._speaker = keys, speaker
        self._artist = Artist(camera_feed.scene3d if camera_feed is not None else None)
        self._state: CockpitState | None = None
        self._help = self._energy = self._details = False
        self._welcome = welcome
        self._last_picture = last_picture
        self._notice = ""
        self._heard_ns = clock()
        self._asked: list[Path] = []
        self._shown: object = None
        self._drawn_ns = 0
        self._stirred = True
        """Whether the person or the desktop did something that a new picture may have to show."""
        self._new_pictures, self._counted_ns = 0, clock()

    def run(self, fps: float) -> None:
        """Draw and listen until closed; absolute deadlines, so that the rate does not drift."""
        period_ns = round(1e9 / fps)
        due = self._clock()
        self._send(messages.Report("ready"))
        while self.open:
            self._hear()
            self._draw()
            self._tell_rate()
            self._input("alive")
            due = max(due + period_ns, self._clock())  # late pictures are skipped, not caught up
            while self.open and (left_ms := (due - self._clock()) // 1_000_000) > 0:
                event = pygame.event.wait(min(left_ms, _LISTEN_MS))
                if event.type != pygame.NOEVENT:
                    self._obey(event)
                self._hear()

    def _hear(self) -> None:
        """Take everything the actor said; only its newest state matters."""
        newest: CockpitState | None = None
        while self._socket.poll(0):
            try:
                message = messages.TO_WINDOW.unpack(self._socket.recv())
            except SchemaError as error:
                _log.warning("ignored: %s", error)
                continue
            self._heard_ns = self._clock()
            match message:
                case messages.Show(shown):
                    newest = shown
                case messages.Screenshot(path):
                    self._asked.append(Path(path))
                case messages.Goodbye():
                    self.open = False
                case messages.Heartbeat():
                    pass  # it only says that the actor runs
        if newest is not None:
            self._sound(self._state, newest)
            self._state = newest
            if self._scenery is not None:
                self._scenery.look(newest.scene.pose)  # the next picture begins at once
        if self._silence_s() > GIVE_UP_S:
            _log.warning("the actor was silent for %.0f s; the window ends", GIVE_UP_S)
            self.open = False

    def _sound(self, before: CockpitState | None, after: CockpitState) -> None:
        if self._speaker is not None and before is not None:
            for cue in cues(before, after):
                self._speaker.play(cue)

    def _draw(self) -> None:
        if self._state is None:
            self._artist.notice(self._surface, "One moment", "The session is starting.", over_picture=False)
        else:
            shot, note = (None, "") if self._scenery is None else self._scenery.look(self._state.scene.pose)
            shown = self._state if shot is None else shot
            new = shown is not self._shown
            if not (new or self._stirred or self._asked or self._clock() - self._drawn_ns >= _REST_S * 1e9):
                return  # what a picture takes is better spent on the next robot, or on the learner
            self._artist.draw(
                self._surface,
                self._state,
                self._help,
                shot,
                note,
                self._energy,
                self._welcoming(),
                self._details,
            )
            self._new_pictures += new
            self._shown, self._drawn_ns, self._stirred = shown, self._clock(), False
        if self._silence_s() > SILENT_S:
            sentence = f"The actor has been silent for {self._silence_s():.0f} s; your keys do not reach it."
            self._artist.notice(self._surface, "Not answering", sentence, over_picture=self._state is not None)
        pygame.display.flip()
        for path in self._asked:
            self._save(path)
        self._asked.clear()

    def _welcoming(self) -> bool:
        """Whether the page is shown that says how teaching goes: to a person, not beside a script."""
        return self._welcome and self._state is not None and bool(self._state.device_keys)

    def _begin(self) -> None:
        """The person did something: the welcome is over."""
        if not self._welcoming():
            return
        self._welcome = False
        try:
            remember()
        except OSError as error:
            _log.warning("the welcome will be shown again: %s", error)

    def _tell_rate(self) -> None:
        """Once a second say how often something new was shown."""
        passed = (self._clock() - self._counted_ns) * 1e-9
        if passed >= 1.0:
            self._send(messages.Drawn(self._new_pictures / passed))
            self._new_pictures, self._counted_ns = 0, self._clock()

    def _obey(self, event: pygame.event.Event) -> None:
        """Pass one of pygame's events on, and do what the key table says."""
        self._stirred = self._stirred or event.type != pygame.MOUSEMOTION
        match event.type:
            case pygame.KEYDOWN | pygame.KEYUP:
                name = pygame.key.name(event.key).lower()
                down = event.type == pygame.KEYDOWN
                self._input("key_down" if down else "key_up", name)
                key = self._keys.find(name)
                if down and (key is None or key.action != "screenshot"):  # a picture of the welcome is one
                    self._begin()
                if down and key is not None:
                    self._press(key)
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEBUTTONUP if event.button in _BUTTONS:
                kind: InputKind = "button_down" if event.type == pygame.MOUSEBUTTONDOWN else "button_up"
                self._input(kind, _BUTTONS[event.button], event.pos)
                self._begin()
            case pygame.MOUSEWHEEL:
                self._wheel(("wheel down", "wheel up"), event.y)
                self._wheel(("wheel left", "wheel right"), event.x)
            case pygame.MOUSEMOTION:
                self._input("motion", "", event.pos)
            case pygame.WINDOWFOCUSLOST:
                self._input("focus_lost")
            case pygame.WINDOWFOCUSGAINED:
                self._input("focus_gained")
            case pygame.QUIT:
                if self._last_picture is not None:
                    self._save(self._last_picture)
                self._send(messages.Report("closed"))
                self.open = False

    def _wheel(self, names: tuple[str, str], notches: int) -> None:
        for _ in range(min(abs(notches), _MOST_NOTCHES)):
            self._input("wheel", names[notches > 0])

    def _press(self, key: keymap.Key) -> None:
        match key.action:
            case "help":
                self._help = not self._help
            case "energy":
                self._energy = not self._energy
                self._send(messages.Turned(self._energy))
            case "details":
                self._details = not self._details
            case "view":
                if self._scenery is not None:
                    self._scenery.turn()
            case "screenshot":
                self._asked.append(Path(time.strftime("cockpit-%Y%m%d-%H%M%S.png")).absolute())
            case command:
                self._send(messages.Press(self._clock(), command))

    def _input(self, kind: InputKind, name: str = "", pixel: tuple[int, int] | None = None) -> None:
        position = self._artist.layout.to_scene(pixel) if pixel is not None else (0.0, 0.0)
        self._send(InputEvent(self._clock(), kind, name, position))

    def _save(self, path: Path) -> None:
        try:
            picture.save(self._surface, path)
        except OSError as error:
            self._send(messages.Report("not_saved", str(error)))
        else:
            self._send(messages.Report("saved", str(path)))

    def _send(self, message: messages.FromWindow) -> None:
        try:
            self._socket.send(messages.FROM_WINDOW.pack(message), zmq.NOBLOCK)
        except zmq.Again:
            _log.warning("the actor does not read; dropped %s", type(message).__name__)

    def _silence_s(self) -> float:
        return (self._clock() - self._heard_ns) * 1e-9


def open_display(width: int, height: int) -> pygame.Surface:
    """Open the window.

    Raises:
        RuntimeError: there is no display, in a sentence that says what to do.
    """
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in _INVISIBLE and os.environ.get("SDL_VIDEODRIVER") != driver:
            raise pygame.error("no display found")
        pygame.display.set_icon(_icon())
        pygame.display.set_caption("HITL-CLIC cockpit")
        surface = pygame.display.set_mode((width, height), pygame.RESIZABLE)
    except pygame.error as error:
        where = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "not set"
        raise RuntimeError(
            f"the window cannot open a display ({error}; DISPLAY is {where}): run on a desktop, under xvfb-run, "
            "or with --headless"
        ) from error
    return surface


def _icon() -> pygame.Surface:
    """Two discs in the two drivers' colours."""
    icon, brush = pygame.Surface((32, 32), pygame.SRCALPHA, 32), Brush(1.0)
    brush.disc(icon, (11, 20), 10, palette.ROBOT)
    brush.disc(icon, (21, 12), 10, palette.HUMAN)
    return icon


def _speaker() -> Speaker | None:
    """What plays sounds; None, after a sentence, where nothing can: a window without them is still a window."""
    try:
        return Speaker()
    except RuntimeError as error:
        _log.warning("%s; the window goes on without", error)
        return None


def main(arguments: list[str] | None = None) -> int:
    """Run the window; 0 when it was closed, 1 when it could not open."""
    parser = argparse.ArgumentParser(description="The cockpit's window; started by the actor.")
    parser.add_argument("--connect", required=True, help="the actor's endpoint, ipc:// or tcp://127.0.0.1:PORT")
    parser.add_argument("--settings", default="{}", help="WindowSettings as JSON")
    parser.add_argument("--scene3d", default="", help="the task's Scene3D as JSON; empty if it has none")
    parser.add_argument("--last-picture", type=Path, help="where to leave the last picture when the person closes it")
    given = parser.parse_args(arguments)
    settings = WindowSettings.model_validate_json(given.settings)
    logging.basicConfig(level=logging.WARNING, format="window: %(message)s", stream=sys.stderr)
    step_back(settings.niceness)

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.setsockopt(zmq.LINGER, 1000)
    socket.setsockopt(zmq.MAXMSGSIZE, messages.MAX_BYTES)
    socket.setsockopt(zmq.SNDHWM, 4096)
    socket.connect(given.connect)
    try:
        surface = open_display(settings.width, settings.height)
    except RuntimeError as error:
        socket.send(messages.FROM_WINDOW.pack(messages.Report("failed", str(error))))
        return 1
    else:
        camera_feed = (
            CameraFeed(SCENE3D.loads(given.scene3d), settings, settings.pictures_per_s) if given.scene3d else None
        )
        try:
            welcome = settings.welcome == "always" or (settings.welcome == "first" and not welcomed())
            keys = keymap.Keymap(settings.keys)
            speaker = _speaker() if settings.sounds else None
            window = Window(
                surface, socket, time.perf_counter_ns, camera_feed, keys, speaker, welcome, given.last_picture
            )
            window.run(settings.fps)
        finally:
            if camera_feed is not None:
                camera_feed.close()
        return 0
    finally:
        socket.close()
        context.term()
        pygame.quit()


if __name__ == "__main__":
    sys.exit(main())
