"""`import_demonstrations`: a dataset of another tool as a recorded session, with a policy learnt from it.

Any thread; reads the dataset, writes one folder, which appears whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from hitl_clic.exchange.dataset import DatasetReader, Refused, Wanted
from hitl_clic.exchange.demonstrations import DISTANCE, demonstrated_pairs, ticks_of
from hitl_clic.exchange.episode import PAIR, Episode, Layout
from hitl_clic.exchange.output import whole_folder
from hitl_clic.runner.learning import train
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recordings import open_session, pairs_of_session
from hitl_clic.runner.results import ImportResult
from hitl_clic.runner.session_settings import Nested
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.scan import FILE_NAME
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.session.summary import summarise, write_summary
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.symmetry import Symmetry

DEVICE = "demonstrations"
"""What the recording names as its device."""
_QUEUE = 1000
"""Records that wait for the recorder at most; its queue would drop more than it can hold."""


@dataclass(slots=True)
class _Written:
    """What was written so far, counts."""

    episodes: int = 0
    ticks: int = 0
    pairs: int = 0
    reached: int = 0


class ImportOverrides(TypedDict, total=False):
    """Settings that may differ from the task's; `SessionSettings` describes them."""

    method: str
    horizon: int
    execute: int
    seed: int
    task_options: Nested
    policy: Nested
    correction: Nested
    training: Nested


def import_demonstrations(
    path: Path | str,
    task: str,
    out: Path | str,
    *,
    updates: int = 2000,
    state: Sequence[str] = (),
    action: str = "",
    distance: float = DISTANCE,
    settings: SessionSettings | None = None,
    on_update: Callable[[int], object] = lambda done: None,
    **chosen: Unpack[ImportOverrides],
) -> ImportResult:
    """Make a session of a local dataset: its episodes become pairs, and a policy is learnt from them.

    A dataset that `export` wrote gives its pairs back. In any other, each tick is a demonstration by a human.

    Args:
        path: folder of a LeRobotDataset v3, or robomimic's HDF5 file. task: a name (`hitl_clic.tasks`).
        out: a new folder. It appears when everything is written, or not at all.
        updates: of the network, count; 0 learns no policy.
        state, action: names of the columns; by default observation.state and action, or state and actions.
        distance: of the robot's chunk from the demonstrated one, see `exchange.demonstrations.perturbed`.
        settings: complete settings; **chosen: what differs from the task's.

    Raises:
        UserError: no such dataset, one that is damaged or does not fit the task, or a folder that exists.
    """
    source, folder = Path(path), Path(out)
    if not 0 < distance <= 2:
        raise UserError(f"distance = {distance:g} is not allowed; allowed: above 0, at most 2")
    try:
        reader = _open(source)
        try:
            made = settings or _settings(task, folder, reader, dict(chosen))
            layout, symmetries = _layout(made)
            wanted = Wanted(layout, tuple(state), action)
            with whole_folder(folder) as beside:
                written = _record(reader, made, beside, wanted, distance)
                (beside / "settings.toml").write_text(made.to_toml(), encoding="utf-8")
                _finish(made, beside, symmetries, updates, on_update)
            return ImportResult(folder, written.episodes, written.reached, written.ticks, written.pairs, updates)
        finally:
            reader.close()
    except Refused as problem:
        raise UserError(f"path = {source} is not allowed; {problem}") from problem


def _open(path: Path) -> DatasetReader:
    """The reader of a dataset. Raises UserError: there is none of a known format, or a package is missing."""
    hdf5 = path / "demos.hdf5" if path.is_dir() and (path / "demos.hdf5").is_file() else path
    try:
        if hdf5.is_file():
            from hitl_clic.exchange.robomimic_reader import RobomimicReader

            return RobomimicReader(hdf5)
        if (path / "meta" / "info.json").is_file():
            from hitl_clic.exchange.lerobot_reader import LeRobotReader

            return LeRobotReader(path)
    except ModuleNotFoundError as problem:
        raise UserError(
            f"path = {path} needs {problem.name}, which is not installed; run: pip install -e '.[data]'"
        ) from problem
    raise UserError(
        f"path = {path} is not allowed; allowed: a LeRobotDataset v3 (a folder with meta/info.json), or an HDF5 file"
    )


def _settings(task: str, folder: Path, reader: DatasetReader, chosen: dict[str, Any]) -> SessionSettings:
    """The settings of the session: the dataset's where our export wrote them, else the task's, at its rate."""
    layer: dict[str, Any] = {}
    sessions = reader.about.get("sessions")
    if isinstance(sessions, list) and sessions and isinstance(sessions[0], dict):
        recorded = sessions[0].get("settings")
        kept = ("task", "task_options", "horizon", "execute", "loop", "correction", "method", "policy")
        if isinstance(recorded, dict) and recorded.get("task") == task:
            layer = {name: recorded[name] for name in kept if recorded.get(name) is not None}
    elif reader.rate_hz is not None:
        chosen["loop"] = {"rate_hz": reader.rate_hz} | dict(chosen.get("loop") or {})
    return load(recorded=layer or None, overrides={**chosen, "task": task, "headless": True, "out": folder})


def _finish(
    settings: SessionSettings,
    folder: Path,
    symmetries: tuple[Symmetry, ...],
    updates: int,
    on_update: Callable[[int], object],
) -> None:
    """Write the figures, and learn the policy."""
    session = open_session(folder)
    write_summary(folder / "summary.json", summarise(session.records()) | {"recording_dropped": 0})
    if not updates:
        return
    pairs = pairs_of_session(session, settings.correction)
    if len(pairs) < settings.policy.min_pairs:
        least = settings.policy.min_pairs
        raise Refused(f"it gives {len(pairs)} pairs; allowed: as many as policy.min_pairs = {least}")
    train(pairs, settings.model_copy(update={"out": folder}), symmetries, updates, on_update)


def _layout(settings: SessionSettings) -> tuple[Layout, tuple[Symmetry, ...]]:
    parts = Parts()
    task = parts.make_task(settings)
    try:
        assert task.observation_space.shape is not None
        layout = Layout(
            settings.task,
            settings.loop.rate_hz,
            settings.horizon,
            task.observation_space.shape[0],
            task.action_frame.axes,
        )
        return layout, task.symmetries if settings.policy.symmetries else ()
    finally:
        task.close()


def _record(
    reader: DatasetReader, settings: SessionSettings, folder: Path, wanted: Wanted, distance: float
) -> _Written:
    """Write the recording."""
    written = _Written()
    recorder = Recorder(folder / FILE_NAME, RecordingSettings())
    recorder.start()
    try:
        recorder.put(
            SettingsRecord(
                started_ns=0,
                task=settings.task,
                method=settings.method,
                device=DEVICE,
                horizon=settings.horizon,
                execute=settings.execute,
                seed=settings.seed,
                tick_hz=settings.loop.rate_hz,
                # a replay shows the keys of a device, and "auto" is none
                values=settings.model_dump(mode="json") | {"device": "keyboard"},
                started_at=recorder.started.date,
            )
        )
        for records in _episodes(reader, settings, wanted, distance, written):
            for record in records:
                while recorder.waiting >= _QUEUE:
                    time.sleep(0.002)
                recorder.put(record)
    finally:
        recorder.close()
    if recorder.error is not None or recorder.dropped:
        raise UserError(f"out = {folder} cannot be written: {recorder.error or 'records were lost'}")
    if not written.episodes:
        raise Refused("it holds no episode")
    return written


def _episodes(
    reader: DatasetReader, settings: SessionSettings, wanted: Wanted, distance: float, written: _Written
) -> Iterator[list[Any]]:
    """The records of each episode."""
    generator = np.random.default_rng(settings.seed)
    rate_hz = settings.loop.rate_hz
    for columns, reached in reader.episodes(wanted):
        number, first = written.episodes, written.ticks
        episode = Episode(columns, "", number + 1, -1, reached)
        pairs = _pairs(episode, number, first, settings, distance, generator)
        robot = {pair.tick - first: pair.robot[0] for pair in pairs}
        ticks = list(ticks_of(episode, number, first, rate_hz, robot))
        pairs = [replace(pair, id=written.pairs + index) for index, pair in enumerate(pairs)]
        driven = sum(tick.state == "correcting" for tick in ticks) / len(ticks)
        end = EpisodeRecord(number, number, reached, len(ticks), driven, float("nan"), ticks[-1].time_ns, 0)
        yield [*ticks, *pairs, end]
        written.episodes += 1
        written.reached += reached
        written.ticks += len(ticks)
        written.pairs += len(pairs)


def _pairs(
    episode: Episode,
    number: int,
    first: int,
    settings: SessionSettings,
    distance: float,
    generator: np.random.Generator,
) -> list[ChunkPair]:
    if f"{PAIR}id" in episode.columns:
        columns = {**episode.columns, "tick": np.arange(first, first + len(episode))}
        return list(replace(episode, columns=columns).pairs(number))
    correction = settings.correction
    return list(
        demonstrated_pairs(
            episode,
            number,
            first,
            settings.horizon,
            correction.padding,
            correction.pair_stride,
            distance,
            generator,
        )
    )
