"""Whether a person has been welcomed on this account. The window process's only file of its own; never in a tick."""

from __future__ import annotations

import os
from pathlib import Path


def _mark() -> Path:
    """Where that is remembered (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "hitl-clic" / "welcomed"


def welcomed() -> bool:
    """Whether the welcome was seen before."""
    return _mark().exists()


def remember() -> None:
    """Do not welcome again. Raises OSError where that cannot be written; it is then asked again next time."""
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
