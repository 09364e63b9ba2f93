"""Edits of a profile, calibration at rest, and saving.

Pure except `save_profile`. Called on the main thread, never by a reader thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from hitl_clic import presets
from hitl_clic.devices.mapping.rest import FURTHEST_REST
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, checked_profile

MOVED = 0.15
"""A raw axis further than this from its mean, as a share of full, was moved."""
_MARGIN, _FACTOR = 0.01, 1.5
"""Safety margin of a calibrated deadzone over the largest reading at rest, added and multiplied."""
_LEAST_OFFSET = 0.002


@dataclass(frozen=True, slots=True)
class Rest:
    """Readings of one raw axis at rest: mean, lowest and highest deflection, 1 at full."""

    mean: float
    low: float
    high: float


def with_changes(
    profile: Profile, changes: Mapping[str, Any], axis_changes: Mapping[str, Mapping[str, Any]], invert: Sequence[str]
) -> Profile:
    """The profile with some fields changed, validated.

    Args:
        changes: fields of the profile. axis_changes: by axis, fields of its setting. invert: axes to reverse.

    Raises:
        ValueError: there is no such axis or field, or a value is not allowed; names it.
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
    """The profile with offsets set to the mean at rest, and deadzones at least as wide as the noise at rest.

    A wider deadzone stays: it may allow for the weight of a resting hand.

    Args:
        rests: by raw axis; axes without an entry are unchanged.

    Raises:
        ValueError: an axis was moved during the measurement, or its mean is too far out for rest.
    """
    for source, rest in rests.items():
        if max(rest.high - rest.mean, rest.mean - rest.low) > MOVED:
            raise ValueError(
                f"{source!r} went from {rest.low:.2f} to {rest.high:.2f}: release the device and try again"
            )
        if abs(rest.mean) > FURTHEST_REST:
            raise ValueError(
                f"{source!r} reads {rest.mean:.2f}, which is not at rest: release the device and try again"
            )
    values = profile.model_dump()
    for axis, setting in profile.axes.items():
        own = rests.get(profile.source(axis))
        if own is None:
            continue
        offset = round(own.mean, 4) if abs(own.mean) >= _LEAST_OFFSET else 0.0
        values["axes"][axis]["offset"] = offset
        needed = round(_FACTOR * max(own.high - offset, offset - own.low) + _MARGIN, 3)
        if profile.radial:  # one deadzone for the length of the vector
            values["deadzone"] = max(values["deadzone"], needed)
        elif needed > (profile.deadzone if setting.deadzone is None else setting.deadzone):
            values["axes"][axis]["deadzone"] = needed
    return checked_profile(values, repr(values["name"]))


def profile_path(name_or_path: str) -> Path:
    """The file of a profile: a path that ends in .toml, or the user's profile of that name.

    A new name gives a file in the user's folder, never in the package.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return path
    found = presets.find("devices", name_or_path)
    if found is not None and not found.resolve().is_relative_to(presets.PACKAGE.resolve()):
        return found
    return presets.user_folder() / "devices" / f"{name_or_path}.toml"


def save_profile(profile: Profile, path: Path, over: bool = False) -> None:
    """Write a profile as TOML, without default values. Comments of the original file are lost.

    Args:
        over: whether to replace an existing file.

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


def parse_axis_changes(pairs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Changes given as "x.deadzone=0.1", by axis and field. `with_changes` validates the values.

    Raises:
        ValueError: the text has another form, or there is no such field.
    """
    changes: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        axis, dot, field = name.partition(".")
        if not (equals and dot and axis and field in AxisSetting.model_fields):
            fields = ", ".join(AxisSetting.model_fields)
            raise ValueError(f"{pair!r} is not a change of an axis; write AXIS.FIELD=VALUE, FIELD one of {fields}")
        changes.setdefault(axis, {})[field] = value
    return changes
