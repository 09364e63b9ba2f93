"""The cockpit without a window: texts, keys, drawing, dashboard and report."""

from __future__ import annotations

import io
import math
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pygame
import pytest
from cockpit_states import HISTORY, SIZES, STATE, sent, states
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from hitl_clic.cockpit.dashboard import Dashboard, render
from hitl_clic.cockpit.drawing import key_page, palette, welcome
from hitl_clic.cockpit.drawing.draw import Page, WindowPainter
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.report import rolling_mean, write_curves
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import (
    CockpitState,
    EpisodeMark,
    SessionEnd,
)
from hitl_clic.cockpit.window import keymap
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.runner.device_registry import key_map
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.scene3d import Pose
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


def test_status_texts() -> None:
    assert status_text.learnt(replace(STATE, corrections=())) == ("No corrections yet", True)
    assert status_text.learnt(STATE) == ("1 of your last 2 corrections learnt", False)
    assert status_text.learnt(replace(STATE, corrections=("learnt",) * 9)) == (
        "Your last 5 corrections are learnt",
        True,
    )
    followed = replace(STATE, corrections=("followed", "discarded", "unfollowed", "followed"))
    assert status_text.learnt(followed) == ("It follows 2 of your last 3 corrections", False)
    assert status_text.learnt(replace(STATE, corrections=("followed",))) == (
        "It follows your last correction",
        True,
    )
    assert (
        status_text.learnt(replace(STATE, corrections=("unfollowed",)))[0] == "It does not follow your last correction"
    )
    half_judged = replace(STATE, corrections=("followed", "learnt"))
    assert status_text.learnt(half_judged) == ("It follows 1 of your last 2 corrections", False)
    one_queued = replace(STATE, corrections=("unfollowed", "unfollowed", "queued"))
    assert status_text.learnt(one_queued) == ("It follows 0 of your last 3 corrections", False)
    assert status_text.learner(replace(STATE, link="lost")).level == "attention"
    assert status_text.device(replace(STATE, device_connected=False)).level == "attention"
    assert status_text.device(replace(STATE, device_age_s=3.0)).level == "attention"
    assert status_text.loop(replace(STATE, lateness_p99_ms=9.0)).level == "attention"
    assert status_text.loop(replace(STATE, target_hz=20.0)).word == "slow"
    assert {line(STATE).level for line in (status_text.loop, status_text.device, status_text.learner)} == {"ok"}
    assert status_text.beside_badge(replace(STATE, gate="stopped", hint="hold Space")) == "press C to clear stop"
    assert status_text.beside_badge(replace(STATE, hint="hold Space")) == "relative · hold Space"
    assert "approved" in status_text.beside_badge(
        replace(STATE, gate="correcting", approving=True, hint="release Space")
    )
    assert "release" in status_text.beside_badge(replace(STATE, gate="correcting", hint="release Space"))
    assert ("Z", "discard") in status_text.key_rows(STATE)[1]
    assert ("Z", "discard") not in status_text.key_rows(replace(STATE, practice="Success in 1 of 1"))[1], (
        "nothing is learnt there"
    )
    held = replace(STATE, correction_axes="height", device_keys=(("Space", "Drive"),), hint="hold Space")
    assert status_text.beside_badge(held) == "only height · relative · hold Space"
    assert status_text.correction_settings(held) == (
        ("toggle_correction_mode", "relative"),
        ("next_correction_axes", "only height"),
    )
    in_space = replace(
        held, correction_axes="everything", command_frame="gripper", scene=replace(STATE.scene, pose=Pose(b"", ()))
    )
    assert status_text.correction_settings(in_space)[1:] == (
        ("next_command_frame", "gripper frame"),
        ("next_correction_axes", "all axes"),
    )
    assert status_text.correction_settings(STATE) == (("toggle_correction_mode", "relative"),), (
        "a script chooses its own axes and frame"
    )


def marks(*episodes: tuple[float, bool]) -> tuple[EpisodeMark, ...]:
    return tuple(EpisodeMark(number, success, driven) for number, (driven, success) in enumerate(episodes))


def test_recent_episodes_are_compared_with_earlier_ones() -> None:
    (driven, before), (reached, earlier) = status_text.recent_episodes(
        marks(*[(0.9, True)] * 2, *[(0.6, False)] * 5, *[(0.1, True)] * 5)
    )
    assert (driven, before) == ("You drove 10% of the last 5 episodes", "60% before")
    assert (reached, earlier) == ("5 of them succeeded", "0 before")
    (driven, before), (reached, earlier) = status_text.recent_episodes(
        marks((0.5, False), (0.4, True), (0.2, False), (0.0, True))
    )
    assert (driven, before, reached, earlier) == (
        "You drove 10% of the last 2 episodes",
        "45% before",
        "1 of them succeeded",
        "1 before",
    )
    assert status_text.recent_episodes(marks((0.3, False))) == (
        ("You drove 30% of the last episode", ""),
        ("It failed", ""),
    )
    assert status_text.recent_episodes(marks((0.3, False), (0.2, True))) == (
        ("You drove 20% of the last episode", "30% before"),
        ("It succeeded", "failure before"),
    )
    ended = marks(*[(0.0, True)] * 2, *[(0.0, False)] * 4, (0.0, True))
    assert status_text.success_rates(ended) == pytest.approx([1, 1, 2 / 3, 1 / 2, 2 / 5, 1 / 5, 1 / 5])


@pytest.mark.parametrize("size", [(800, 450), (1280, 720)])
def test_the_trend_is_drawn_in_both_colours_except_in_practice(size: tuple[int, int]) -> None:
    def colours(state: CockpitState) -> set[tuple[int, ...]]:
        painter, surface = WindowPainter(), pygame.Surface(size, 0, 32)
        painter.draw(surface, state)
        card = painter.layout.curve
        plot = pygame.Rect(card.x, card.centery, card.width, card.height // 3)  # above it are words, below endings
        return {
            tuple(surface.get_at((x, y)))[:3] for x in range(plot.x, plot.right) for y in range(plot.y, plot.bottom)
        }

    half = replace(STATE, history=marks(*[(0.3, False), (0.3, True)] * 8))
    assert {palette.HUMAN, palette.GOOD} <= colours(half)
    assert palette.GOOD not in colours(replace(half, practice="Success in 8 of 16"))


@pytest.mark.parametrize("size", SIZES)
def test_the_badge_has_the_drivers_colour(size: tuple[int, int]) -> None:
    painter = WindowPainter()
    surface = pygame.Surface(size, 0, 32)
    seen = set()
    for gate, color in palette.BADGE.items():
        painter.draw(surface, replace(STATE, gate=gate))
        scale = painter.layout.scale
        assert surface.get_at((round(40 * scale), round(26 * scale)))[:3] == color
        seen.add(pygame.image.tobytes(surface, "RGB"))
    assert len(seen) == len(palette.BADGE)


def test_each_change_of_the_state_changes_the_picture() -> None:
    """The cached dark half must be redrawn when its content changes."""
    painter = WindowPainter()
    surface = pygame.Surface((1280, 720), 0, 32)

    def shown(state: CockpitState, show_help: bool = False) -> bytes:
        painter.draw(surface, state, "help" if show_help else "session")
        return pygame.image.tobytes(surface, "RGB")

    first = shown(STATE)
    for changed in (
        replace(STATE, corrections=("learnt",) * 3),
        replace(STATE, correction_mode="absolute"),
        replace(STATE, correction_axes="height"),
        replace(STATE, history=HISTORY[:-1]),
        replace(STATE, link="lost"),
        replace(STATE, device_connected=False),
        replace(STATE, device_note="turning · arm 2 of 2"),
        replace(STATE, loop_hz=5.0),
        replace(STATE, weight_version=3),
        replace(STATE, robot_chunk=((0.0, 1.0),) * 8),
        replace(STATE, step_in_chunk=3),
        replace(STATE, human_chunk=((0.5, 0.5),)),
        replace(STATE, message="Policy took over"),
        replace(STATE, end=SessionEnd(5.0, 3, "runs/x")),
    ):
        assert shown(changed) != first
        assert shown(STATE) == first
    assert shown(STATE, True) != first


@settings(max_examples=20, deadline=None)
@given(states, st.sampled_from([(800, 450), *SIZES]), st.booleans())
def test_any_valid_state_can_be_drawn(state: CockpitState, size: tuple[int, int], show_help: bool) -> None:
    surface = pygame.Surface(size, 0, 32)
    WindowPainter().draw(surface, sent(state), "help" if show_help else "session")


@pytest.mark.parametrize("text", ["\u00ad", "\u200b", "\u2060\ufeff", "\0", "\u00ad \u00ad", "\u0301"])
def test_a_text_without_width_can_be_drawn(text: str) -> None:
    """A message of one soft hyphen, for example: the font refuses to draw a text that takes no room."""
    surface = pygame.Surface((800, 450), 0, 32)
    for state in (
        replace(STATE, message=text),
        replace(STATE, task=text, device=text, device_note=text),
        replace(STATE, end=SessionEnd(5.0, 3, text)),
    ):
        for page in ("session", "help"):
            WindowPainter().draw(surface, sent(state), page)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(800, 450), (1000, 900), *SIZES])
def test_cards_do_not_overlap(size: tuple[int, int]) -> None:
    layout = Layout.of(size, (512.0, 512.0))
    cards = [layout.learning, layout.curve, layout.machine, layout.keys]
    for index, one in enumerate(cards):
        assert layout.panel.contains(one)
        assert one.collidelist(cards[index + 1 :]) == -1
    assert layout.left.contains(layout.board)
    assert layout.to_scene(layout.board.topleft) == (0.0, 0.0)
    assert layout.to_scene(layout.board.bottomright) == (1.0, 1.0)


@pytest.mark.realtime
def test_drawing_time_of_a_picture() -> None:
    """The budget is 10 ms. The test allows 30 ms for a loaded machine."""
    painter = WindowPainter()
    surface = pygame.Surface((1280, 720), 0, 32)
    painter.draw(surface, STATE)
    best = math.inf
    for index in range(10):
        start = time.perf_counter()
        painter.draw(surface, replace(STATE, device_age_s=index * 1e-3, human_chunk=((0.1 * index, 0.5),) * 8))
        best = min(best, time.perf_counter() - start)
    assert best < 0.030


def test_picture_is_written_without_a_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    file = tmp_path / "new" / "cockpit.png"
    write_picture(STATE, file, (960, 540))
    assert pygame.image.load(file).get_size() == (960, 540)
    assert not pygame.display.get_init()
    with pytest.raises(ValueError, match=r"\.png"):
        write_picture(STATE, tmp_path / "cockpit.bmp")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_picture(STATE, tmp_path / "folder.png")


def test_dashboard_prints_each_episode_once_without_a_terminal() -> None:
    out = io.StringIO()
    asked = threading.Event()
    now = [replace(STATE, history=HISTORY[:2])]

    def provide() -> CockpitState:
        asked.set()
        return now[0]

    with Dashboard(provide, Console(file=out, width=100)) as dashboard:
        assert not dashboard.draws
        assert asked.wait(5.0)
        now[0] = replace(STATE, history=HISTORY[1:4])
    lines = out.getvalue().splitlines()
    assert lines[0] == "episode 1: failure · corrected in 60% of 100 steps"
    assert [re.match(r"episode (\d+)", line)[1] for line in lines] == ["1", "2", "3", "4"]  # type: ignore[index]


def test_dashboard_shows_the_windows_texts() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(render(replace(STATE, gate="stopped", message="Emergency stop")))
    text = out.getvalue()
    for timed in ("STOPPED", "1 of your last 2 corrections learnt", "Keyboard", "Emergency stop", "coverage"):
        assert (timed in text) == (timed != "coverage")


def test_curves_are_written_for_few_or_no_episodes(tmp_path: Path) -> None:
    records = [EpisodeRecord(i, i, i % 2 == 0, 50 + i, 0.5, math.nan if i == 1 else 0.3, 0, i) for i in range(12)]
    sizes = []
    for number, episodes in enumerate((records, records[1:2], [])):
        file = tmp_path / f"curves{number}.png"
        write_curves(episodes, file, "Push-T")
        sizes.append(file.stat().st_size)
        assert pygame.image.load(file).get_size() == (1200, 792)
    assert sizes[0] > sizes[1] > sizes[2]
    assert rolling_mean([math.nan, 1.0, math.nan, 3.0], 2).tolist()[1:] == [1.0, 1.0, 3.0]


def test_the_welcome_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not welcome.welcomed()
    welcome.remember()
    welcome.remember()
    assert welcome.welcomed()


@pytest.mark.parametrize("size", SIZES)
def test_the_welcome_the_energy_and_the_details_take_the_dark_half_only(size: tuple[int, int]) -> None:
    painter, surface = WindowPainter(), pygame.Surface(size, 0, 32)
    seen = {}
    for page in get_args(Page):
        painter.draw(surface, STATE, page)
        light = pygame.image.tobytes(surface.subsurface(painter.layout.left), "RGB")
        seen[page] = (light, pygame.image.tobytes(surface.subsurface(painter.layout.panel), "RGB"))
    assert len({light for light, _ in seen.values()}) == 1
    assert len({dark for _, dark in seen.values()}) == 5


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


@pytest.mark.parametrize("size", [(800, 450), *SIZES])
def test_a_long_name_of_a_device_leaves_room_for_its_state(size: tuple[int, int]) -> None:
    names = "spacemouse:/dev/hidraw3+spacemouse:/dev/hidraw5"
    word = status_text.device(replace(STATE, device=names, device_connected=False)).word
    assert word.endswith(" lost")
    layout = Layout.of(size)
    brush = Brush(layout.scale, pygame.Surface(size, 0, 32))
    assert brush.width(word, "body") <= layout.machine.width - brush.px(90 + 2 * 16)


def test_figures_without_room_are_left_out_whole() -> None:
    brush = Brush(1.0, pygame.Surface((9, 9)))
    text = "10.0 Hz · p99 0.0, max 0.0 ms · 0 overruns"
    assert brush.whole_parts(text, "small", 1e4) == text
    assert brush.whole_parts(text, "small", brush.width(text, "small") - 1) == "10.0 Hz · p99 0.0, max 0.0 ms"
    assert brush.whole_parts(text, "small", 1.0) == ""
