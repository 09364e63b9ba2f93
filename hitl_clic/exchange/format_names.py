"""The formats that sessions are written in, by name. Pure; imports nothing heavy."""

from __future__ import annotations

from typing import Literal

FormatName = Literal["lerobot", "robomimic", "csv"]
