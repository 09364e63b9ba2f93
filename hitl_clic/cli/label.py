"""`hitl-clic label`: say afterwards what counts in a recorded session, or show its episodes and corrections.

Main thread.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from hitl_clic.cli.commands import LabelCommand
from hitl_clic.runner.curating import label
from hitl_clic.runner.recordings import open_session
from hitl_clic.session.curation import Curation, corrections_of
from hitl_clic.session.reader import Session
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import EpisodeRecord, TickRecord


def run(command: LabelCommand) -> int:
    """Label, or show what can be labelled. Raises the errors of `label`."""
    if command.mark is None:
        if command.episodes or command.corrections:
            raise UserError(
                "mark is missing; allowed: --mark with success, failure, discard, keep, withdraw or restore"
            )
        _show(open_session(command.session))
        return 0
    kind = "episodes" if command.episodes else "corrections"
    given = label(command.session, command.mark, episodes=command.episodes, corrections=command.corrections)
    print(f"{command.session}: {command.mark} for {len(given)} of its {kind}")
    return 0


def _show(session: Session) -> None:
    try:
        curation = Curation.of(session)
        corrections = corrections_of(session.of(TickRecord))
        episodes = Table("episode", "recorded", "label", "steps", "corrections", title=str(session.path.parent))
        for end in session.of(EpisodeRecord):
            number, labelled = end.episode, curation.outcomes.get(end.episode)
            words = ["" if labelled is None else ("success" if labelled else "failure")]
            words += ["discard"] if number in curation.discarded else []
            mine = [str(index) for index, (episode, *_) in enumerate(corrections, 1) if episode == number]
            span = "" if not mine else (mine[0] if len(mine) == 1 else f"{mine[0]} to {mine[-1]}")
            recorded = "success" if end.success else "failure"
            episodes.add_row(str(number + 1), recorded, " ".join(filter(None, words)), str(end.timesteps), span)
        table = Table("correction", "episode", "first tick", "last tick", "label")
        for index, (episode, first, last) in enumerate(corrections, 1):
            withdrawn = "withdrawn" if curation.withdraws(first) else ""
            table.add_row(str(index), str(episode + 1), str(first), str(last), withdrawn)
    except ValueError as error:
        raise UserError(str(error)) from error
    Console().print(episodes)
    Console().print(table)
