"""The gate: every state under every event, the three modes, lost input, and the stop that wins."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.control.gate import DRIVERS, TRANSITIONS, CorrectionOptions, Gate, GateOutput, GateSettings
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.types.commands import GATE_COMMANDS, SWITCHES, Event
from hitl_clic.types.records import EVERYTHING, GateState

OPTIONS = CorrectionOptions(("world", "gripper", "camera"), (EVERYTHING, "height", "gripper"))
ROUNDS = {
    "toggle_correction_mode": ("correction_mode", ("absolute", "relative")),
    "next_command_frame": ("command_frame", OPTIONS.frames),
    "next_correction_axes": ("correction_axes", OPTIONS.groups),
}
STATES = get_args(GateState)
EVENTS = get_args(Event)
S = 1_000_000_000
MS = 1_000_000


def sample(
    now_ns: int, *motion: float, engage: bool = False, stop: bool = False, connected: bool = True, age_ns: int = 0
) -> DeviceSample:
    return DeviceSample(now_ns - age_ns, motion or (0.0, 0.0), engage=engage, stop=stop, connected=connected)


def step(gate: Gate, now_ns: int, *motion: float, commands: tuple[str, ...] = (), **flags: object) -> GateOutput:
    return gate.step(sample(now_ns, *motion, **flags), now_ns, commands)  # type: ignore[arg-type]


def test_table_is_complete_and_closed() -> None:
    assert set(GATE_COMMANDS) == (set(EVENTS) - {"engage", "release"}) | set(SWITCHES) | {"discard"}
    assert not set(EVENTS) & set(SWITCHES)
    assert set(TRANSITIONS) == set(product(STATES, EVENTS))
    assert set(TRANSITIONS.values()) <= set(STATES)
    assert set(DRIVERS) == set(STATES)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_every_state_under_every_event(state: GateState, event: Event) -> None:
    """What must hold of the table, stated without repeating it."""
    after = TRANSITIONS[state, event]
    if event == "stop":
        assert after == "stopped"
    elif state == "stopped":
        assert after == ("paused" if event == "clear_stop" else "stopped"), "a stop is latched"
    elif event == "pause":
        assert after == ("autonomous" if state in ("paused", "waiting") else "paused"), "pauses, and goes on again"
    elif event == "resume":
        assert after == ("autonomous" if state in ("paused", "waiting") else state)
    elif state == "paused":
        assert after == "paused", "only resuming ends a pause"
    elif event == "ask":
        assert after == ("waiting" if state == "autonomous" else state), "only who drives can ask"
    elif state == "waiting":
        assert after == ("correcting" if event == "engage" else "waiting"), "only a person ends it"
    else:
        assert after == {"engage": "correcting", "release": "autonomous"}.get(event, state)


@pytest.mark.parametrize(("state", "switch"), list(product(STATES, SWITCHES)))
def test_every_state_under_every_switch(state: GateState, switch: str) -> None:
    """It takes the next choice, round and round, changes nothing else, and nobody's state."""
    gate = Gate(options=OPTIONS)
    gate.state = state
    before = (gate.correction_mode, gate.command_frame, gate.correction_axes)
    name, choices = ROUNDS[switch]
    place = choices.index(getattr(gate, name))
    for turn in range(1, len(choices) + 1):
        out = step(gate, turn * MS, engage=state == "correcting", commands=(switch,))
        assert (out.state, out.driver, out.switched) == (state, DRIVERS[state], True)
        assert getattr(out, name) == choices[(place + turn) % len(choices)]
        others = [part for part in ("correction_mode", "command_frame", "correction_axes") if part != name]
        assert [getattr(out, part) for part in others] == [getattr(Gate(options=OPTIONS), part) for part in others]
        assert not step(gate, turn * MS, engage=state == "correcting").switched, "in the very tick only"
    assert (gate.correction_mode, gate.command_frame, gate.correction_axes) == before


def test_what_is_not_offered_is_not_chosen() -> None:
    gate = Gate(
        None,
        CorrectionSettings(command_frame="gripper", axes="height"),
        CorrectionOptions(("world", "camera"), (EVERYTHING, "moving")),
    )
    assert (gate.command_frame, gate.correction_axes) == ("world", EVERYTHING)
    out = step(
        Gate(correction=CorrectionSettings(command_frame="camera")),
        0,
        commands=("next_command_frame", "next_correction_axes"),
    )
    assert (out.command_frame, out.correction_axes, out.switched) == ("world", EVERYTHING, False)


def test_what_a_correction_is_about_passes_through_while_it_is_fresh() -> None:
    gate = Gate()
    about = DeviceSample(S, (0.5, 0.0), engage=True, teaches=(True, False))
    assert gate.step(about, S).teaches == (True, False)
    assert gate.step(about, 2 * S).teaches is None, "a stale sample says nothing"


def test_hold_engages_on_the_very_tick_and_releases_on_the_very_tick() -> None:
    gate = Gate()
    assert step(gate, 0).driver == "robot"
    out = step(gate, S, 0.5, -0.5, engage=True)
    assert (out.driver, out.entered, out.left, out.motion) == ("human", True, False, (0.5, -0.5))
    assert not step(gate, 2 * S, engage=True).entered
    out = step(gate, 3 * S, 0.5, 0.5)
    assert (out.driver, out.entered, out.left, out.motion) == ("robot", False, True, (0.0, 0.0))


def test_motion_without_the_dead_man_control_is_nothing() -> None:
    out = step(Gate(), 0, 1.0, 1.0)
    assert out.driver == "robot"
    assert out.motion == (0.0, 0.0)


def test_a_correction_of_one_sample_is_one_tick_of_driving() -> None:
    gate = Gate()
    drivers = [step(gate, tick * 100 * MS, engage=tick == 3).driver for tick in range(6)]
    assert drivers == ["robot", "robot", "robot", "human", "robot", "robot"]


def test_touch_holds_through_short_rests_and_then_lets_go() -> None:
    gate = Gate(GateSettings(mode="touch", release_s=0.3, touch_threshold=0.05))
    assert step(gate, 0, 0.04, 0.0).driver == "robot", "below the threshold"
    assert step(gate, 100 * MS, -0.06, 0.0).driver == "human"
    assert step(gate, 400 * MS).driver == "human"
    out = step(gate, 401 * MS)
    assert (out.driver, out.left) == ("robot", True)


def test_touch_does_not_come_back_by_itself_after_a_pause() -> None:
    gate = Gate(GateSettings(mode="touch", release_s=1.0))
    step(gate, 0, 1.0, 0.0)
    step(gate, 10 * MS, commands=("pause",))
    assert step(gate, 20 * MS, commands=("resume",)).driver == "robot"


def test_a_command_that_lasts_is_a_touch_once() -> None:
    gate = Gate(GateSettings(mode="touch", release_s=0.3))

    def out(now_ns: int, push: float, gripper: float) -> str:
        lasting = (False, True) if gripper else None
        return gate.step(DeviceSample(now_ns, (push, gripper), lasting=lasting), now_ns).driver

    assert out(0, 0.0, 0.0) == "robot"
    assert [out(at * 100 * MS, 0.0, 1.0) for at in (1, 2, 3, 4, 5)] == ["human"] * 4 + ["robot"]
    assert out(600 * MS, 0.0, -1.0) == "human", "another command"
    assert out(950 * MS, 0.0, 0.0) == "robot", "its end is none"
    assert out(1000 * MS, 0.2, 0.0) == "human"


def test_toggle_changes_on_presses_only() -> None:
    gate = Gate(GateSettings(mode="toggle"))
    presses = [True, True, False, False, True, False, True]
    drivers = [step(gate, tick * MS, engage=down).driver for tick, down in enumerate(presses)]
    assert drivers == ["human", "human", "human", "human", "robot", "robot", "human"]


def test_toggle_does_not_take_a_returning_device_for_a_press() -> None:
    gate = Gate(GateSettings(mode="toggle"))
    assert step(gate, 0, engage=True).driver == "human"
    assert step(gate, MS, connected=False).driver == "robot"
    assert step(gate, 2 * MS, engage=True).driver == "robot"
    step(gate, 3 * MS)
    assert step(gate, 4 * MS, engage=True).driver == "human"


@pytest.mark.parametrize("how", [{"age_ns": 251 * MS}, {"connected": False}])
@pytest.mark.parametrize(("policy", "state"), [("policy", "autonomous"), ("pause", "paused"), ("zero", "correcting")])
def test_lost_input_while_correcting(how: dict[str, object], policy: str, state: str) -> None:
    gate = Gate(GateSettings(stale_after_s=0.25, on_stale=policy))  # type: ignore[arg-type]
    step(gate, 0, 1.0, 1.0, engage=True)
    out = step(gate, S, 1.0, 1.0, engage=True, **how)
    assert out.stale
    assert out.state == state
    assert not any(out.motion)


def test_a_sample_just_inside_the_limit_counts_and_a_stale_one_cannot_engage() -> None:
    settings = GateSettings(stale_after_s=0.25)
    assert step(Gate(settings), S, engage=True, age_ns=250 * MS).driver == "human"
    assert step(Gate(settings), S, engage=True, age_ns=251 * MS).driver == "robot"


def test_stop_wins_over_everything_in_the_same_tick_and_latches() -> None:
    gate = Gate()
    step(gate, 0, 1.0, 0.0, engage=True)
    out = step(gate, 1, 1.0, 0.0, engage=True, stop=True, commands=("resume", "clear_stop"))
    assert (out.state, out.driver, out.left, out.motion) == ("stopped", "nobody", True, (0.0, 0.0))
    assert step(gate, 2, engage=True, commands=("resume", "pause")).state == "stopped"
    assert step(gate, 3, engage=True, commands=("clear_stop",)).state == "paused", "clearing moves nothing"
    assert step(gate, 4, engage=True, commands=("resume",)).state == "autonomous", "what was held is let go first"
    step(gate, 5)
    assert step(gate, 6, engage=True).state == "correcting"


def test_stop_of_a_stale_or_lost_device_is_heard() -> None:
    assert step(Gate(), 5 * S, stop=True, age_ns=S).state == "stopped"
    assert step(Gate(), 5 * S, stop=True, connected=False).state == "stopped"


def test_kind_changes_live_and_release_lets_go() -> None:
    gate = Gate(GateSettings(mode="toggle"))
    assert step(gate, 0, engage=True, commands=("toggle_correction_mode",)).correction_mode == "relative"
    assert step(gate, 1, engage=True, commands=("toggle_correction_mode",)).correction_mode == "absolute"
    gate.begin()
    assert step(gate, 2, engage=True).driver == "robot"


def test_unknown_command_is_named() -> None:
    with pytest.raises(ValueError, match="'success'"):
        step(Gate(), 0, commands=("success",))


samples = st.builds(
    lambda motion, engage, stop, connected, age_ns: (motion, engage, stop, connected, age_ns),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.booleans(),
    st.integers(0, 9).map(lambda n: n == 0),
    st.integers(0, 9).map(lambda n: n > 0),
    st.integers(0, 400 * MS),
)
ticks = st.lists(st.tuples(samples, st.lists(st.sampled_from(GATE_COMMANDS), max_size=2)), max_size=40)
settings = st.builds(
    GateSettings,
    mode=st.sampled_from(["hold", "touch", "toggle"]),
    on_stale=st.sampled_from(["policy", "pause", "zero"]),
)


@given(ticks, settings)
def test_random_streams_never_move_a_stopped_or_paused_robot(
    stream: list[tuple[tuple, list[str]]], settings: GateSettings
) -> None:
    gate = Gate(settings)
    stopped = False
    state: GateState = "autonomous"
    for tick, ((motion, engage, stop, connected, age_ns), commands) in enumerate(stream):
        now_ns = S + tick * 100 * MS
        out = gate.step(DeviceSample(now_ns - age_ns, motion, engage, stop, connected), now_ns, commands)
        # the latch, modelled on its own: the last of stop and clear_stop counts, a held control beats both
        for command in commands:
            stopped = (stopped or command == "stop") and command != "clear_stop"
        stopped = stopped or stop
        assert (out.state == "stopped") == stopped
        if stopped or out.state == "paused":
            assert out.driver == "nobody"
        assert out.driver == DRIVERS[out.state]
        if out.driver != "human" or not connected or age_ns > 250 * MS:
            assert not any(out.motion)
        else:
            assert out.motion == motion
        assert out.entered == (state != "correcting" and out.state == "correcting")
        assert out.left == (state == "correcting" and out.state != "correcting")
        state = out.state
