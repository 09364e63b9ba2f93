"""The key map of a device, made from its profile: what to press and what it does. Pure; any thread."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest

from hitl_clic.devices.core.axes import TURNS, base
from hitl_clic.devices.core.controls import FUNCTIONS, button_label, key_label
from hitl_clic.devices.mapping.shaping import Profile

Row = tuple[str, str]
"""(controls, what they do)."""

_IN_THE_PLANE = {"x": ("left", "right"), "y": ("up", "down")}
_IN_SPACE = {
    "x": ("left", "right"),
    "y": ("away", "near"),
    "z": ("down", "up"),
    "rx": ("near", "away"),
    "ry": ("left", "right"),
    "rz": ("left", "right"),
}
"""Directions of an axis in the camera picture, below and above 0."""
_VERBS = {"rx": "tilt", "ry": "tilt", "rz": "turn"}
"""Verb of each rotation axis; that of all others is "move"."""


def key_rows(
    profile: Profile,
    axes: Collection[str],
    raw: Mapping[str, str] | None = None,
    picture: bool = True,
    printed: Mapping[str, str] | None = None,
    sentences: Mapping[str, str] | None = None,
) -> tuple[Row, ...]:
    """The key map for a task.

    Args:
        profile: the bindings.
        axes: the device's motion axes for this task.
        raw: raw axis to the gestures that move it, besides keys and buttons: "drag left or right". The gesture to its
            lower end comes first, as in what they do.
        picture: name directions as in the camera picture; False: by axis, as "-x / +x".
        printed: what is printed on keys, by their names, where the two differ.
        sentences: what functions do with this device, where that differs from `controls.FUNCTIONS`.
    """
    bases = {base(axis) for axis in axes}
    rows: list[Row] = []
    for source in dict.fromkeys(profile.source(name) for name in profile.axes):
        does = [_ways(profile, name, bases, picture) for name in profile.axes_from(source) if name in bases]
        how = [*([raw[source]] if raw and source in raw else []), *_pairs(profile, source, printed)]
        if does and how:
            rows.append((_upper(", ".join(how)), _upper("; ".join(does))))
    for function, sentence in {**FUNCTIONS, **(sentences or {})}.items():
        controls = control_labels(profile, function, printed)
        if controls and _applies(function, axes, bases):
            rows.append((_upper(", ".join(controls)), sentence))
    return tuple(rows)


def control_labels(profile: Profile, binding: str, printed: Mapping[str, str] | None = None) -> list[str]:
    """Labels of the controls with this binding. A left and a right key of one kind share one label.

    `printed`: see `key_rows`.
    """
    keys, buttons = profile.controls_for(binding)
    twins = {key.removeprefix("left ") for key in keys if key.replace("left ", "right ", 1) in keys and " " in key}
    names = [next((twin for twin in twins if key.endswith(f" {twin}")), key) for key in keys]
    labels = {} if printed is None else printed
    return [*map(button_label, buttons), *(key_label(labels.get(name, name)) for name in dict.fromkeys(names))]


def _pairs(profile: Profile, source: str, printed: Mapping[str, str] | None) -> Iterator[str]:
    """Labels of the controls of both ends of a raw axis, in pairs."""
    ends = control_labels(profile, f"-{source}", printed), control_labels(profile, f"+{source}", printed)
    for pair in zip_longest(*ends):
        names = [name for name in pair if name]
        yield "wheel" if all(name.startswith("wheel ") for name in names) else " ".join(names)


def _ways(profile: Profile, name: str, bases: set[str], picture: bool) -> str:
    """What the raw axis does to a motion axis at its lower and upper end."""
    words = _IN_SPACE if "z" in bases else _IN_THE_PLANE
    ways = words[name] if picture and name in words else (f"-{name}", f"+{name}")
    # profiles have left-handed rotations; those of the world and of a hand are right-handed
    mirrored = not picture and name in TURNS
    less, more = ways if (profile.axes[name].sign > 0) != mirrored else ways[::-1]
    return f"{_VERBS.get(name, 'move')} {less} / {more}"


def _applies(function: str, axes: Collection[str], bases: set[str]) -> bool:
    """Whether a function has an effect on these axes."""
    match function.partition(" ")[0]:
        case "turn" | "mode":
            return not bases.isdisjoint(TURNS)
        case "arm":
            return len(axes) > len(bases)
        case "gripper":
            return "gripper" in bases
        case _:
            return True


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
