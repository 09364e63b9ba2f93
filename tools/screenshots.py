"""Takes the pictures in docs/ from real runs.

    python -m tools.screenshots [--only NAME ...]

Each run starts `hitl-clic` in a virtual display. Key events lead from page to page, and F12 takes the pictures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image

from hitl_clic.session.reader import Session
from hitl_clic.types.records import GateState
from tools.virtual_display import MISSING, virtual_display, xdotool

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs"
OUT = "session"
"""Name of the session's folder in a run's working folder."""
TIMEOUT_S = 600.0
"""Longest wait for a page."""
LARGEST = 250_000
"""Largest size of a picture's file, bytes."""

When = Callable[[Path], bool]
"""Condition on the session's folder for taking a picture."""


def at_once(out: Path) -> bool:
    """Always true."""
    del out
    return True


def ticked(number: int, state: GateState | None = None) -> When:
    """True from this tick on, if the gate is in `state` (None: any state)."""

    def is_time(out: Path) -> bool:
        try:
            last = Session.open(out).ticks[-1]
        except (ValueError, IndexError):
            return False
        return last.tick >= number and state in (None, last.state)

    return is_time


def happened(event: str) -> When:
    """True after this event was recorded."""

    def is_time(out: Path) -> bool:
        try:
            return any(one.name == event for one in Session.open(out).events)
        except ValueError:
            return False

    return is_time


def written(name: str) -> When:
    """True when the session has written this file."""
    return lambda out: (out / name).exists()


@dataclass(frozen=True, slots=True)
class Press:
    """Keys, by their X names, pressed together, `after_s` seconds after the previous press."""

    keys: str
    after_s: float = 0.5
    how: Literal["key", "keydown", "keyup"] = "key"


@dataclass(frozen=True, slots=True)
class Page:
    """One picture.

    Attributes:
        name: of the file. shows: caption.
        keys: presses that lead from the previous page to this one. when: condition for the picture.
        moment_s: delay after the condition, seconds, for drawing and for computing an energy.
        file: a file of the session's folder; it replaces the picture of the window.
    """

    name: str
    shows: str
    keys: tuple[Press, ...] = ()
    when: When = at_once
    moment_s: float = 1.0
    file: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program and its pages, in order."""

    command: tuple[str, ...]
    pages: tuple[Page, ...]


def _teach(task: str, device: str, *flags: str, pace: str = "realtime") -> tuple[str, ...]:
    common = ("--pace", pace, "--recording.flush-s", "0.3", "--out", OUT)
    return ("teach", "--task", task, "--device", device, *common, *flags)


def _arm(task: str, shows: str) -> Run:
    """An arm after 800 ticks with the scripted teacher, with the energy shown. Its cameras start late."""
    page = Page(task, shows, (Press("F2"),), ticked(800, "autonomous"))
    return Run(_teach(task, "oracle", "--session", "oracle_human_timing"), (page,))


def _push(keys: str) -> tuple[Press, ...]:
    """A correction by keys; Space engages."""
    return Press(f"space {keys}", how="keydown"), Press(f"space {keys}", 1.2, "keyup")


RUNS: tuple[Run, ...] = (
    Run(
        _teach("push_t", "keyboard", "--seed", "5", "--correction.mode", "absolute"),
        (
            Page("welcome", "The first start.", when=ticked(20)),
            Page(
                "teaching",
                "A person corrects the robot: the action asked for, and the desired set around it.",
                (*_push("a"), *_push("s"), *_push("a"), *_push("w"), *_push("d"), Press("space s d", 2.0, "keydown")),
                ticked(0, "correcting"),
                0.2,
            ),
            Page("keys", "Every key (F1).", (Press("space s d", how="keyup"), Press("F1"))),
            Page(
                "energy_direction",
                'A relative correction only says "rather this way": the desired set is a half-plane.',
                (Press("F1"), Press("F2"), Press("r"), Press("space d", 1.0, "keydown")),
                ticked(0, "correcting"),
                2.0,
            ),
            Page("paused", "Paused.", (Press("space d", how="keyup"), Press("F2"), Press("p")), happened("pause")),
            Page("stopped", "Emergency stop.", (Press("p"), Press("Escape", 1.0)), happened("stop")),
        ),
    ),
    Run(
        _teach(
            "push_t", "keyboard", "--help-request.threshold", "0.02", "--help-request.wait", "--window.welcome", "never"
        ),
        (Page("asks", "The robot is unsure, asks and waits.", when=happened("asks_for_help")),),
    ),
    Run(
        _teach("push_t", "oracle", "--session", "oracle_human_timing", "--seed", "1"),
        (
            Page(
                "energy",
                "How the robot sees its choice (F2), and what the teacher asks for.",
                (Press("F2"),),
                ticked(600, "correcting"),
            ),
        ),
    ),
    Run(
        _teach("line_following", "oracle", "--episodes", "8", "--loop.updates-per-tick", "0.2", pace="max"),
        (
            Page("summary", "The end of a session.", when=written("window.png"), moment_s=0.5),
            Page("report", "What a session leaves behind: its curves.", when=written("curves.png"), file="curves.png"),
        ),
    ),
    Run(
        ("practice", "--task", "push_t", "--device", "keyboard", "--window.welcome", "never"),
        (Page("practice", "Driving alone, with score and time.", (Press("space s a", 3.0, "keydown"),), moment_s=3.0),),
    ),
    Run(
        ("replay", str(ROOT / "recordings" / "keyboard")),
        (
            Page(
                "replay",
                "A recorded session once more, with the energy of the policy that was kept.",
                (Press("space", 4.0), Press("Down"), Press("Right"), Press("Right"), Press("F2")),
                moment_s=3.0,
            ),
        ),
    ),
    Run(
        ("devices", "--test", "keyboard"),
        (Page("device_bench", "Trying a device out.", (Press("space d", 3.0, "keydown"),), moment_s=2.0),),
    ),
    _arm("hammer", "Hammer: pick it up, drive the nail in."),
    _arm("pick_can", "Pick-Can, from two sides, and the energy."),
    _arm("square", "Square: the nut on its peg."),
    _arm("two_arm_lift", "Two-Arm Lift: two hands, two plans."),
)


def take(run: Run, names: Sequence[str], folder: Path) -> None:
    """Run the program once and write the pictures of the named pages into a folder.

    Raises:
        RuntimeError: a page did not appear, or the program ended early; the message names page and reason.
    """
    last = max(index for index, page in enumerate(run.pages) if page.name in names)
    with TemporaryDirectory(prefix="screenshots-") as place, virtual_display() as display:
        out = Path(place) / OUT
        with (Path(place) / "output").open("w+") as output:
            process = _start(run, out, display, output.fileno())
            try:
                _focus(display, process)
                for page in run.pages[: last + 1]:
                    _press(page.keys, display)
                    _wait(page.when, out, page.name, process)
                    picture = _taken(page, out, display)
                    if page.name in names:
                        _shrink(picture, folder / f"{page.name}.png")
                _leave(display, process)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                output.seek(0)
                what = " ".join(run.command[:3])
                raise RuntimeError(f"{what}: {error}; its output: {output.read()[-2000:]}") from error
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _start(run: Run, out: Path, display: str, output: int) -> subprocess.Popen[bytes]:
    """Start the program without stored state, in a working folder of its own, into which F12 writes."""
    place = out.parent
    environment = {**os.environ, "DISPLAY": display, "XDG_STATE_HOME": str(place / "state")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    environment.pop("SDL_VIDEODRIVER", None)
    command = [sys.executable, "-m", "hitl_clic", *run.command]
    return subprocess.Popen(command, cwd=place, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)


def _focus(display: str, process: subprocess.Popen[bytes]) -> None:
    windows: list[str] = []

    def opened(_: Path) -> bool:
        windows[:] = xdotool(display, "search", "--class", "hitl-clic").split()
        return bool(windows)

    _wait(opened, ROOT, "window", process)
    xdotool(display, "windowfocus", "--sync", windows[0])


def _wait(when: When, out: Path, what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not when(out):
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode} before its page {what}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"its page {what} did not come within {TIMEOUT_S:.0f} s")
        time.sleep(0.2)


def _press(keys: Sequence[Press], display: str) -> None:
    for press in keys:
        time.sleep(press.after_s)
        xdotool(display, press.how, *press.keys.split())


def _taken(page: Page, out: Path, display: str) -> Path:
    """The picture of the present page."""
    time.sleep(page.moment_s)
    if page.file:
        return out / page.file
    before = set(out.parent.glob("cockpit-*.png"))
    xdotool(display, "key", "F12")
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        time.sleep(0.2)
        for picture in set(out.parent.glob("cockpit-*.png")) - before:
            if _whole(picture):
                return picture
    raise RuntimeError(f"no picture of its page {page.name}")


def _whole(picture: Path) -> bool:
    """Whether the file is complete."""
    try:
        with Image.open(picture) as image:
            image.load()
    except (OSError, SyntaxError):
        return False
    return True


def _leave(display: str, process: subprocess.Popen[bytes]) -> None:
    """End the session and close its last page."""
    deadline = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline:
        xdotool(display, "key", "F10")
        time.sleep(1.0)


def _shrink(picture: Path, to: Path) -> None:
    """Write a picture with the most bits a colour channel that `LARGEST` allows. A palette would lose small dots."""
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    for bits in (8, 6, 5, 4):
        most = 2**bits - 1
        whole.point([round(round(level * most / 255) * 255 / most) for level in range(256)] * 3).save(to, optimize=True)
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
    for run in RUNS:
        if wanted := [page.name for page in run.pages if page.name in chosen]:
            take(run, wanted, FOLDER)
            print(*(f"docs/{name}.png" for name in wanted), sep="\n", flush=True)


if __name__ == "__main__":
    main()
