"""Settings that older sessions name and that are gone: with the value that changed nothing they are left out.

Pure; used wherever settings are validated. No other place knows an old name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

REMOVED: Mapping[str, Any] = MappingProxyType(
    {
        "clic.energy.block": 2,
        "clic.negatives.kept": 4096,
        "clic.inference.temperature": 0.0,
        "oracle.kind": "absolute",
        "oracle.bank": False,
        "oracle.start_episode": 0,
        "oracle.direction_bias_deg": 0.0,
        "training.max_updates_per_pair": 0.0,
    }
)
"""Dotted name -> the value with which the option was off; `...` where it had no effect of its own."""


def without_removed(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nested settings without the removed ones; a table that held nothing else goes too. The argument stays as it is.

    Raises:
        ValueError: a removed option is switched on.
    """
    for name, off in REMOVED.items():
        given = _without(given, name.split("."), name, off)
    return given


def _without(given: Mapping[str, Any], path: list[str], name: str, off: Any) -> Mapping[str, Any]:
    first, *rest = path
    if first not in given:
        return given
    if not rest:
        value = given[first]
        if off is not ... and value != off:
            raise ValueError(f"{name} = {value} is not allowed; this option was removed, only {off} is still read")
        return {key: kept for key, kept in given.items() if key != first}
    inner = given[first]
    if not isinstance(inner, Mapping):
        return given
    left = _without(inner, rest, name, off)
    if left is inner:
        return given
    if not left:
        return {key: kept for key, kept in given.items() if key != first}
    return {**given, first: left}
