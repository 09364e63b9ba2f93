"""Recorded sessions: their settings, and their pairs for learning again. Any thread; reads only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from hitl_clic.aliases import current_settings
from hitl_clic.correction.from_recording import kept_pairs, reaction_ticks, rebuilt_pairs, same_labels, withdrawn_ids
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.axes import base
from hitl_clic.runner.device_registry import switched_axes
from hitl_clic.session.curation import EVERY_EPISODE, Choice, Curation
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.errors import UserError, describe
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord, EventRecord


def open_session(path: Path | str) -> Session:
    """Open a recorded session by its folder or file.

    Raises:
        UserError: there is no such file, it is not a recording, or this version cannot read it.
    """
    try:
        return Session.open(path)
    except ValueError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise UserError(f"session = {path} is not allowed; {reason}") from error


def settings_of(recorded: Session) -> SessionSettings:
    """The settings a session was recorded with.

    Raises:
        UserError: the recording has no settings that this version can read.
    """
    try:
        return SessionSettings.model_validate(dict(recorded.settings.values))
    except ValidationError as error:
        raise UserError(describe(error, SessionSettings, {"": str(recorded.path)})) from error
    except ValueError as error:
        raise UserError(str(error)) from error


def recorded_correction(session: Session) -> CorrectionSettings:
    """How the corrections of a session were read. Raises ValueError: the recording has no valid settings."""
    return CorrectionSettings.model_validate(current_settings(session.settings.values).get("correction", {}))


def pairs_of_session(session: Session, wanted: CorrectionSettings, choice: Choice = EVERY_EPISODE) -> list[ChunkPair]:
    """The pairs of a session that were not withdrawn, in the order of their ticks, with ids from 0.

    Args:
        wanted: how corrections are to be read. Only padding, label_average_s and implicit_approval matter. If the
            session had others, its pairs are rebuilt from its ticks.
        choice: of episodes. Labels beside the recording count too, see `session.curation`.

    Raises:
        ValueError: the recording cannot be read, or an average is too short for its rate.
    """
    recorded = recorded_correction(session)
    withdrawn = withdrawn_ids(session.of(EventRecord))
    curation, ends = Curation.of(session), {record.episode: record for record in session.of(EpisodeRecord)}
    pairs = [
        pair
        for pair in kept_pairs(session.pairs, withdrawn, recorded.padding)
        if curation.takes(pair.episode, ends.get(pair.episode), choice) and not curation.withdraws(pair.tick)
    ]
    if not same_labels(recorded, wanted):
        pairs = rebuilt_pairs(session.ticks, session.plans, pairs, builder_for(session, wanted))
    return [replace(pair, id=number) for number, pair in enumerate(sorted(pairs, key=lambda pair: pair.tick))]


def builder_for(session: Session, wanted: CorrectionSettings) -> PairBuilder:
    """A builder for the pairs of a session under the wanted settings.

    The reaction time is that of the recording, which knows the stimulus of each correction.
    """
    of = session.settings
    settings = SessionSettings.model_validate(of.values)
    axes = make_task(of.task, settings.environment, **settings.task_options).action_frame.axes
    commands = [index for index, name in enumerate(axes) if base(name) in switched_axes(settings)]
    reaction_s = reaction_ticks(session.ticks) / settings.loop.rate_hz
    read = wanted.model_copy(update={"reaction_time_s": reaction_s})
    return PairBuilder(of.horizon, of.execute, read, settings.loop.rate_hz, commands)
