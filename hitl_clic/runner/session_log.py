"""Passes the records of a running session to its file, its figures and its observers.

Actor's main thread; the recorder has its own thread. `put` runs within a tick and never waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hitl_clic.runner.starting import Start
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.scan import part_file
from hitl_clic.session.summary import Summary, write_summary
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import LinkStatus
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.view import Record


class SessionLog:
    """Takes all records of a session.

    Args:
        settings: of the session. folder: for the recording and the figures. start: the session's earlier parts.
    """

    def __init__(self, settings: SessionSettings, folder: Path, start: Start | None = None) -> None:
        self._settings, self._folder, self._start = settings, folder, start or Start()
        self._recorder = Recorder(part_file(folder, self._start.part), settings.recording)
        self._tally = self._start.tally
        self.episodes: list[EpisodeRecord] = []
        """Finished so far in this part."""
        self.observers: list[Callable[[Record], None]] = []
        """Called with every record of the loop, in the tick; must be quick."""

    def start(self) -> None:
        """Create the recording and begin it with the settings.

        Raises:
            UserError: the recording exists already or cannot be created.
        """
        try:
            self._recorder.start()
        except ValueError as error:
            raise UserError(f"out = {self._folder} is not allowed; {error}") from error
        settings = self._settings
        self.put(
            SettingsRecord(
                started_ns=self._recorder.started.monotonic_ns,
                task=settings.task,
                method=settings.method,
                device=settings.device,
                horizon=settings.horizon,
                execute=settings.execute,
                seed=settings.seed,
                tick_hz=settings.loop.rate_hz,
                values=settings.model_dump(mode="json"),
                started_at=self._recorder.started.date,
            )
        )

    def put(self, record: Record | LinkStatus | SettingsRecord) -> None:
        """Take a record."""
        self._recorder.put(record)
        self._tally.add(record)
        if isinstance(record, EpisodeRecord):
            self.episodes.append(record)
        if not isinstance(record, LinkStatus | SettingsRecord):
            for observe in self.observers:
                observe(record)

    def close(self) -> None:
        """Finish the recording. Safe to call twice."""
        self._recorder.close()

    def figures(self) -> Summary:
        """The content of `summary.json` so far."""
        return self._tally.summary() | {"recording_dropped": self._recorder.dropped}

    def write_figures(self, figures: Summary) -> None:
        """Write `summary.json`, and the learning curves if an episode was finished."""
        write_summary(self._folder / "summary.json", figures)
        episodes = [*self._start.finished, *self.episodes]
        if episodes:
            from hitl_clic.cockpit.report import write_curves  # loads matplotlib, which no session waits for

            title = f"{self._settings.task}, {self._settings.method}, H = {self._settings.horizon}"
            write_curves(episodes, self._folder / "curves.png", title)
