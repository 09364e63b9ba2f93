"""`app.py replay`: check that a recorded session happens again bit for bit, or look at it again.

Main thread of its own process; reads the recording, and writes only pictures beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from hitl_clic.session.reader import Session
from hitl_clic.session.replay import VerifyReport
from hitl_clic.session.replay import verify as simulate_again
from hitl_clic.session.summary import Summary, summarise
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError, describe


def run(session: Path, verify: bool, headless: bool, as_json: bool) -> int:
    """Verify or show a session; the exit status: 1 if it does not happen again as recorded.

    Args:
        session: folder or MCAP file. verify: simulate it again and compare. headless: no window.
        as_json: print one JSON object instead of text.

    Raises:
        SettingsError: the recording cannot be read, or not by this version.
    """
    try:
        recorded = Session.open(session)
        settings = settings_of(recorded)
        make = task_maker(settings)
        if verify:
            return _verify(recorded, make, as_json)
        if as_json:
            print(json.dumps(summarise(recorded.records())))
            return 0
        return _show(recorded, settings, make, headless)
    except ValueError as error:
        reason = str(error).removeprefix(f"{session}: ")
        raise SettingsError(f"session = {session} is not allowed; {reason}") from error


def settings_of(recorded: Session) -> SessionSettings:
    """The settings a session was recorded with.

    Raises:
        ValueError: it holds none, or this version does not know them.
    """
    try:
        return SessionSettings.model_validate(dict(recorded.settings.values))
    except ValidationError as error:
        raise ValueError(describe(error, SessionSettings, {"": str(recorded.path)})) from error


def task_maker(settings: SessionSettings) -> Callable[[], Task]:
    """Makes the task a session was recorded on."""
    return partial(make_task, settings.task, **settings.task_options)


def verified(session: Path) -> VerifyReport:
    """Simulate a session again; what was found.

    Raises:
        ValueError: the recording cannot be read, or not by this version.
    """
    recorded = Session.open(session)
    return simulate_again(recorded, task_maker(settings_of(recorded)))


def _verify(recorded: Session, make: Callable[[], Task], as_json: bool) -> int:
    report = simulate_again(recorded, make)
    print(json.dumps(report.as_json()) if as_json else report.sentence)
    return 0 if report.ok else 1


def _show(recorded: Session, settings: SessionSettings, make: Callable[[], Task], headless: bool) -> int:
    from hitl_clic.runner.device_registry import has_display  # from here on: simulator and pictures

    if has_display() and not headless:
        from hitl_clic.cockpit.window.window_link import WindowError
        from hitl_clic.runner.player import in_window

        try:
            in_window(recorded, settings, make())
        except WindowError as error:
            print(f"no window ({error}); here are the figures")
        else:
            return 0
    from hitl_clic.runner.player import contact_sheet

    tell(summarise(recorded.records()), recorded)
    folder = recorded.path.parent
    try:
        contact_sheet(recorded, settings, make(), folder / "replay.png")
        if recorded.episodes:
            from hitl_clic.cockpit.report import write_curves

            title = f"{settings.task}, {settings.method}, H = {settings.horizon}"
            write_curves(recorded.episodes, folder / "curves.png", title)
    except OSError as error:
        raise SettingsError(f"session = {folder} cannot take pictures: {error}") from error
    print(f"pictures: {folder / 'replay.png'}" + (f", {folder / 'curves.png'}" if recorded.episodes else ""))
    return 0


def tell(summary: Summary, recorded: Session) -> None:
    """Print what a recording holds, for a person."""
    heading = f"{summary['task']}, {summary['method']}, {summary['device']}, H = {summary['horizon']}"
    table = Table("episode", "seed", "reached", "steps", "stepped in", "error per step", title=heading)
    for row in recorded.episodes:
        known = row.l2_error_per_step == row.l2_error_per_step
        table.add_row(
            str(row.episode + 1),
            str(row.seed),
            "yes" if row.success else "no",
            str(row.timesteps),
            f"{row.feedback_per_step:.0%}",
            f"{row.l2_error_per_step:.3f}" if known else "not known",
        )
    Console().print(table)
    pairs = summary["pairs"]
    print(
        f"{summary['ticks']} ticks at {summary['tick_hz']:g} Hz in {summary['wall_s']:.0f} s, "
        f"{summary['tick_overruns']} overruns; {pairs['made']} pairs made, {pairs['ingested']} learned from; "
        f"{summary['updates']} updates, {summary['weight_swaps']} new policies"
    )
    if recorded.truncated or recorded.lost:
        print(f"the recording was cut off or damaged: {recorded.lost or 'its end is missing'}")
