"""Changing a profile and keeping it: edits, calibration at rest, and the file they are saved to.

Pure but for `save_profile`; called by commands on the main thread, never by a reader thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from hitl_clic import presets
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, checked_profile

MOVED = 0.15
"""A raw axis that strays further than this from its mean, as a share of full, was moved."""
FURTHEST_REST = 0.4
"""No stick that is let go rests further out than this, as a share of full."""
_MARGIN, _FACTOR = 0.01, 1.5
"""A deadzone covers this much more than the widest reading at rest: the next minute may bring a wider one."""
_LEAST_OFFSET = 0.002


@dataclass(frozen=True, slots=True)
class Rest:
    """How a raw axis read while nobody touched the device: mean, least and greatest deflection, 1 at full."""

    mean: float
    low: float
    high: float


def edited(
    profile: Profile, changes: Mapping[str, Any], axis_changes: Mapping[str, Mapping[str, Any]], invert: Sequence[str]
) -> Profile:
    """The profile with some fields changed, checked like any other.

    Args:
        changes: fields of the profile. axis_changes: by axis, fields of its setting. invert: axes to turn round.

    Raises:
        ValueError: there is no such axis or field, or a value is not allowed; says which.
    """
    values = profile.model_dump()
    for axis in (*axis_changes, *invert):
        if axis not in profile.axes:
            raise ValueError(f"device profile {profile.name!r} has no axis {axis!r}; it has {', '.join(profile.axes)}")
    for axis, fields in axis_changes.items():
        values["axes"][axis] |= fields
    for axis in invert:
        values["axes"][axis]["sign"] *= -1
    return checked_profile({**values, **changes}, repr(values["name"]))


def calibrated(profile: Profile, rests: Mapping[str, Rest]) -> Profile:
    """The profile with each axis' offset where it rests, and its deadzone at least as wide as it trembles there.

    A deadzone that is wide enough stays: it may be wide for the sake of a hand's weight on the cap.

    Args:
        rests: by raw axis; those without one keep what they have.

    Raises:
        ValueError: an axis was moved meanwhile, or rests too far out to be at rest.
    """
    for source, rest in rests.items():
        if max(rest.high - rest.mean, rest.mean - rest.low) > MOVED:
            raise ValueError(f"{source!r} went from {rest.low:.2f} to {rest.high:.2f}: let go of the device, try again")
        if abs(rest.mean) > FURTHEST_REST:
            raise ValueError(f"{source!r} rests at {rest.mean:.2f}, which is no rest: let go of the device, try again")
    values = profile.model_dump()
    for axis, setting in profile.axes.items():
        own = rests.get(profile.source(axis))
        if own is None:
            continue
        offset = round(own.mean, 4) if abs(own.mean) >= _LEAST_OFFSET else 0.0
        values["axes"][axis]["offset"] = offset
        needed = round(_FACTOR * max(own.high - offset, offset - own.low) + _MARGIN, 3)
        if profile.radial:  # one deadzone, of the deflection's length
            values["deadzone"] = max(values["deadzone"], needed)
        elif needed > (profile.deadzone if setting.deadzone is None else setting.deadzone):
            values["axes"][axis]["deadzone"] = needed
    return checked_profile(values, repr(values["name"]))


def place(name_or_path: str) -> Path:
    """Where a profile is saved: at a path that ends in .toml; under a name, where the user's profile of that name is.

    A new name goes to the user's folder. The package's own profiles are never written.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return path
    found = presets.find("devices", name_or_path)
    if found is not None and not found.resolve().is_relative_to(presets.PACKAGE.resolve()):
        return found
    return presets.user_folder() / "devices" / f"{name_or_path}.toml"


def save_profile(profile: Profile, path: Path, over: bool = False) -> None:
    """Write a profile as TOML, without fields at their defaults. Comments of the file it came from are lost.

    Args:
        over: whether an existing file may be replaced.

    Raises:
        ValueError: the file exists already, or it cannot be written.
    """
    if path.exists() and not over:
        raise ValueError(f"{path} exists already; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps(profile.model_dump(exclude_defaults=True)), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}); give another path") from error


def axis_changes(pairs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Changes to axes as people type them, "x.deadzone=0.1", by axis and field; `edited` reads and checks the values.

    Raises:
        ValueError: one does not read like this, or names a field that an axis has not.
    """
    changes: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        axis, dot, field = name.partition(".")
        if not (equals and dot and axis and field in AxisSetting.model_fields):
            fields = ", ".join(AxisSetting.model_fields)
            raise ValueError(f"{pair!r} is no change to an axis; write AXIS.FIELD=VALUE, FIELD one of {fields}")
        changes.setdefault(axis, {})[field] = value
    return changes
