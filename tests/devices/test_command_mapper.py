"""The command mapper: properties over random input, and each rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.devices.core.axes import arm, base
from hitl_clic.devices.core.controls import FUNCTIONS, KEY_NAMES
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.command_mapper import CommandMapper
from hitl_clic.devices.mapping.key_rows import key_rows
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

ONE = ("x", "y", "z", "rx", "ry", "rz", "gripper")
TWO = (*ONE, *(axis + "2" for axis in ONE))
KEYBOARD, MOUSE = load_profile("keyboard"), load_profile("mouse")
PUCK = Profile(
    name="puck",
    axes={name: AxisSetting() for name in ONE[:6]},
    buttons={"1": "gripper", "2": "mode", "3": "arm"},
)
"""A profile of a device with six raw axes."""


def moved(mapper: CommandMapper, *held: str, **raw: float) -> dict[str, float]:
    """The commanded axes and their motion."""
    motion = mapper.command(raw, held).motion
    return {axis: value for axis, value in zip(mapper.axes, motion, strict=True) if value}


def taught(mapper: CommandMapper, **raw: float) -> set[str]:
    teaches = mapper.command(raw).teaches
    return {axis for index, axis in enumerate(mapper.axes) if teaches is None or teaches[index]}


def test_axes_are_those_the_task_has() -> None:
    assert CommandMapper(KEYBOARD, ("x", "y")).axes == ("x", "y")
    assert CommandMapper(KEYBOARD, ("gripper", "z", "y", "x", "belt")).axes == ("gripper", "z", "y", "x")
    assert CommandMapper(KEYBOARD, TWO).axes == TWO
    assert CommandMapper(PUCK).axes == ONE[:6], "no task: those of the profile"
    with pytest.raises(ValueError, match=r"'keyboard' has the axes x, .*; the task's are belt"):
        CommandMapper(KEYBOARD, ("belt",))


def test_a_planar_task_has_no_modes() -> None:
    mapper = CommandMapper(KEYBOARD, ("x", "y"))
    for function in FUNCTIONS:
        mapper.press(function)
    assert mapper.command({"x": 1.0, "y": -1.0}, {"turn"})[:3] == ((1.0, -1.0), None, None)
    assert mapper.status_text() == ""


def test_the_same_keys_move_or_tilt_in_their_direction() -> None:
    mapper = CommandMapper(KEYBOARD, ONE)
    assert moved(mapper, x=1.0, y=1.0, z=-1.0) == {"x": 1.0, "y": 1.0, "z": -1.0}
    assert taught(mapper) == {"x", "y", "z"}
    assert moved(mapper, "turn", x=1.0) == {"ry": 1.0}, "held"
    mapper.press("mode")
    assert moved(mapper, x=1.0, y=1.0, z=-1.0) == {"ry": 1.0, "rx": -1.0, "rz": -1.0}
    assert taught(mapper) == {"rx", "ry", "rz"}
    mapper.press("mode")
    assert moved(mapper, x=1.0) == {"x": 1.0}


def test_six_axes_start_in_mode_both() -> None:
    mapper = CommandMapper(PUCK, ONE)
    assert moved(mapper, x=1.0, rz=0.5) == {"x": 1.0, "rz": 0.5}
    mapper.press("mode")
    assert moved(mapper, x=1.0, rz=0.5) == {"x": 1.0}
    mapper.press("mode")
    assert moved(mapper, x=1.0, rz=0.5) == {"rz": 0.5}
    mapper.press("mode")
    assert moved(mapper, "turn", x=1.0, rz=0.5) == {"rz": 0.5}
    assert moved(mapper, x=1.0, rz=0.5) == {"x": 1.0, "rz": 0.5}


def test_a_gripper_follows_the_robot_until_the_first_press() -> None:
    mapper = CommandMapper(KEYBOARD, ONE)
    assert "gripper" not in taught(mapper)
    mapper.press("gripper")
    assert moved(mapper) == {"gripper": 1.0}
    assert taught(mapper) == {"x", "y", "z", "gripper"}
    assert mapper.command({}).lasting == (*([False] * 6), True)
    assert moved(mapper, "precise") == {"gripper": 1.0}, "a command, not a motion"
    mapper.press("gripper")
    assert moved(mapper) == {"gripper": -1.0}
    mapper.release_grippers()
    assert moved(mapper) == {}
    assert "gripper" not in taught(mapper)


def test_each_arm_has_its_own_gripper_command() -> None:
    mapper = CommandMapper(KEYBOARD, TWO)
    mapper.press("gripper")
    mapper.press("arm")
    assert moved(mapper, x=1.0) == {"x2": 1.0}
    assert taught(mapper) == {"x2", "y2", "z2"}
    assert mapper.status_text() == "moving · arm 2 of 2 · gripper by the robot"
    mapper.press("mode")
    mapper.press("arm 1")
    assert moved(mapper) == {"gripper": 1.0}
    assert mapper.status_text() == "turning · arm 1 of 2 · gripper closed"
    mapper.press("arm 2")
    mapper.press("arm")
    assert mapper.status.arm == 0, "round again"


presses = st.sampled_from([*FUNCTIONS, "let go", ""])
deflections = st.dictionaries(st.sampled_from([*ONE, "wheel"]), st.floats(allow_nan=True, allow_infinity=True))


@given(
    st.sampled_from([KEYBOARD, MOUSE, PUCK]),
    st.sampled_from([("x", "y"), ONE, TWO]),
    st.lists(st.tuples(presses, deflections, st.sets(st.sampled_from([*FUNCTIONS])))),
)
def test_random_input_keeps_the_invariants(
    profile: Profile, axes: tuple[str, ...], stream: list[tuple[str, dict[str, float], set[str]]]
) -> None:
    mapper = CommandMapper(profile, axes)
    told = [0, 0]
    for press, raw, held in stream:
        if press == "let go":
            mapper.release_grippers()
            told = [0, 0]
        else:
            mapper.press(press)
        driven = mapper.status.arm
        if press == "gripper" and "gripper" in axes:
            told[driven] = -1 if told[driven] == 1 else 1
        motion, teaches, lasting, still, _slow = mapper.command(raw, held)
        assert still == ("teach still" in held)
        limit = 0.0 if still else profile.precise_scale if "precise" in held else 1.0
        for index, axis in enumerate(mapper.axes):
            is_taught = teaches is None or teaches[index]
            if arm(axis) != driven:
                assert motion[index] == 0.0, "an arm that is not driven"
                assert not is_taught
            elif base(axis) == "gripper":
                assert motion[index] == told[driven], "it stays told through modes and arms"
                assert is_taught == bool(told[driven]) == bool(lasting and lasting[index])
            else:
                assert abs(motion[index]) <= limit
                assert is_taught or motion[index] == 0.0
                assert not (lasting and lasting[index])


names = st.sampled_from([*KEYBOARD.keys, *MOUSE.buttons, "r", "p"])
kinds = st.sampled_from(["key_down", "key_up", "button_down", "button_up", "wheel", "motion", "alive", "focus_lost"])
places = st.tuples(st.floats(-2, 2), st.floats(-2, 2))


@given(
    st.sampled_from([KeyboardDevice, MouseDevice]),
    st.sampled_from([("x", "y"), TWO]),
    st.lists(st.tuples(kinds, names, places), max_size=40),
    st.integers(0, 300),
)
def test_random_window_events_never_move_unbound_axes(
    kind: type[WindowDevice],
    axes: tuple[str, ...],
    stream: list[tuple[str, str, tuple[float, float]]],
    rest_ms: int,
) -> None:
    now_ns = 10**10
    feed = EventFeed()
    profile = load_profile(kind.name)
    device = kind(feed, profile, stale_after_s=10.0, clock=lambda: now_ns, axes=axes)
    for event, name, place in stream:
        feed.put(InputEvent(now_ns, event, name, place))  # type: ignore[arg-type]
        sample = device.read(0.0)
        driven = device._mapper.status.arm
        precise = device._keys.any(profile.controls_for("precise")[0], now_ns)
        for axis, value in zip(device.axes, sample.motion, strict=True):
            assert abs(value) <= (profile.precise_scale if precise and base(axis) != "gripper" else 1.0)
            assert value == 0.0 or arm(axis) == driven
        if event == "focus_lost":
            assert not any(sample.motion)
            assert not sample.engage
        now_ns += 10**6
    feed.put(InputEvent(now_ns, "focus_lost"))
    now_ns += rest_ms * 10**6
    sample = device.read(0.0)
    assert not any(sample.motion)
    assert not sample.engage


def test_the_key_map_lists_every_effective_binding() -> None:
    """Every binding with an effect on the task is on the map, and no other."""
    rows = key_rows(KEYBOARD, TWO)
    shown = " ".join(label for label, _ in rows).lower().split()
    for key in KEYBOARD.keys:
        assert set(key.removeprefix("left ").removeprefix("right ").split()) <= {word.strip(",") for word in shown}
    flat = dict(key_rows(KEYBOARD, ("x", "y")))
    assert flat["W S, Up Down"] == "Move up / down"
    assert not {"G", "F", "X", "Left Ctrl"} & set(flat)
    assert "X" not in dict(key_rows(KEYBOARD, ONE)), "one arm needs no key for the next"
    assert dict(rows)["A D, Left Right"] == "Move left / right; tilt left / right"
    assert dict(key_rows(KEYBOARD, ONE, picture=False))["W S, Up Down"] == "Move -y / +y; tilt -rx / +rx"
    mouse = dict(key_rows(MOUSE, ONE, MouseDevice.axis_labels))
    assert mouse["Wheel, Q E"] == "Move down / up; turn left / right"
    assert mouse["Drag up or down"] == "Move away / near; tilt away / near"


def test_a_rebound_profile_takes_effect_and_is_shown() -> None:
    profile = KEYBOARD.model_copy(update={"keys": {"j": "-x", "l": "+x", "k": "gripper", "tab": "engage"}})
    device = KeyboardDevice(EventFeed(), profile, axes=ONE)
    for key in ("j", "k", "tab"):
        device._feed.put(InputEvent(device._clock(), "key_down", key))
    sample = device.read(0.0)
    assert sample.engage
    assert dict(zip(device.axes, sample.motion, strict=True)) == dict.fromkeys(ONE, 0.0) | {"x": -1.0, "gripper": 1.0}
    assert ("J L", "Move left / right; tilt left / right") in key_rows(profile, ONE)


def test_every_key_name_is_a_pygame_name() -> None:
    pygame = pytest.importorskip("pygame")
    codes = [getattr(pygame, name) for name in dir(pygame) if name.startswith("K_")]
    assert {pygame.key.name(code).lower() for code in codes} >= KEY_NAMES


def test_an_unknown_mouse_button_is_refused() -> None:
    profile = MOUSE.model_copy(update={"buttons": {"middel": "gripper"}})
    with pytest.raises(ValueError, match="the mouse has no button 'middel'; did you mean 'middle'"):
        MouseDevice(EventFeed(), profile)
    with pytest.raises(ValueError, match="the keyboard has no button 'left'"):
        KeyboardDevice(EventFeed(), MOUSE)
