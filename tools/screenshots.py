"""Takes the pictures in docs/ from real runs.

    python -m tools.screenshots [--only NAME ...]

Each run starts `hitl-clic` in a virtual display, and key events lead from page to page. The pictures are what the
display shows: F12 would hold up the window, so that the keyboard would count as lost. The runs stand in
`tools.screenshot_runs`. Every step waits for what must come, never for a fixed time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageGrab

from hitl_clic.session.reader import Session
from tools.picture_text import shows
from tools.screenshot_runs import OUT, ROOT, RUNS, Condition, Page, Progress, Run
from tools.virtual_display import MISSING, virtual_display, xdotool

FOLDER = ROOT / "docs"
TIMEOUT_S = 300.0
"""Longest wait for one step."""
LARGEST = 250_000
"""Largest size of a picture's file, bytes."""
_POLL_S = 0.2


def take(run: Run, names: Sequence[str], folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Run the program once and write the pictures of the named pages into a folder.

    Args:
        say: gets a line for each step that is waited for.

    Raises:
        RuntimeError: a step did not come, or the program ended early; one sentence names picture, step and output.
    """
    last = max(index for index, page in enumerate(run.pages) if page.name in names)
    with TemporaryDirectory(prefix="screenshots-") as place, virtual_display() as display:
        program = _Program(run, Path(place), display, say)
        page = run.pages[0]
        try:
            program.open(page.name)
            for page in run.pages[: last + 1]:
                picture = program.page(page)
                if page.name in names:
                    _shrink(picture, folder / f"{page.name}.png")
            program.leave()
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"no picture {page.name}: {error}; the program's output: {program.output()}") from error
        finally:
            program.end()


class _Program:
    """The program of one run, in a display of its own."""

    def __init__(self, run: Run, place: Path, display: str, say: Callable[[str], None]) -> None:
        """Start it without stored state, in a working folder of its own."""
        self._place, self._out, self._display, self._say = place, place / OUT, display, say
        self._ready, self._window = run.ready, ""
        self._pressed_at = -1
        """Newest tick of the session at the last press."""
        environment = {**os.environ, "DISPLAY": display, "XDG_STATE_HOME": str(place / "state")}
        environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
        environment.pop("SDL_VIDEODRIVER", None)
        command = [sys.executable, "-m", "hitl_clic", *run.command]
        with (place / "output").open("w") as output:
            self._process = subprocess.Popen(
                command, cwd=place, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )

    def open(self, name: str) -> None:
        """Wait until the window takes keys. `name`: of the picture that is waited for."""
        self._wait(name, "the window has the keyboard", self._has_keyboard)
        what = f"the window shows {self._ready.text!r}"  # a key before that would be lost
        self._wait(name, what, lambda: shows(self._picture(), self._ready))

    def page(self, page: Page) -> Image.Image:
        """Go to a page; its picture."""
        for press in page.keys:
            self._pressed_at = self._progress().tick
            xdotool(self._display, press.how, *press.keys.split())
            if press.then is not None:
                self._reach(page.name, press.then)
        if page.when is not None:
            self._reach(page.name, page.when)
        if page.file:
            with Image.open(self._out / page.file) as image:
                return image.convert("RGB")
        found: list[Image.Image] = []

        def is_there() -> bool:
            found[:] = [self._picture()]
            return all(shows(found[0], text) for text in page.texts)

        words = " and ".join(repr(text.text) for text in page.texts)
        self._wait(page.name, f"the window shows {words}", is_there)
        return found[0]

    def leave(self) -> None:
        """End the session and close its last page."""
        deadline = time.monotonic() + 60.0
        while self._process.poll() is None and time.monotonic() < deadline:
            xdotool(self._display, "key", "F10")
            time.sleep(1.0)

    def output(self) -> str:
        """The end of what the program wrote."""
        return (self._place / "output").read_text(errors="replace")[-2000:].strip()

    def end(self) -> None:
        """End the program, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _has_keyboard(self) -> bool:
        windows = xdotool(self._display, "search", "--onlyvisible", "--class", "hitl-clic").split()
        if not windows:
            return False
        self._window = windows[0]
        xdotool(self._display, "windowfocus", self._window)
        return xdotool(self._display, "getwindowfocus").strip() == self._window

    def _picture(self) -> Image.Image:
        """The window as the display shows it now."""
        answer = xdotool(self._display, "getwindowgeometry", "--shell", self._window)
        place = dict(line.split("=") for line in answer.split())
        x, y, width, height = (int(place[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return ImageGrab.grab((x, y, x + width, y + height), xdisplay=self._display).convert("RGB")

    def _progress(self) -> Progress:
        try:
            session = Session.open(self._out)
            ticks, events = session.ticks, session.events
        except ValueError:  # nothing recorded yet
            return Progress(self._out, self._pressed_at)
        tick, state = (ticks[-1].tick, ticks[-1].state) if ticks else (-1, None)
        return Progress(self._out, self._pressed_at, tick, state, tuple(event.name for event in events))

    def _reach(self, name: str, condition: Condition) -> None:
        self._wait(name, condition.what, lambda: condition.holds(self._progress()))

    def _wait(self, name: str, what: str, holds: Callable[[], bool]) -> None:
        """Wait until `holds`. The pauses grow with the time that it takes: the program needs the processor, too."""
        self._say(f"{name}: waits until {what}")
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            before = time.monotonic()
            if holds():
                return
            if self._process.poll() is not None:
                raise RuntimeError(f"it ended with status {self._process.returncode} before {what}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"it did not come within {TIMEOUT_S:.0f} s that {what}")
            time.sleep(max(_POLL_S, 2.0 * (time.monotonic() - before)))


def _shrink(picture: Image.Image, to: Path) -> None:
    """Write a picture with the most bits a colour channel that `LARGEST` allows. A palette would lose small dots."""
    for bits in (8, 6, 5, 4):
        most = 2**bits - 1
        picture.point([round(round(level * most / 255) * 255 / most) for level in range(256)] * 3).save(
            to, optimize=True
        )
        if to.stat().st_size <= LARGEST:
            return


def main() -> None:
    """Take all pictures, or only the named ones."""
    names = [page.name for run in RUNS for page in run.pages]
    parser = argparse.ArgumentParser(description="Pictures of every page, from real runs.")
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="NAME", help=", ".join(names))
    chosen = parser.parse_args().only
    if MISSING:
        sys.exit(MISSING)
    problems: list[str] = []
    for run in RUNS:
        if wanted := [page.name for page in run.pages if page.name in chosen]:
            try:
                take(run, wanted, FOLDER, lambda line: print(line, file=sys.stderr, flush=True))
            except RuntimeError as problem:
                problems.append(str(problem))
                print(problem, file=sys.stderr, flush=True)
            else:
                print(*(f"docs/{name}.png" for name in wanted), sep="\n", flush=True)
    if problems:
        sys.exit(f"{len(problems)} of the runs did not give all their pictures")


if __name__ == "__main__":
    main()
