"""The script that takes the documentation's pictures: its table is valid, and it takes a picture."""

from __future__ import annotations

from pathlib import Path

import pygame
import pytest
from PIL import Image

from hitl_clic.cli import parse as cli
from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.theme import Brush
from tools import screenshots
from tools.picture_text import Text, shows
from tools.screenshot_runs import RUNS, Page, Run
from tools.screenshots import FOLDER, LARGEST, take
from tools.virtual_display import MISSING

PAGES = [page for run in RUNS for page in run.pages]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.pages[0].name)
def test_every_run_is_a_valid_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli.parse(run.command)


def test_every_page_has_a_name_and_a_small_picture() -> None:
    names = [page.name for page in PAGES]
    assert len(set(names)) == len(names)
    for name in names:
        assert 0 < (FOLDER / f"{name}.png").stat().st_size <= LARGEST, name


def test_a_text_is_found_in_a_picture_on_any_ground_and_no_other() -> None:
    surface = pygame.Surface((640, 360), 0, 32)
    surface.fill(palette.PANEL)
    brush = Brush(1.0, surface)
    brush.text("PAUSED", (301, 222), "big", palette.BADGE_INK, True)
    brush.text("No answer", (13, 7), "small", palette.HUMAN)
    picture = Image.frombytes("RGB", surface.get_size(), pygame.image.tobytes(surface, "RGB"))
    assert shows(picture, Text("PAUSED", "big"))
    assert shows(picture, Text("No answer", "small", bold=False))
    for other in (Text("STOPPED", "big"), Text("PAUSED", "body"), Text("PAUSED", "big", bold=False), Text("KEYS")):
        assert not shows(picture, other), other


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_picture_that_does_not_come_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "TIMEOUT_S", 20.0)
    run = Run(("devices", "--test", "keyboard"), (Page("missing", "", texts=(Text("NOT THERE"),)),), Text("DEVICE"))
    said: list[str] = []
    with pytest.raises(RuntimeError, match=r"no picture missing: .* within 20 s that the window shows 'NOT THERE'"):
        take(run, ["missing"], tmp_path, said.append)
    assert said[-1] == "missing: waits until the window shows 'NOT THERE'"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_page_is_taken(tmp_path: Path) -> None:
    (run,) = (run for run in RUNS if run.command[0] == "devices")
    (page,) = run.pages
    take(run, [page.name], tmp_path)
    with Image.open(tmp_path / f"{page.name}.png") as picture:
        assert picture.size == (1280, 720)
        colors = picture.getcolors(100_000)
    assert colors is not None
    assert (255, 159, 67) in {color for _, color in colors}, "the human's colour is missing"


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_program_that_ends_early_is_reported_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no_such_device.*(?s:.*)is not allowed"):
        take(Run(("devices", "--test", "no_such_device"), (Page("none", ""),), Text("DEVICE")), ["none"], tmp_path)
