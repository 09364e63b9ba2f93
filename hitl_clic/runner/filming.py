"""Films: a recorded session as the teacher saw it, and each episode of an evaluation.

The thread that owns the task; writes only the films.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hitl_clic.cockpit.film import ENDING, FilmWriter
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Array, Task
from hitl_clic.types.errors import UserError

SIZE = (1280, 720)
"""Width and height of a session's film, pixels."""


def film_session(
    recorded: Session,
    settings: SessionSettings,
    task: Task,
    path: Path,
    episodes: frozenset[int] = frozenset(),
    speed: float = 1.0,
    on_picture: Callable[[int, int], object] = lambda done, of: None,
) -> None:
    """Write a session as a film, one picture a tick: the scene with both plans, corrections and who drives.

    Args:
        task: of the session; stays open. path: an .mp4 file.
        episodes: numbers from 0; empty: all. speed: 2 shows it twice as fast.
        on_picture: called with the number of pictures so far, and of all.

    Raises:
        UserError: a wrong ending, the package av is missing, or the file cannot be written.
        ValueError: the recording holds no ticks.
    """
    from hitl_clic.cockpit.drawing.camera_feed import CameraFeed
    from hitl_clic.cockpit.drawing.picture import picture
    from hitl_clic.runner.display import scene3d_for
    from hitl_clic.runner.player import Projector

    projector = Projector(recorded, settings, task)
    chosen = [index for index, tick in enumerate(recorded.ticks) if not episodes or tick.episode in episodes]
    with TemporaryDirectory(prefix="scene3d-") as folder:
        scene3d = scene3d_for(task, settings.window, Path(folder))
        camera_feed = None if scene3d is None else CameraFeed(scene3d, settings.window)
        try:
            with _film(path, settings.loop.rate_hz * speed) as film:
                for done, index in enumerate(chosen, 1):
                    film.add(picture(projector.state(index), SIZE, camera_feed))
                    on_picture(done, len(chosen))
        finally:
            if camera_feed is not None:
                camera_feed.close()


@contextmanager
def filmed(task: Task, path: Path) -> Iterator[Task]:
    """A task whose starts and steps are filmed, one picture each.

    Raises:
        UserError: the package av is missing, or the file cannot be written.
        NoBackend: the scene needs OpenGL, which does not work here.
    """
    from hitl_clic.render.task_renderer import TaskRenderer

    renderer = TaskRenderer(task)
    try:
        with _film(path, task.control_hz) as film:
            yield cast(Task, _Filmed(task, lambda: film.add(renderer.draw())))
    finally:
        renderer.close()


class _Filmed:
    """A task that calls `show` after each reset and step of its user, and not after those of its own forecasts."""

    def __init__(self, task: Task, show: Callable[[], None]) -> None:
        self._task, self._show = task, show

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def reset(self, **options: Any) -> tuple[Array, dict[str, Any]]:
        found = self._task.reset(**options)
        self._show()
        return found

    def step(self, action: Array) -> Any:
        found = self._task.step(action)
        self._show()
        return found


@contextmanager
def _film(path: Path, pictures_per_s: float) -> Iterator[FilmWriter]:
    if path.suffix.lower() != ENDING:
        raise UserError(f"video = {path} is not allowed; allowed: a file name that ends in {ENDING}")
    try:
        with FilmWriter(path, pictures_per_s) as film:
            yield film
    except ModuleNotFoundError as problem:
        raise UserError(
            f"video = {path} needs {problem.name}, which is not installed; run: pip install -e '.[video]'"
        ) from problem
    except OSError as problem:
        raise UserError(f"video = {path} cannot be written: {problem.strerror or problem}") from problem
