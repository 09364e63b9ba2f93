"""`replay`: show a recorded session again, or verify it bit for bit.

Main thread where a window is wanted, else any; reads the recording, and writes only pictures beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hitl_clic.runner.choosing import known_episodes
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recordings import open_session, settings_of
from hitl_clic.runner.results import ReplayResult, SessionSummary
from hitl_clic.session.reader import Session
from hitl_clic.session.replay import verify as simulate_again
from hitl_clic.session.summary import summarise
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import UserError


def replay(
    source: Path | str,
    *,
    verify: bool = False,
    window: bool = False,
    pictures: bool = False,
    video: Path | str | None = None,
    episodes: Sequence[int] = (),
    speed: float = 1.0,
    on_picture: Callable[[int, int], object] = lambda done, of: None,
    task: Task | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> ReplayResult:
    """Look at a recorded session again. Prints nothing.

    Args:
        source: session folder, or its MCAP file.
        verify: simulate every tick again and compare it with the recording, bit for bit.
        window: play it in a window until that is closed. If none opens, `say` gets a line and pictures are written.
        pictures: write `replay.png`, scenes at evenly spaced ticks, and `curves.png` beside the recording.
        video: an .mp4 file to write: the session as the teacher saw it, one picture a tick.
        episodes: of the film, numbers from 1; empty: all. speed: of the film; 2 is twice as fast.
        on_picture: called with the number of pictures of the film so far, and of all.
        task: where the session was taught on a task object: an object of that class. It is copied.

    Raises:
        UserError: the recording cannot be read, or not by this version; no pictures can be written beside it.
    """
    recorded = open_session(source)
    parts, settings = Parts(task=task), settings_of(recorded)
    try:
        report = simulate_again(recorded, partial(parts.copy_task, settings)) if verify else None
        if video is not None:
            chosen = frozenset(known_episodes(recorded, episodes, "episodes"))
            _film(recorded, settings, parts, Path(video), chosen, speed, on_picture)
        shown = window and _show(recorded, settings, parts, say)
        written = _draw(recorded, settings, parts) if pictures or (window and not shown) else ()
        summary = SessionSummary.of(recorded.path.parent, summarise(recorded.records()))
    except UserError:
        raise
    except ValueError as error:  # the reader's, about records of another version or a damaged file
        reason = str(error).removeprefix(f"{source}: ")
        raise UserError(f"session = {source} is not allowed; {reason}") from error
    return ReplayResult(recorded.path, summary, report, written)


def _film(
    recorded: Session,
    settings: SessionSettings,
    parts: Parts,
    path: Path,
    episodes: frozenset[int],
    speed: float,
    on_picture: Callable[[int, int], object],
) -> None:
    from hitl_clic.runner.filming import film_session

    if not 0.01 <= speed <= 100:
        raise UserError(f"speed = {speed:g} is not allowed; allowed: from 0.01 to 100")
    task = parts.copy_task(settings)
    try:
        film_session(recorded, settings, task, path, episodes, speed, on_picture)
    finally:
        task.close()


def _show(recorded: Session, settings: SessionSettings, parts: Parts, say: Callable[[str], None]) -> bool:
    """Play the session in a window; whether one opened."""
    from hitl_clic.cockpit.window.window_link import WindowError
    from hitl_clic.runner.player import in_window

    task = parts.copy_task(settings)
    try:
        in_window(recorded, settings, task)
    except WindowError as error:
        say(f"no window ({error}); here are the figures")
        return False
    finally:
        task.close()
    return True


def _draw(recorded: Session, settings: SessionSettings, parts: Parts) -> tuple[Path, ...]:
    from hitl_clic.cockpit.report import write_curves
    from hitl_clic.runner.player import contact_sheet

    folder, task = recorded.path.parent, parts.copy_task(settings)
    sheet, curves = folder / "replay.png", folder / "curves.png"
    try:
        contact_sheet(recorded, settings, task, sheet)
        if not recorded.episodes:
            return (sheet,)
        write_curves(recorded.episodes, curves, f"{settings.task}, {settings.method}, H = {settings.horizon}")
        return (sheet, curves)
    except OSError as error:
        raise UserError(f"session = {folder} cannot take pictures: {error}") from error
    finally:
        task.close()
