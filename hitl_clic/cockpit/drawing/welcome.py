"""Remembers that the welcome page was shown on this account. Reads and writes a file; never called in a tick."""

from __future__ import annotations

import os
from pathlib import Path


def _marker() -> Path:
    """The marker file (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "hitl-clic" / "welcomed"


def welcomed() -> bool:
    """Whether the welcome page was closed before."""
    return _marker().exists()


def remember() -> None:
    """Do not show the welcome page again. Raises OSError if the marker cannot be written."""
    marker = _marker()
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
