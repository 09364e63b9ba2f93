"""The window: draws the newest state and sends the teacher's input to the actor.

Runs in the main thread of the window process. For a task with a 3-D scene a second thread (`render.render_thread`)
draws the camera images. It never simulates, never decides who drives, and closes when the actor is silent for
`GIVE_UP_S`. It must never disturb the control loop's timing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import pygame
import zmq

from hitl_clic.cockpit.drawing import picture
from hitl_clic.cockpit.drawing.camera_feed import CameraFeed
from hitl_clic.cockpit.drawing.camera_view import image_size
from hitl_clic.cockpit.drawing.draw import Page, WindowPainter
from hitl_clic.cockpit.drawing.welcome import remember
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window import keymap, messages, touch
from hitl_clic.cockpit.window.keyboard import Keyboard
from hitl_clic.cockpit.window.sounds import Speaker, cues
from hitl_clic.devices.hardware.events import InputEvent
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.schema import SchemaError

SILENT_S = 1.0
"""Silence of the actor after which the window shows a notice, s."""
GIVE_UP_S = 5.0
"""Silence of the actor after which the window closes, s."""
_POLL_MS = 8
"""Longest time between two looks for messages of the actor, ms."""
_REDRAW_S = 0.1
"""Longest time without a new picture, s, so that the times shown in it advance."""
_BUTTONS = {1: "left", 2: "middle", 3: "right", 6: "back", 7: "forward"}
_MAX_NOTCHES = 8
"""Most wheel notches sent for one event."""
_log = logging.getLogger(__name__)

InputKind = Literal[
    "key_down", "key_up", "button_down", "button_up", "wheel", "motion", "focus_lost", "focus_gained", "alive"
]


class Window:
    """One window of one session. Only the main thread uses the surface and the socket."""

    def __init__(
        self,
        surface: pygame.Surface,
        socket: zmq.Socket[bytes],
        clock: Callable[[], int],
        camera_feed: CameraFeed | None,
        keyboard: Keyboard,
        speaker: Speaker | None,
        welcome: bool,
        last_picture: Path | None = None,
    ) -> None:
        self.open = True
        self._surface, self._socket, self._clock, self._camera_feed = surface, socket, clock, camera_feed
        self._keyboard, self._speaker = keyboard, speaker
        self._painter = WindowPainter(camera_feed.scene3d if camera_feed is not None else None)
        self._state: CockpitState | None = None
        self._pages: set[Page] = {"welcome"} if welcome else set()
        """Pages that are open. The window shows the first of `Page`'s order."""
        self._last_picture, self._last_message_ns = last_picture, clock()
        self._screenshots: list[Path] = []
        self._drawn: object = None
        self._drawn_ns = 0
        self._input_changed = True
        """Whether input came that may change the picture."""
        self._new_pictures, self._counted_ns = 0, clock()
        self._cpu_s = time.process_time()
        self._pictures = ""
        """Their rate, and the size of camera images, as a text."""
        self._newest_images: object = None
        self._touch = touch.Touch()
        self._pointer: tuple[int, int] | None = None
        """The pixel of the newest event of the pointer; None before the first."""
        self._board: object = None
        """The rectangle of the scene that the pointer was last sent for."""

    def run(self, fps: float) -> None:
        """Draw and exchange messages until closed. Absolute deadlines keep the rate from drifting."""
        period_ns = round(1e9 / fps)
        due = self._clock()
        self._send(messages.Report("ready"))
        self._send(messages.Layout(self._keyboard.labels))
        while self.open:
            self._receive()
            self._draw()
            self._report_rate()
            self._input("alive")
            due = max(due + period_ns, self._clock())  # late pictures are skipped
            while self.open and (left_ms := (due - self._clock()) // 1_000_000) > 0:
                event = pygame.event.wait(min(left_ms, _POLL_MS))
                if event.type != pygame.NOEVENT:
                    self._handle(event)
                self._receive()
                if self._images_came():
                    due = self._clock()

    def _receive(self) -> None:
        """Take all messages of the actor; only its newest state matters."""
        newest: CockpitState | None = None
        while self._socket.poll(0):
            try:
                message = messages.TO_WINDOW.unpack(self._socket.recv())
            except SchemaError as error:
                _log.warning("ignored: %s", error)
                continue
            self._last_message_ns = self._clock()
            match message:
                case messages.Show(shown):
                    newest = shown
                case messages.Screenshot(path):
                    self._screenshots.append(Path(path))
                case messages.Goodbye():
                    self.open = False
                case messages.Heartbeat():
                    pass  # only shows that the actor runs
        if newest is not None:
            if self._speaker is not None and self._state is not None:
                for cue in cues(self._state, newest):
                    self._speaker.play(cue)
            self._state = newest
            if self._camera_feed is not None:
                self._images(self._camera_feed, newest)  # requests the next images at once
        if self._silence_s() > GIVE_UP_S:
            _log.warning("no message from the actor for %.0f s; the window closes", GIVE_UP_S)
            self.open = False

    def _draw(self) -> None:
        if self._state is None:
            self._painter.notice(self._surface, "Starting", "The session starts in a moment.", over_picture=False)
        else:
            feed = self._camera_feed
            rendering, note = (None, "") if feed is None else self._images(feed, self._state)
            shown = self._state if rendering is None else rendering
            new = shown is not self._drawn
            old = self._clock() - self._drawn_ns >= _REDRAW_S * 1e9
            if not (new or old or self._input_changed or self._screenshots):
                return  # leaves the processor to the camera images and the learner
            self._painter.draw(self._surface, self._state, self._page(self._state), rendering, note, self._pictures)
            self._follow_layout()
            self._new_pictures += new
            self._drawn, self._drawn_ns, self._input_changed = shown, self._clock(), False
        if self._silence_s() > SILENT_S:
            sentence = f"The session has not answered for {self._silence_s():.0f} s. Your keys have no effect."
            self._painter.notice(self._surface, "No answer", sentence, over_picture=self._state is not None)
        pygame.display.flip()
        for path in self._screenshots:
            self._save(path)
        self._screenshots.clear()

    def _images(self, feed: CameraFeed, state: CockpitState) -> tuple[Rendering | None, str]:
        """The newest images for this window, or a sentence why there are none."""
        return feed.images(state.scene.pose, image_size(self._surface.get_size(), feed.cameras()))

    def _images_came(self) -> bool:
        """Whether there are new images since the last call."""
        newest = None if self._camera_feed is None else self._camera_feed.newest()
        came, self._newest_images = newest is not self._newest_images, newest
        return came

    def _page(self, state: CockpitState) -> Page:
        """The page to show. A script needs no welcome."""
        shown = self._pages if state.device_keys else self._pages - {"welcome"}
        return next((page for page in get_args(Page) if page in shown), "session")

    def _close_welcome(self) -> None:
        """Close the welcome page, if it is shown, and remember that."""
        if "welcome" not in self._pages or self._state is None or not self._state.device_keys:
            return
        self._pages.remove("welcome")
        try:
            remember()
        except OSError as error:
            _log.warning("the welcome page will be shown again: %s", error)

    def _report_rate(self) -> None:
        """Once a second send the rate of new pictures."""
        elapsed_s = (self._clock() - self._counted_ns) * 1e-9
        if elapsed_s >= 1.0:
            rate = self._new_pictures / elapsed_s
            cpu_s, self._cpu_s = time.process_time() - self._cpu_s, time.process_time()
            self._send(messages.Drawn(rate, cpu_s / elapsed_s))
            shown = self._drawn.images[0].shape if isinstance(self._drawn, Rendering) else ()
            self._pictures = f"{rate:.0f} pictures/s" + (f" of {shown[1]} × {shown[0]}" if shown else "")
            self._new_pictures, self._counted_ns = 0, self._clock()

    def _handle(self, event: pygame.event.Event) -> None:
        """Send one of pygame's events to the actor, and run the action of a key."""
        self._input_changed = self._input_changed or event.type not in (pygame.MOUSEMOTION, pygame.FINGERMOTION)
        match event.type:
            case pygame.KEYDOWN | pygame.KEYUP:
                name, down = self._keyboard.name(event), event.type == pygame.KEYDOWN
                if name:
                    self._input("key_down" if down else "key_up", name)
                key = self._keyboard.keys.find(name)
                if down and (key is None or key.action != "screenshot"):  # a screenshot may show the welcome page
                    self._close_welcome()
                if down and key is not None:
                    self._press(key)
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEBUTTONUP | pygame.MOUSEMOTION if touch.of_a_finger(event):
                pass  # the finger's own event counts
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEBUTTONUP if event.button in _BUTTONS:
                kind: InputKind = "button_down" if event.type == pygame.MOUSEBUTTONDOWN else "button_up"
                self._point(kind, _BUTTONS[event.button], event.pos)
                self._close_welcome()
            case pygame.FINGERDOWN | pygame.FINGERMOTION | pygame.FINGERUP:
                found = self._touch.take(event, self._surface.get_size())
                if found is not None:
                    self._point(found.kind, "" if found.kind == "motion" else touch.LEFT, found.pixel)
                    self._close_welcome()
            case pygame.MOUSEWHEEL:
                self._wheel(("wheel down", "wheel up"), event.y)
                self._wheel(("wheel left", "wheel right"), event.x)
            case pygame.MOUSEMOTION:
                self._point("motion", "", event.pos)
            case pygame.KEYMAPCHANGED:
                if self._keyboard.read_layout():
                    self._send(messages.Layout(self._keyboard.labels))
            case pygame.WINDOWFOCUSLOST | pygame.WINDOWFOCUSGAINED:
                self._keyboard.release_all()
                self._touch.forget()
                self._input("focus_lost" if event.type == pygame.WINDOWFOCUSLOST else "focus_gained")
            case pygame.QUIT:
                if self._last_picture is not None:
                    self._save(self._last_picture)
                self._send(messages.Report("closed"))
                self.open = False

    def _wheel(self, names: tuple[str, str], notches: int) -> None:
        for _ in range(min(abs(notches), _MAX_NOTCHES)):
            self._input("wheel", names[notches > 0])

    def _press(self, key: keymap.Key) -> None:
        match key.action:
            case "help" | "energy" | "details":
                self._pages ^= {key.action}
                if key.action == "energy":
                    self._send(messages.Turned("energy" in self._pages))
            case "view":
                if self._camera_feed is not None:
                    self._camera_feed.next_view()
            case "screenshot":
                self._screenshots.append(Path(time.strftime("cockpit-%Y%m%d-%H%M%S.png")).absolute())
            case command:
                self._send(messages.Press(self._clock(), command))

    def _point(self, kind: InputKind, name: str, pixel: tuple[int, int]) -> None:
        self._pointer, self._board = pixel, tuple(self._painter.layout.board)
        self._input(kind, name, pixel)

    def _follow_layout(self) -> None:
        """Send the pointer again after the scene moved in the window, as after a change of the window's size."""
        board = tuple(self._painter.layout.board)
        if self._pointer is not None and board != self._board:
            self._point("motion", "", self._pointer)

    def _input(self, kind: InputKind, name: str = "", pixel: tuple[int, int] | None = None) -> None:
        position = self._painter.layout.to_scene(pixel) if pixel is not None else (0.0, 0.0)
        self._send(InputEvent(self._clock(), kind, name, position))

    def _save(self, path: Path) -> None:
        try:
            picture.save(self._surface, path)
            self._send(messages.Report("saved", str(path)))
        except OSError as error:
            self._send(messages.Report("not_saved", str(error)))

    def _send(self, message: messages.FromWindow) -> None:
        try:
            self._socket.send(messages.FROM_WINDOW.pack(message), zmq.NOBLOCK)
        except zmq.Again:
            _log.warning("the actor does not read; a %s message is lost", type(message).__name__)

    def _silence_s(self) -> float:
        return (self._clock() - self._last_message_ns) * 1e-9
