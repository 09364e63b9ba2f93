"""A recorded session's settings as the lowest layer of those to learn with. Imports settings only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hitl_clic.aliases import current_name
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError

KEPT_FIELDS = ("task", "task_options", "environment", "horizon", "execute", "seed", "loop", "correction")
"""The settings that another method takes over from the sessions it learns from."""


def earlier_settings(continues: Path | str | None, begins_from: Path | str | None) -> dict[str, Any] | None:
    """The settings of the session that another one goes on with or begins from, as a layer; None without one.

    The seed is the next one, so that start states and noise do not repeat.

    Raises:
        UserError: it has no settings.
    """
    source = continues if continues is not None else begins_from
    if source is None:
        return None
    name, path = ("continue" if continues is not None else "from"), Path(source)
    if not path.exists():
        raise UserError(f"{name} = {path} does not exist; allowed: a session folder")
    folder = next((one for one in (path, *list(path.absolute().parents)[:2]) if (one / "settings.toml").exists()), None)
    if folder is None:
        raise UserError(f"{name} = {path} has no settings.toml; allowed: a session folder")
    values = recorded_settings(folder, {})
    values["seed"] += 1
    if continues is not None:
        values["seed"] += len(list(folder.glob("settings-*.toml")))
        values["out"] = str(path)
    return values


def recorded_settings(session: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A session's settings as a layer: all of them, or with another method those of `KEPT_FIELDS`.

    Args:
        session: its folder. overrides: the layers above; only "method" is read.

    Raises:
        UserError: the session has no settings.
    """
    path = session / "settings.toml"
    if not session.exists():
        raise UserError(f"sessions = {session} does not exist; allowed: session folders")
    if not path.exists():
        raise UserError(f"sessions = {path} does not exist; allowed: session folders, with their settings.toml")
    values = SessionSettings.from_toml(path).model_dump(mode="json", exclude_none=True)
    values.pop("out", None)
    if current_name("methods", overrides.get("method", values["method"])) != values["method"]:
        values = {name: values[name] for name in KEPT_FIELDS}
    return values
