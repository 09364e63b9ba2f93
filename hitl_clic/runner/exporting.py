"""`export`: write recorded sessions in a format of other tools. Any thread; reads the recordings, writes one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

from hitl_clic.exchange.episode import Episode, Layout
from hitl_clic.exchange.format_names import FormatName
from hitl_clic.exchange.formats import make_writer
from hitl_clic.exchange.from_session import episodes_of
from hitl_clic.exchange.output import whole_folder
from hitl_clic.runner.choosing import choice_of
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recordings import open_session, recorded_correction, settings_of
from hitl_clic.runner.results import ExportResult
from hitl_clic.session.curation import Choice
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import TASKS
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import UserError, unknown

ABOUT = 1
"""Version of what an export says about itself."""


def export(
    sessions: Sequence[Path | str] | Path | str,
    to: FormatName,
    out: Path | str,
    *,
    without_episodes: Sequence[int] = (),
    only_successes: bool = False,
    task: Task | None = None,
    on_episode: Callable[[int], object] = lambda done: None,
) -> ExportResult:
    """Write the episodes of recorded sessions as a dataset of another tool. Prints nothing.

    Args:
        sessions: session folders, all of one task, rate and horizon.
        to: "lerobot" (LeRobotDataset v3.0), "robomimic" (HDF5) or "csv".
        out: a new folder. It appears when everything is written, or not at all.
        without_episodes: numbers from 1 to leave out, as tables show them; only with one session.
        only_successes: leave out episodes that were not reached, as recorded or as labelled.
        task: where the sessions were taught on a task object: an object of that class. It is copied.
        on_episode: called with the number of episodes written so far.

    Raises:
        UserError: a recording cannot be read, the sessions do not fit each other, no episode is left, a package is
            missing, or the folder exists.
    """
    if to not in get_args(FormatName):
        raise UserError(f"to = {to} is not a format; {unknown(str(to), get_args(FormatName))}")
    paths = [Path(sessions)] if isinstance(sessions, (str, Path)) else [Path(path) for path in sessions]
    if not paths:
        raise UserError("sessions is empty; allowed: session folders")
    opened = [open_session(path) for path in paths]
    settings = [settings_of(session) for session in opened]
    choices = [choice_of(session, without_episodes, only_successes, len(opened)) for session in opened]
    folder, began_s = Path(out), time.perf_counter()
    with ExitStack() as stack:
        _check_same(opened, settings)
        simulated = Parts(task=task).copy_task(settings[0])
        stack.callback(simulated.close)
        layout = _layout(settings[0], simulated)
        frames = pairs = done = 0
        with whole_folder(folder) as beside:
            writer = make_writer(to, beside, layout, _about(opened, settings, layout), simulated, _words(settings[0]))
            for episode in _episodes(opened, layout, choices):
                try:
                    writer.add(episode)
                except ValueError as error:
                    raise UserError(f"session = {episode.session} cannot be written as {to}; {error}") from error
                done, frames = done + 1, frames + len(episode)
                pairs += int((episode.columns["pair.id"] >= 0).sum())
                on_episode(done)
            if not done:
                raise UserError(f"session = {paths[0]} is not allowed; no episode is left to export")
            writer.finish()
    return ExportResult(folder, to, done, frames, pairs, time.perf_counter() - began_s)


def _episodes(opened: Sequence[Session], layout: Layout, choices: Sequence[Choice]) -> Iterator[Episode]:
    for session, choice in zip(opened, choices, strict=True):
        try:
            yield from episodes_of(session, layout, recorded_correction(session).padding, choice)
        except ValueError as error:
            raise UserError(f"session = {session.path.parent} is not allowed; {error}") from error


def _check_same(opened: Sequence[Session], settings: Sequence[SessionSettings]) -> None:
    """Raise UserError if the sessions are of different tasks, rates or horizons."""
    for session, other in zip(opened, settings, strict=True):
        for name in ("task", "task_options", "horizon", "loop.rate_hz"):
            mine, its = _dotted(settings[0], name), _dotted(other, name)
            if mine != its:
                raise UserError(
                    f"session = {session.path.parent} has {name} = {its}, the first one {mine}; "
                    "export each kind separately"
                )


def _layout(settings: SessionSettings, task: Task) -> Layout:
    assert task.observation_space.shape is not None
    dim_o = task.observation_space.shape[0]
    return Layout(settings.task, settings.loop.rate_hz, settings.horizon, dim_o, task.action_frame.axes)


def _dotted(settings: SessionSettings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _words(settings: SessionSettings) -> str:
    """The task as one sentence."""
    entry = TASKS.get(settings.task)
    return settings.task if entry is None else entry.summary


def _about(opened: Sequence[Session], settings: Sequence[SessionSettings], layout: Layout) -> dict[str, Any]:
    return {
        "format": ABOUT,
        "task": layout.task,
        "horizon": layout.horizon,
        "rate_hz": layout.rate_hz,
        "axes": list(layout.axes),
        "dim_o": layout.dim_o,
        "sessions": [
            {
                "name": session.path.parent.name,
                "started_at": session.settings.started_at,
                "settings": one.model_dump(mode="json"),
            }
            for session, one in zip(opened, settings, strict=True)
        ],
    }
