"""A recorded session's settings as a layer below those to learn with. Imports settings only, so it is quick to load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hitl_clic.aliases import current_name
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError

KEPT_FIELDS = ("task", "task_options", "horizon", "execute", "seed", "loop", "correction")
"""What another method has in common with the sessions it learns from."""


def recorded_settings(session: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A session's settings as a layer: all of them, or under another method those that any method takes over.

    Args:
        session: its folder. overrides: what lies over the layer; only its "method" is looked at.

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
