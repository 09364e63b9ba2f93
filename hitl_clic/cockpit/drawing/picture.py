"""Writes a `CockpitState` as a PNG, without a display: for reports, documents and tests.

Any thread may call this. It takes tens of milliseconds, so never call it in a tick. It draws in memory and never opens,
closes or configures a display.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from hitl_clic.cockpit.drawing.camera_feed import CameraFeed
from hitl_clic.cockpit.drawing.camera_view import image_size
from hitl_clic.cockpit.drawing.draw import WindowPainter
from hitl_clic.cockpit.state.state import CockpitState


def write_picture(
    state: CockpitState, path: Path, size: tuple[int, int] = (1280, 720), camera_feed: CameraFeed | None = None
) -> None:
    """Write the window's picture of a state.

    Args:
        path: a file name ending in .png; a missing folder is made. size: width and height, pixels.
        camera_feed: draws camera images of the scene. None: the flat scene.

    Raises:
        ValueError: the name does not end in .png. OSError: the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"picture {path}: the name must end in .png")
    save(_drawn(state, size, camera_feed), path)


def picture(state: CockpitState, size: tuple[int, int], camera_feed: CameraFeed | None = None) -> NDArray[np.uint8]:
    """The window's picture of a state, uint8 [height, width, 3]; the arguments are those of `write_picture`."""
    surface = _drawn(state, size, camera_feed)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


def _drawn(state: CockpitState, size: tuple[int, int], camera_feed: CameraFeed | None) -> pygame.Surface:
    surface, pose = pygame.Surface(size, 0, 32), state.scene.pose
    rendering = None
    if camera_feed is not None and pose is not None:
        rendering = camera_feed.wait(pose, image_size(size, camera_feed.cameras()))
    WindowPainter(camera_feed.scene3d if camera_feed is not None else None).draw(surface, state, rendering=rendering)
    return surface


def save(surface: pygame.Surface, path: Path) -> None:
    """Write a surface as PNG. Raises OSError if the file cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pygame.image.save(surface, str(path))
    except pygame.error as error:
        raise OSError(f"picture {path} cannot be written: {error}") from error
