"""A picture of a `CockpitState` as a PNG, without a display: for reports, documents and tests.

Any thread may call this; it takes tens of milliseconds, so never in a tick. It draws on plain memory and never
opens, closes or configures a display, so a process that has a window keeps it undisturbed.
"""

from __future__ import annotations

from pathlib import Path

import pygame

from hitl_clic.cockpit.drawing.camera_feed import CameraFeed
from hitl_clic.cockpit.drawing.draw import WindowPainter
from hitl_clic.cockpit.state.state import CockpitState


def write_picture(
    state: CockpitState,
    path: Path,
    size: tuple[int, int] = (1280, 720),
    show_help: bool = False,
    camera_feed: CameraFeed | None = None,
) -> None:
    """Write the picture of a state.

    Args:
        scenery: draws the scene as cameras see it, where it can; by default it is drawn flat.
        path: a file name ending in .png; its folder is made if missing. size: width and height, pixels.

    Raises:
        ValueError: the name does not end in .png. OSError: the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"picture {path}: the name must end in .png")
    surface = pygame.Surface(size, 0, 32)
    rendering = camera_feed.wait(state.scene.pose) if camera_feed is not None and state.scene.pose is not None else None
    WindowPainter(camera_feed.scene3d if camera_feed is not None else None).draw(surface, state, show_help, rendering)
    save(surface, path)


def save(surface: pygame.Surface, path: Path) -> None:
    """Write a surface as PNG. Raises OSError when the file cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pygame.image.save(surface, str(path))
    except pygame.error as error:
        raise OSError(f"picture {path} cannot be written: {error}") from error
