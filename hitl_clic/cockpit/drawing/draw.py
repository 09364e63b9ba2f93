"""Draws a `CockpitState` onto a pygame surface.

Pure drawing: no display, no clock, no sockets. Used in the window process and by `picture`. A painter belongs to one
thread.
"""

from __future__ import annotations

from typing import Literal

import pygame

from hitl_clic.cockpit.drawing import bench_page, key_page, pages, palette, panels, scene_view
from hitl_clic.cockpit.drawing.camera_view import CameraView, layout_for
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.scene3d import Scene3D

Page = Literal["help", "welcome", "details", "energy", "session"]
"""What the dark half shows."""


class WindowPainter:
    """Draws pictures, and caches what did not change since the last one. `layout`: that of the newest picture."""

    def __init__(self, scene3d: Scene3D | None = None) -> None:
        self._cameras = None if scene3d is None else CameraView(scene3d.floor)
        self.layout = Layout.of((1280, 720))
        self._brush: Brush | None = None
        self._background: tuple[object, pygame.Surface] | None = None
        self._dark: tuple[object, Brush] | None = None
        self._shown: dict[int, object] = {}

    def draw(
        self,
        on: pygame.Surface,
        state: CockpitState,
        page: Page = "session",
        rendering: Rendering | None = None,
        note: str = "",
        pictures: str = "",
    ) -> None:
        """Draw the whole window. The surface should have at least 800 x 450 pixels.

        `rendering`: camera images of the scene; None draws it flat. `note`: a sentence on the board.
        `pictures`: their rate and size, for the details.
        """
        cameras = None if self._cameras is None or rendering is None else (self._cameras, rendering)
        size = on.get_size()
        self.layout = Layout.of(size, state.scene.size) if cameras is None else layout_for(size, len(cameras[1].images))
        brush = self._brush_for(on)
        if state.bench is not None:
            bench_page.draw(brush, state.bench)
        elif state.end is not None:
            pages.summary(brush, state, state.end)
        else:
            scene_view.draw(brush, self.layout, state, self._background_for(brush, state), cameras, note)
            self._draw_dark(brush, state, page, pictures)

    def notice(self, on: pygame.Surface, title: str, sentence: str, over_picture: bool) -> None:
        """Draw a message: over the light half of the last picture, or on an empty window."""
        if not over_picture:
            self.layout = Layout.of(on.get_size())
            on.fill(palette.PANEL)
        pages.notice(self._brush_for(on), self.layout.left if over_picture else on.get_rect(), title, sentence)

    def _brush_for(self, on: pygame.Surface) -> Brush:
        if self._brush is None or self._brush.scale != self.layout.scale:
            self._brush, self._dark = Brush(self.layout.scale, on), None
        return self._brush.onto(on)

    def _background_for(self, brush: Brush, state: CockpitState) -> pygame.Surface:
        key = (self.layout.left.size, tuple(self.layout.board), state.gate)
        if self._background is None or self._background[0] != key:
            self._background = (key, scene_view.background(brush, self.layout, state.gate))
        return self._background[1]

    def _draw_dark(self, brush: Brush, state: CockpitState, page: Page, pictures: str) -> None:
        """Draw the dark half. A part is painted again only when it changed, because this takes most of the time."""
        key = (brush.on.get_size(), page)
        if self._dark is None or self._dark[0] != key:
            self._dark, self._shown = (key, brush.onto(pygame.Surface(brush.on.get_size(), 0, 32))), {}
            self._dark[1].on.fill(palette.PANEL)
        dark = self._dark[1]
        for number, part in enumerate(self._parts(brush, state, page, pictures)):
            if number not in self._shown or self._shown[number] != part.content:
                dark.on.fill(palette.PANEL, part.rect)
                part.paint(dark, part.rect)
                self._shown[number] = part.content
        brush.on.blit(dark.on, self.layout.panel, self.layout.panel)

    def _parts(self, brush: Brush, state: CockpitState, page: Page, pictures: str) -> list[panels.Part]:
        card = self.layout.learning.union(self.layout.keys)
        if page == "help":
            scene = key_page.scene_rect(brush, self.layout)
            keys = key_page.columns(brush, scene, card, state.device_keys, state.keymap.rows())
            if keys.scene:
                key_page.draw(brush, scene, keys.scene)
            return [panels.Part(card, keys.dark, lambda brush, rect: key_page.draw(brush, rect, keys.dark))]
        if page == "welcome":
            how = state.hint, state.device_keys, state.keymap
            return [panels.Part(card, how, lambda brush, rect: pages.welcome(brush, rect, *how))]
        return panels.parts(self.layout, state, page, pictures)
