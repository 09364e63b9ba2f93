"""One picture of the cockpit: a `CockpitState` onto a pygame surface.

Pure drawing: no display, no clock, no sockets. Used by the window process and by `picture`. An artist belongs to
one thread; it keeps the parts that did not change since its last picture.
"""

from __future__ import annotations

from dataclasses import replace

import pygame

from hitl_clic.cockpit import pages, palette, panels, scene_view
from hitl_clic.cockpit.layout import Layout
from hitl_clic.cockpit.state import CockpitState
from hitl_clic.cockpit.theme import Brush
from hitl_clic.tasks.task import Scene

_EMPTY = Scene(size=(1.0, 1.0), shapes=(), hand=(0.0, 0.0), step=1.0)


class Artist:
    """Draws pictures of one size after another; `layout` is that of the newest one."""

    def __init__(self) -> None:
        self.layout = Layout.of((1280, 720))
        self._brush: Brush | None = None
        self._dark: tuple[object, pygame.Surface] | None = None

    def draw(self, on: pygame.Surface, state: CockpitState, show_help: bool = False) -> None:
        """Draw the whole picture; the surface may have any size from about 800 x 450 up."""
        self.layout = Layout.of(on.get_size(), state.scene.size)
        brush = self._brush_for(self.layout.scale)
        if state.end is not None:
            pages.summary(on, brush, self.layout, state)
            return
        scene_view.draw(on, brush, self.layout, state)
        self._draw_dark(on, brush, state, show_help)

    def notice(self, on: pygame.Surface, title: str, sentence: str, over_picture: bool) -> None:
        """A message in the middle: over the light half of the last picture, or alone on an empty window."""
        if not over_picture:
            self.layout = Layout.of(on.get_size())
            on.fill(palette.PANEL)
        area = self.layout.left if over_picture else on.get_rect()
        pages.notice(on, self._brush_for(self.layout.scale), area, title, sentence)

    def _brush_for(self, scale: float) -> Brush:
        if self._brush is None or self._brush.scale != scale:
            self._brush = Brush(scale)
            self._dark = None
        return self._brush

    def _draw_dark(self, on: pygame.Surface, brush: Brush, state: CockpitState, show_help: bool) -> None:
        """The dark half, drawn anew only when something in it changed: most of a picture's cost is here."""
        idle = replace(
            state, robot_chunk=None, human_chunk=None, scene=_EMPTY, step=0, step_in_chunk=0, time_s=0.0, message=""
        )
        key = (on.get_size(), show_help, None if show_help else idle)
        if self._dark is None or self._dark[0] != key:
            if show_help:
                pages.help_page(on, brush, self.layout)
            else:
                panels.draw(on, brush, self.layout, state)
            self._dark = (key, on.subsurface(self.layout.panel).copy())
        else:
            on.blit(self._dark[1], self.layout.panel)
