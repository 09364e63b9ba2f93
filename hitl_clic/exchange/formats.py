"""The formats that sessions can be written in, by name. Any thread.

A format's packages are imported only when it is used: they come with the extra `data`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from hitl_clic.exchange.episode import Episode, Layout
from hitl_clic.exchange.format_names import FormatName
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import UserError


class EpisodeWriter(Protocol):
    """Writes episodes in one format."""

    def add(self, episode: Episode) -> None:
        """Write one episode. Raises ValueError: it cannot be written in this format."""
        ...

    def finish(self) -> None:
        """Write what describes all episodes, and close the files. At least one episode was added."""
        ...


def make_writer(
    name: FormatName, folder: Path, layout: Layout, about: dict[str, Any], task: Task, words: str
) -> EpisodeWriter:
    """A writer of a format.

    Args:
        folder: an empty folder. layout: of all episodes. about: what the format's names have no place for.
        task: for formats that simulate again. words: the task, as one sentence.

    Raises:
        UserError: a package that the format needs is not installed.
    """
    try:
        if name == "lerobot":
            from hitl_clic.exchange.lerobot_writer import LeRobotWriter

            return LeRobotWriter(folder, layout, words, about)
        if name == "robomimic":
            from hitl_clic.exchange.robomimic_writer import RobomimicWriter

            return RobomimicWriter(folder, layout, task, about)
    except ModuleNotFoundError as problem:
        raise UserError(
            f"to = {name} needs {problem.name}, which is not installed; run: pip install -e '.[data]'"
        ) from problem
    from hitl_clic.exchange.csv_writer import CsvWriter

    return CsvWriter(folder, layout, about)
