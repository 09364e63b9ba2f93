"""`report`: one HTML page about recorded sessions. Any thread; reads the recordings, writes one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hitl_clic.presets import flat
from hitl_clic.runner.recordings import open_session, settings_of
from hitl_clic.session.corrections import read_corrections
from hitl_clic.session.curation import Curation
from hitl_clic.session.summary import summarise
from hitl_clic.types.errors import UserError


def report(sessions: Sequence[Path | str] | Path | str, out: Path | str | None = None) -> Path:
    """Write a page that holds everything itself: curves, corrections, timing, and settings that differ.

    Args:
        sessions: session folders, shown side by side. out: an .html file; None: report.html in the first folder.

    Returns:
        The file.

    Raises:
        UserError: a session cannot be read, or the file cannot be written.
    """
    from hitl_clic.cockpit.html_report import ReportedSession, page  # loads matplotlib

    paths = [Path(sessions)] if isinstance(sessions, (str, Path)) else [Path(path) for path in sessions]
    if not paths:
        raise UserError("sessions is empty; allowed: session folders")
    shown = []
    for path in paths:
        session = open_session(path)
        settings = settings_of(session)
        try:
            curation = Curation.of(session)
            corrections = read_corrections(session.records())
            shown.append(
                ReportedSession(
                    name=session.path.parent.name,
                    episodes=[
                        replace(end, success=curation.success(end.episode, end))
                        for end in session.episodes
                        if end.episode not in curation.discarded
                    ],
                    figures=summarise(session.records()),
                    settings=flat(settings.model_dump(mode="json"), ""),
                    corrections=corrections,
                    withdrawn=frozenset(one.number for one in corrections.corrections if curation.withdraws(one.first)),
                )
            )
        except ValueError as error:
            raise UserError(f"session = {path} is not allowed; {str(error).removeprefix(f'{path}: ')}") from error
    file = Path(out) if out is not None else paths[0] / "report.html"
    if file.suffix.lower() != ".html":
        raise UserError(f"out = {file} is not allowed; allowed: a file name that ends in .html")
    beside = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(page(shown), encoding="utf-8")
        os.replace(beside, file)
    except OSError as error:
        raise UserError(f"out = {file} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
    return file
