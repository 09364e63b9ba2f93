"""Opening a recorded session with the settings it was recorded under. Any thread; reads only."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError, describe


def open_session(path: Path | str) -> Session:
    """A recorded session, by its folder or file.

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
        UserError: it holds none, or this version does not know them.
    """
    try:
        return SessionSettings.model_validate(dict(recorded.settings.values))
    except ValidationError as error:
        raise UserError(describe(error, SessionSettings, {"": str(recorded.path)})) from error
    except ValueError as error:
        raise UserError(str(error)) from error
