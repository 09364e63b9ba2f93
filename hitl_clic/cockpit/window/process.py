"""The window process: `python -m hitl_clic.cockpit.window.process --connect ENDPOINT`.

`window_link` starts it. It opens the display and runs a `Window` until the window closes.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

import zmq

# The name by which desktops and scripts find the window. SDL reads it when the display opens.
os.environ["SDL_VIDEO_X11_WMCLASS"] = "hitl-clic"
os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")  # copies pictures instead of using software OpenGL
import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.camera_feed import SCENE3D, CameraFeed
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.drawing.welcome import welcomed
from hitl_clic.cockpit.window import keymap, messages
from hitl_clic.cockpit.window.key_reading import KEY_USE
from hitl_clic.cockpit.window.keyboard import Keyboard
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.sounds import Speaker
from hitl_clic.cockpit.window.window import Window
from hitl_clic.os_scheduling import lower_priority

_INVISIBLE = ("dummy", "offscreen")
_log = logging.getLogger(__name__)


def open_display(width: int, height: int) -> pygame.Surface:
    """Open the window. Raises RuntimeError, which says what to do, if there is no display."""
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in _INVISIBLE and os.environ.get("SDL_VIDEODRIVER") != driver:
            raise pygame.error("no display found")
        brush = Brush(1.0, pygame.Surface((32, 32), pygame.SRCALPHA, 32))
        brush.disc((11, 20), 10, palette.ROBOT)
        brush.disc((21, 12), 10, palette.HUMAN)
        pygame.display.set_icon(brush.on)
        pygame.display.set_caption("HITL-CLIC cockpit")
        return pygame.display.set_mode((width, height), pygame.RESIZABLE)
    except pygame.error as error:
        where = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "not set"
        raise RuntimeError(
            f"the window cannot open a display ({error}; DISPLAY is {where}): run on a desktop, under xvfb-run, "
            "or with --headless"
        ) from error


def _speaker() -> Speaker | None:
    """A speaker; None, after a warning, if no audio device works."""
    try:
        return Speaker()
    except RuntimeError as error:
        _log.warning("%s; the window runs without sounds", error)
        return None


def main(arguments: list[str] | None = None) -> int:
    """Run the window. Returns 0 when it was closed, 1 when it could not open."""
    parser = argparse.ArgumentParser(description="The cockpit's window; started by the actor.")
    parser.add_argument("--connect", required=True, help="the actor's endpoint, ipc:// or tcp://127.0.0.1:PORT")
    parser.add_argument("--settings", default="{}", help="WindowSettings as JSON")
    parser.add_argument("--keys", required=True, help="the device's keys, KeyUse as JSON")
    parser.add_argument("--scene3d", default="", help="the task's Scene3D as JSON; empty for a flat task")
    parser.add_argument(
        "--last-picture", type=Path, help="where to save the last picture when the teacher closes the window"
    )
    given = parser.parse_args(arguments)
    settings = WindowSettings.model_validate_json(given.settings)
    logging.basicConfig(level=logging.WARNING, format="window: %(message)s", stream=sys.stderr)
    lower_priority(settings.niceness)

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
        scene3d = SCENE3D.loads(given.scene3d) if given.scene3d else None
        camera_feed = CameraFeed(scene3d, settings, settings.pictures_per_s) if scene3d is not None else None
        try:
            welcome = settings.welcome == "always" or (settings.welcome == "first" and not welcomed())
            keyboard = Keyboard(keymap.Keymap(settings.keys), KEY_USE.loads(given.keys))
            speaker = _speaker() if settings.sounds else None
            clock, last = time.perf_counter_ns, given.last_picture
            window = Window(surface, socket, clock, camera_feed, keyboard, speaker, welcome, last)
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
