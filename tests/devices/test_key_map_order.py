"""The key map of each device, read from left to right, says what happens: the first gesture does the first thing.

Each gesture is made with the hand, through the device's own event path.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hands import AtTheCap, AtThePad, AtTheWindow, Hand, hand_at
from virtual_pads import LEFT_TRIGGER, RIGHT_TRIGGER

from hitl_clic.devices.mapping.key_rows import key_rows
from hitl_clic.devices.mapping.shaping import Profile, checked_profile, load_profile
from hitl_clic.devices.registry import DEVICES

SPACE = ("x", "y", "z", "rx", "ry", "rz")
PLANE = ("x", "y")
NAMES = ("mouse", "spacemouse", "gamepad")

CAP = {
    "push left": (0, -350),
    "push right": (0, 350),
    "pull": (1, 350),
    "push away": (1, -350),
    "press": (2, 350),
    "lift": (2, -350),
    "tip away": (3, -350),
    "tip back": (3, 350),
    "tip left": (4, 350),
    "tip right": (4, -350),
    "twist right": (5, 350),
    "twist left": (5, -350),
}
"""Number and value in the report. The hardware's directions are right, towards the operator and down, right-handed."""
STICKS = {"left stick": (0, 1), "right stick": (2, 3)}
"""SDL's axes of a stick: right and down are positive."""
D_PAD = {"up": 11, "down": 12, "left": 13, "right": 14}

IN_SPACE = {
    **{("x", "left"): -1, ("x", "right"): 1},
    **{("y", "away"): -1, ("y", "near"): 1},
    **{("z", "down"): -1, ("z", "up"): 1},
    **{("rx", "near"): -1, ("rx", "away"): 1},
    **{("ry", "left"): -1, ("ry", "right"): 1},
    **{("rz", "left"): -1, ("rz", "right"): 1},
}
IN_THE_PLANE = {("x", "left"): -1, ("x", "right"): 1, ("y", "up"): -1, ("y", "down"): 1}
"""Motion axis and word to the sign of the motion."""


def make(hand: Hand, gesture: str) -> None:
    """Make one gesture, as far as it goes."""
    if isinstance(hand, AtTheCap):
        place, raw = CAP[gesture]
        hand.raw = tuple(raw if number == place else 0 for number in range(6))  # type: ignore[assignment]
    elif isinstance(hand, AtTheWindow):
        hand.hold()
        across, down = {"left": (-0.4, 0.0), "right": (0.4, 0.0), "up": (0.0, -0.4), "down": (0.0, 0.4)}[
            gesture.removeprefix("drag ")
        ]
        hand.say("motion", "", (0.5 + across, 0.5 + down))
    elif isinstance(hand, AtThePad):
        what, _, way = gesture.rpartition(" ")
        if way == "trigger":
            hand.pad.axis(LEFT_TRIGGER if what == "left" else RIGHT_TRIGGER, 1.0)
        elif what == "d-pad":
            hand.pad.button(D_PAD[way])
        else:
            hand.pad.axis(STICKS[what][way in ("up", "down")], 1.0 if way in ("right", "down") else -1.0)


def ends(label: str) -> tuple[str, str]:
    """The two gestures of a label: "drag left or right" is "drag left" and "drag right"."""
    first, _, second = label.lower().partition(" or ")
    if first == "left" and second.endswith("trigger"):
        return "left trigger", second
    verb = first.rpartition(" ")[0]
    return first, second if first in ("pull", "press") else f"{verb} {second}"


def motion(name: str, profile: Profile, axes: tuple[str, ...], gesture: str) -> dict[str, float]:
    """What the gesture makes the device say, by axis."""
    with hand_at(name, profile, axes) as hand:
        hand.keep()
        hand.device.read(0.002)
        make(hand, gesture)
        hand.keep()
        return dict(zip(hand.device.axes, hand.device.read(0.002).motion, strict=True))


def reversed_profile(name: str) -> Profile:
    """The profile with every axis turned round."""
    values = load_profile(name).model_dump()
    for axis in values["axes"].values():
        axis["sign"] *= -1
    return checked_profile(values, name)


def gestures(name: str, profile: Profile, axes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The rows of the key map that begin with a gesture: (the gesture's label, what it does)."""
    labels = {label.lower() for label in DEVICES[name].axis_labels.values()}
    for controls, does in key_rows(profile, axes, DEVICES[name].axis_labels):
        label = controls.split(",")[0].lower()
        if label in labels:
            yield label, does


@pytest.mark.parametrize("axes", [SPACE, PLANE], ids=["space", "plane"])
@pytest.mark.parametrize("made", [load_profile, reversed_profile], ids=["preset", "reversed"])
@pytest.mark.parametrize("name", NAMES)
def test_the_first_gesture_does_the_first_thing(name: str, made: object, axes: tuple[str, ...]) -> None:
    profile: Profile = made(name)  # type: ignore[operator]
    means = IN_SPACE if "z" in axes else IN_THE_PLANE
    rows = list(gestures(name, profile, axes))
    assert len(rows) == len({profile.source(axis) for axis in axes} & DEVICES[name].axis_labels.keys())
    for label, does in rows:
        words = [way.split()[1:4:2] for way in does.lower().split("; ")]
        for end, gesture in enumerate(ends(label)):
            felt = motion(name, profile, axes, gesture)
            moved = [axis for axis, value in felt.items() if value]
            assert moved, gesture
            for axis in moved:
                way = next(pair[end] for pair in words if (axis, pair[end]) in means and _of(axis, does, pair))
                assert felt[axis] * means[axis, way] > 0, f"{label}: {does}, but {gesture} gives {felt}"


def _of(axis: str, does: str, pair: list[str]) -> bool:
    """Whether this part of the row is about the axis: it tilts, turns or moves as the axis does."""
    verb = {"rx": "tilt", "ry": "tilt", "rz": "turn"}.get(axis, "move")
    return f"{verb} {pair[0]} / {pair[1]}" in does.lower()
