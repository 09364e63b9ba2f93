"""`python -m tools.screenshots [--only NAME ...]`: a picture of every page, from real runs, into this folder.

It lies beside the pictures, for they and their table belong together. Each sitting is one run of `app.py` in a virtual
display; real keys lead from page to page, and F12 takes the pictures as it would for a person.
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
"""Folder of a sitting's session, in the sitting's own."""
PATIENCE_S = 600.0
"""Longest wait for a page."""
LARGEST = 250_000
"""Of a picture's file, bytes."""

When = Callable[[Path], bool]
"""Whether it is time, by what lies in the session's folder."""


def at_once(out: Path) -> bool:
    """It is."""
    del out
    return True


def ticked(number: int, state: GateState | None = None) -> When:
    """From this tick on, in this state of the gate if one is given."""

    def is_time(out: Path) -> bool:
        try:
            last = Session.open(out).ticks[-1]
        except (ValueError, IndexError):
            return False
        return last.tick >= number and state in (None, last.state)

    return is_time


def happened(event: str) -> When:
    """When this has happened."""

    def is_time(out: Path) -> bool:
        try:
            return any(one.name == event for one in Session.open(out).events)
        except ValueError:
            return False

    return is_time


def written(name: str) -> When:
    """When the session has written this file."""
    return lambda out: (out / name).exists()


@dataclass(frozen=True, slots=True)
class Press:
    """What a person does: keys by their names in X, together, some seconds after what they did before."""

    keys: str
    after_s: float = 0.5
    how: Literal["key", "keydown", "keyup"] = "key"


@dataclass(frozen=True, slots=True)
class Page:
    """One picture.

    Attributes:
        name: of its file. shows: what is to be seen, for people.
        keys: from the page before to this one. when: it is there; a moment later the picture is taken.
        moment_s: that moment, seconds: long enough to draw it, and to work an energy out.
        file: of the session's folder, to be shown in place of the window.
    """

    name: str
    shows: str
    keys: tuple[Press, ...] = ()
    when: When = at_once
    moment_s: float = 1.0
    file: str = ""


@dataclass(frozen=True, slots=True)
class Sitting:
    """One run of the program, and the pages seen in it, one after the other."""

    command: tuple[str, ...]
    pages: tuple[Page, ...]


def _teach(task: str, device: str, *flags: str, pace: str = "realtime") -> tuple[str, ...]:
    common = ("--pace", pace, "--recording.flush-s", "0.3", "--out", OUT)
    return ("teach", "--task", task, "--device", device, *common, *flags)


def _arm(task: str, shows: str) -> Sitting:
    """An arm that the scripted teacher has taught for a while, with the energy shown; its cameras start late."""
    page = Page(task, shows, (Press("F2"),), ticked(800, "autonomous"))
    return Sitting(_teach(task, "oracle", "--session", "oracle_human_timing"), (page,))


def _push(keys: str) -> tuple[Press, ...]:
    """A correction by keys: Space says that one drives."""
    return Press(f"space {keys}", how="keydown"), Press(f"space {keys}", 1.2, "keyup")


SITTINGS: tuple[Sitting, ...] = (
    Sitting(
        _teach("push_t", "keyboard", "--seed", "5", "--correction.mode", "absolute"),
        (
            Page("welcome", "What a person sees who was never here before.", when=ticked(20)),
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
    Sitting(
        _teach(
            "push_t", "keyboard", "--help-request.threshold", "0.02", "--help-request.wait", "--window.welcome", "never"
        ),
        (Page("asks", "The robot is unsure, asks and waits.", when=happened("asks_for_help")),),
    ),
    Sitting(
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
    Sitting(
        _teach("line_following", "oracle", "--episodes", "8", "--loop.updates-per-tick", "0.2", pace="max"),
        (
            Page("summary", "The end of a session.", when=written("window.png"), moment_s=0.5),
            Page("report", "What a session leaves behind: its curves.", when=written("curves.png"), file="curves.png"),
        ),
    ),
    Sitting(
        ("practice", "--task", "push_t", "--device", "keyboard", "--window.welcome", "never"),
        (Page("practice", "Driving alone, with score and time.", (Press("space s a", 3.0, "keydown"),), moment_s=3.0),),
    ),
    Sitting(
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
    Sitting(
        ("devices", "--test", "keyboard"),
        (Page("device_bench", "Trying a device out.", (Press("space d", 3.0, "keydown"),), moment_s=2.0),),
    ),
    _arm("hammer", "Hammer: pick it up, drive the nail in."),
    _arm("pick_can", "Pick-Can, from two sides, and the energy."),
    _arm("square", "Square: the nut on its peg."),
    _arm("two_arm_lift", "Two-Arm Lift: two hands, two plans."),
)


def take(sitting: Sitting, names: Sequence[str], folder: Path) -> None:
    """Sit down once and write the pictures of the pages named into a folder.

    Raises:
        RuntimeError: a page did not come, or the program ended before; says which and why.
    """
    last = max(index for index, page in enumerate(sitting.pages) if page.name in names)
    with TemporaryDirectory(prefix="sitting-") as place, virtual_display() as display:
        out = Path(place) / OUT
        with (Path(place) / "said").open("w+") as said:
            process = _start(sitting, out, display, said.fileno())
            try:
                _focus(display, process)
                for page in sitting.pages[: last + 1]:
                    _press(page.keys, display)
                    _wait(page.when, out, page.name, process)
                    picture = _taken(page, out, display)
                    if page.name in names:
                        _shrink(picture, folder / f"{page.name}.png")
                _leave(display, process)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                said.seek(0)
                what = " ".join(sitting.command[:3])
                raise RuntimeError(f"{what}: {error}; it said: {said.read()[-2000:]}") from error
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _start(sitting: Sitting, out: Path, display: str, said: int) -> subprocess.Popen[bytes]:
    """The program, for somebody who was never here: in a folder of its own, into which F12 then writes."""
    place = out.parent
    environment = {**os.environ, "DISPLAY": display, "XDG_STATE_HOME": str(place / "state")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    environment.pop("SDL_VIDEODRIVER", None)
    command = [sys.executable, str(ROOT / "app.py"), *sitting.command]
    return subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said, stdin=subprocess.DEVNULL)


def _focus(display: str, process: subprocess.Popen[bytes]) -> None:
    windows: list[str] = []

    def opened(_: Path) -> bool:
        windows[:] = xdotool(display, "search", "--class", "hitl-clic").split()
        return bool(windows)

    _wait(opened, ROOT, "window", process)
    xdotool(display, "windowfocus", "--sync", windows[0])


def _wait(when: When, out: Path, what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not when(out):
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode} before its page {what}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"its page {what} did not come within {PATIENCE_S:.0f} s")
        time.sleep(0.2)


def _press(keys: Sequence[Press], display: str) -> None:
    for press in keys:
        time.sleep(press.after_s)
        xdotool(display, press.how, *press.keys.split())


def _taken(page: Page, out: Path, display: str) -> Path:
    """The picture of the page that is there."""
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
    """Whether it is written to its end."""
    try:
        with Image.open(picture) as image:
            image.load()
    except (OSError, SyntaxError):
        return False
    return True


def _leave(display: str, process: subprocess.Popen[bytes]) -> None:
    """End the session, and close its last page."""
    deadline = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline:
        xdotool(display, "key", "F10")
        time.sleep(1.0)


def _shrink(picture: Path, to: Path) -> None:
    """Write a picture with as many bits a colour as a small file holds; a palette would lose small coloured dots."""
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    for bits in (8, 6, 5, 4):
        most = 2**bits - 1
        whole.point([round(round(level * most / 255) * 255 / most) for level in range(256)] * 3).save(to, optimize=True)
        if to.stat().st_size <= LARGEST:
            return


def main() -> None:
    """Take every picture, or only those named."""
    names = [page.name for sitting in SITTINGS for page in sitting.pages]
    parser = argparse.ArgumentParser(description="Pictures of every page, from real runs.")
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="NAME", help=", ".join(names))
    chosen = parser.parse_args().only
    if MISSING:
        sys.exit(MISSING)
    for sitting in SITTINGS:
        if wanted := [page.name for page in sitting.pages if page.name in chosen]:
            take(sitting, wanted, FOLDER)
            print(*(f"docs/{name}.png" for name in wanted), sep="\n", flush=True)


if __name__ == "__main__":
    main()
