"""Draws a `CockpitState` onto a pygame surface.

Pure drawing: no display, no clock, no sockets. Used in the window process and by `picture`. A painter belongs to one
thread.
"""

from __future__ import annotations

from typing import Literal

import pygame

from hitl_clic.cockpit.drawing import pages, palette, panels, scene_view
from hitl_clic.cockpit.drawing.bench_page import BenchPage
from hitl_clic.cockpit.drawing.camera_view import CameraView, proportions_of
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.scene3d import Scene3D

Page = Literal["session", "energy", "details", "help", "welcome"]
"""What the dark half shows."""


class WindowPainter:
    """Draws pictures, and caches what did not change since the last one. `layout`: that of the newest picture."""

    def __init__(self, scene3d: Scene3D | None = None) -> None:
        self._cameras = None if scene3d is None else CameraView(scene3d.floor)
        self._bench = BenchPage()
        self.layout = Layout.of((1280, 720))
        self._brush: Brush | None = None
        self._background: tuple[object, pygame.Surface] | None = None
        self._dark: pygame.Surface | None = None
        self._dark_key: object = None
        self._shown: dict[int, object] = {}

    def draw(
        self,
        on: pygame.Surface,
        state: CockpitState,
        show_help: bool = False,
        rendering: Rendering | None = None,
        note: str = "",
        show_energy: bool = False,
        show_welcome: bool = False,
        show_details: bool = False,
    ) -> None:
        """Draw the whole window. The surface should have at least 800 x 450 pixels.

        Args:
            rendering: camera images of the scene; None draws it flat. note: a sentence on the board.
            show_help, show_welcome: these pages in the dark half. show_energy, show_details: the energy, or the
                time by part of the tick, in place of the curve.
        """
        cameras = None if self._cameras is None or rendering is None else (self._cameras, rendering)
        self.layout = Layout.of(on.get_size(), state.scene.size if cameras is None else proportions_of(cameras[1]))
        brush = self._brush_for(self.layout.scale)
        if state.bench is not None:
            self._bench.draw(on, brush, state.bench)
            return
        if state.end is not None:
            pages.summary(on, brush, self.layout, state)
            return
        scene_view.draw(on, brush, self.layout, state, self._background_for(brush, state), cameras, note)
        wanted: dict[Page, bool] = {
            "help": show_help,
            "welcome": show_welcome,
            "details": show_details,
            "energy": show_energy,
        }
        page: Page = next((page for page, shown in wanted.items() if shown), "session")
        self._draw_dark(on, brush, state, page)

    def notice(self, on: pygame.Surface, title: str, sentence: str, over_picture: bool) -> None:
        """Draw a message: over the light half of the last picture, or on an empty window."""
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

    def _background_for(self, brush: Brush, state: CockpitState) -> pygame.Surface:
        key = (self.layout.left.size, tuple(self.layout.board), state.gate)
        if self._background is None or self._background[0] != key:
            self._background = (key, scene_view.background(brush, self.layout, state.gate))
        return self._background[1]

    def _draw_dark(self, on: pygame.Surface, brush: Brush, state: CockpitState, page: Page) -> None:
        """Draw the dark half. A part is painted again only when it changed, because this takes most of the time."""
        panel = self.layout.panel
        if page == "help":
            keys = state.device_keys, state.keymap.rows()
            parts = [panels.Part(panel, keys, lambda surface: pages.help_page(surface, brush, self.layout, *keys))]
        elif page == "welcome":
            how = state.hint, state.device_keys, state.keymap
            parts = [panels.Part(panel, how, lambda surface: pages.welcome(surface, brush, self.layout, *how))]
        else:
            middle: panels.Middle = page if page in ("energy", "details") else "curve"
            parts = panels.parts(brush, self.layout, state, middle)
        key = (on.get_size(), page)
        if self._dark is None or self._dark_key != key:
            self._dark, self._dark_key, self._shown = pygame.Surface(on.get_size(), 0, 32), key, {}
            self._dark.fill(palette.PANEL)
        for number, part in enumerate(parts):
            if number not in self._shown or self._shown[number] != part.content:
                self._dark.fill(palette.PANEL, part.rect)
                part.paint(self._dark)
                self._shown[number] = part.content
        on.blit(self._dark, panel, panel)
