"""The window's keys: their table, changes to it, and the page that shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pygame
import pytest
from cockpit_states import SIZES, STATE, sent

from hitl_clic.cockpit.drawing import key_page
from hitl_clic.cockpit.drawing.draw import WindowPainter
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.window import keymap
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.runner.device_registry import key_map
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.schema import SchemaError


def test_every_key_and_every_action_appears_once() -> None:
    assert keymap.Keymap().keys == keymap.KEYS
    names = [key.name for key in keymap.KEYS]
    actions = [key.action for key in keymap.KEYS]
    assert len(set(names)) == len(names)
    assert sorted(actions) == sorted([*get_args(keymap.WindowCommand), *get_args(keymap.LocalAction)])
    assert not {"w", "a", "s", "d", "up", "down", "left", "right", "space"} & set(names)
    assert all(keymap.is_key(name) for name in names)
    assert [label for label, _ in keymap.Keymap().rows()] == [key.label for key in keymap.KEYS]


def test_changed_keys_work_and_are_printed_and_drawn() -> None:
    bindings = (("discard", "backspace"), ("failure", "page down"), ("clear_stop", "k"))
    table = keymap.Keymap(bindings)
    found = {name: key.action for name in ("backspace", "page down", "p") if (key := table.find(name)) is not None}
    assert found == {"backspace": "discard", "page down": "failure", "p": "pause"}
    assert table.find("z") is None
    assert ("Page Down", "End the episode: failure") in table.rows()
    state = replace(STATE, window_keys=bindings)
    assert sent(state) == state
    assert status_text.beside_badge(replace(state, gate="stopped")) == "press K to clear stop"
    pictures = []
    for shown, show_help in ((STATE, False), (state, False), (STATE, True), (state, True)):
        surface = pygame.Surface((1280, 720), 0, 32)
        WindowPainter().draw(surface, shown, "help" if show_help else "session")
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert len(set(pictures)) == 4


@pytest.mark.parametrize(
    ("bindings", "named"),
    [
        ({"paus": "b"}, "no window action 'paus'; did you mean 'pause'"),
        ({"pause": "escap"}, "pause: there is no key 'escap'; did you mean 'escape'"),
        ({"pause": ""}, "no key ''"),
        ({"pause": "v"}, "key 'v' is bound twice, to pause and to view"),
        ({"pause": "b", "view": "b"}, "key 'b' is bound twice"),
    ],
)
def test_wrong_keys_are_refused_everywhere(bindings: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        keymap.Keymap(bindings)
    with pytest.raises(ValueError, match=named):
        WindowSettings(keys=bindings)
    with pytest.raises(SchemaError, match=named):
        sent(replace(STATE, window_keys=tuple(bindings.items())))


DEVICES = (
    ("keyboard", "push_t"),
    ("gamepad", "pick_can"),
    ("gamepad+keyboard", "two_arm_lift"),
    ("spacemouse:left+spacemouse:right", "two_arm_lift"),
)


@pytest.mark.parametrize(("device", "task"), DEVICES)
@pytest.mark.parametrize("size", [(800, 450), *SIZES])
def test_the_key_map_shows_every_row_in_full(
    size: tuple[int, int], device: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortened, lowest = [], []
    fitted, rows_drawn = Brush.fitted, Brush.rows

    def fits(brush: Brush, text: str, *rest: Any) -> str:
        shown = fitted(brush, text, *rest)
        shortened.extend([] if shown == text else [text])
        return shown

    def drawn(brush: Brush, *about: Any, **more: Any) -> float:
        lowest.append(below := rows_drawn(brush, *about, **more))
        return below

    monkeypatch.setattr(Brush, "rows", drawn)
    surface, layout = pygame.Surface(size, 0, 32), Layout.of(size)
    brush = Brush(layout.scale, surface)
    axes = make_task(task).action_frame.axes
    device_rows = key_map(SessionSettings(task=task, device=device), axes)
    dark = layout.learning.union(layout.keys)
    scene = key_page.scene_rect(brush, layout)
    shown = key_page.columns(brush, scene, dark, device_rows, keymap.Keymap().rows())
    assert [row for group in (*shown.scene, *shown.dark) for row in group] == [*device_rows, *keymap.Keymap().rows()]
    monkeypatch.setattr(Brush, "fitted", fits)
    for rect, groups in zip((scene, dark), shown, strict=True):
        key_page.draw(brush, rect, groups)
    assert not shortened
    assert max(lowest) <= layout.keys.bottom
