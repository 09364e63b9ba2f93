"""Whatever comes in: random samples, commands and gaps through gate, binding and hand-over, and through the loop."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_bench import Bench, TellTale

from hitl_clic.control.gate import CorrectionOptions, Gate, GateOutput, GateSettings
from hitl_clic.correction.mapping import PERSON_MAX_STEP, HandOver, Label, bind, human_action
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.tasks.frames import camera_axes
from hitl_clic.types.commands import GATE_COMMANDS, Driver
from hitl_clic.types.records import EVERYTHING, Array, CommandFrame, Proposal

MS = 1_000_000
DEVICE, ACTION = ("z", "x", "gripper"), ("x", "y", "z", "gripper")
GROUPS = {"level": ("x", "y"), "height": ("z",), "gripper": ("gripper",)}
BINDING = bind(DEVICE, ACTION, ("gripper",), GROUPS)
OPTIONS = CorrectionOptions(("world", "gripper", "camera"), (EVERYTHING, *GROUPS))
FRAMES: dict[CommandFrame, Array | None] = {
    "world": None,
    "gripper": camera_axes(0.0)[None] * [1.0, -1.0, 1.0],  # right-handed, as a hand's are
    "camera": camera_axes(30.0)[None],
}
AXES = [ACTION.index(name) for name in DEVICE]
"""Where the device's motions go in the action."""

wild = st.one_of(st.floats(-1, 1), st.sampled_from([0.0, 1.0, -1.0, 7.0, -1e300, math.nan, math.inf]))
flags = st.one_of(st.none(), st.tuples(*[st.booleans()] * 3))
rarely = st.integers(0, 9).map(lambda n: n == 0)
samples = st.builds(
    DeviceSample,
    time_ns=st.sampled_from([0, 10 * MS, 249 * MS, 251 * MS, 5000 * MS]),  # its age
    motion=st.tuples(wild, wild, wild),
    engage=st.booleans(),
    stop=rarely,
    connected=rarely.map(lambda is_lost: not is_lost),
    teaches=flags,
    lasting=flags,
)
actions = st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4).map(lambda values: np.array(values, np.float32))
ticks = st.tuples(samples, st.lists(st.sampled_from(GATE_COMMANDS), max_size=2), actions, st.integers(1, 150))
gates = st.builds(
    GateSettings,
    mode=st.sampled_from(["hold", "touch", "toggle"]),
    on_stale=st.sampled_from(["policy", "hold", "zero", "pause"]),
)
corrections = st.builds(
    CorrectionSettings,
    mode=st.sampled_from(["absolute", "relative"]),
    max_step=st.sampled_from([0.1, 0.5, 2.0, None]),
    command_frame=st.sampled_from(OPTIONS.frames),
    axes=st.sampled_from(OPTIONS.groups),
)


class Wheel:
    """Gate, binding and hand-over as the loop joins them."""

    def __init__(self, gate: GateSettings, correction: CorrectionSettings) -> None:
        self.gate = Gate(gate, correction, OPTIONS)
        self.hand_over = HandOver(correction.max_step, len(ACTION))

    def turn(
        self, sample: DeviceSample, now_ns: int, commands: list[str], robot: Array
    ) -> tuple[GateOutput, Label | None, Array, Array]:
        """The gate's verdict, the lesson if the human drives, what is wanted, what is executed."""
        output = self.gate.step(sample, now_ns, commands)
        lesson = None
        if output.driver == "human":
            lesson = human_action(
                robot,
                output.motion,
                output.correction_mode,
                self.gate.correction.relative_step,
                BINDING,
                output.teaches,
                FRAMES[output.command_frame],
                BINDING.groups.get(output.correction_axes),
            )
        wanted = robot if lesson is None else lesson.action
        anew = output.switched and output.driver == "human"
        return output, lesson, wanted, self.hand_over.step(output.driver, wanted, anew)


class Switchboard:
    """How corrections are read modelled on its own: how often each switch was pressed."""

    def __init__(self, correction: CorrectionSettings) -> None:
        modes = ("absolute", "relative")
        self.rounds = {
            "toggle_correction_mode": modes,
            "next_command_frame": OPTIONS.frames,
            "next_correction_axes": OPTIONS.groups,
        }
        self.at = dict(zip(self.rounds, (correction.mode, correction.command_frame, correction.axes), strict=True))

    def read(self, commands: list[str]) -> tuple[str, ...]:
        for name, choices in self.rounds.items():
            self.at[name] = choices[(choices.index(self.at[name]) + commands.count(name)) % len(choices)]
        return tuple(self.at.values())


class Brake:
    """The stop modelled on its own: from a stop on nothing moves until it is cleared and, later, resumed."""

    def __init__(self) -> None:
        self.stopped = self.parked = False

    def moves(self, commands: list[str], stop: bool) -> bool:
        for command in commands:
            if command == "stop":
                self.stopped = True
            elif command == "clear_stop" and self.stopped:
                self.stopped, self.parked = False, True
            elif command in ("resume", "pause") and self.parked and not self.stopped:
                self.parked = False
        self.stopped = self.stopped or stop
        self.parked = self.parked and not self.stopped
        return not (self.stopped or self.parked)


@settings(max_examples=150, deadline=None)  # a busy machine is no failure
@given(st.lists(ticks, max_size=30), gates, corrections)
def test_no_stream_moves_too_far_or_after_a_stop_or_teaches_what_nobody_did(
    stream: list[tuple[DeviceSample, list[str], Array, int]], gate: GateSettings, correction: CorrectionSettings
) -> None:
    wheel, brake, switchboard, now_ns = Wheel(gate, correction), Brake(), Switchboard(correction), 10**10
    limit = 2.0 if correction.max_step is None else correction.max_step
    before, driver_before, catching_up = np.zeros(4, np.float32), "nobody", False
    lost_ns: int | None = None
    last: DeviceSample | None = None
    for aged, commands, robot, passed_ms in stream:
        now_ns += passed_ms * MS
        sample = replace(aged, time_ns=now_ns - aged.time_ns)
        output, lesson, wanted, executed = wheel.turn(sample, now_ns, commands, robot)
        read_before = tuple(switchboard.at.values())
        read = switchboard.read(commands)
        assert (output.correction_mode, output.command_frame, output.correction_axes) == read
        assert output.switched == (read != read_before)
        sound = sample.connected and aged.time_ns <= 250 * MS and all(map(math.isfinite, sample.motion))

        assert np.all(np.isfinite(executed))
        assert np.all(np.abs(executed) <= 1.0)
        if not brake.moves(commands, sample.stop) or output.driver == "nobody":
            assert output.driver == "nobody"
            assert not executed.any()
            catching_up = False
        else:
            anew = output.switched and output.driver == "human"
            catching_up = catching_up or output.driver != driver_before or anew
            if catching_up:
                assert np.all(np.abs(executed - before) <= limit + 1e-6), "the bound of a hand-over"
                assert np.all((executed - before) * (wanted - before) >= 0), "and towards what is wanted"
            else:
                assert np.array_equal(executed, wanted)
            catching_up = catching_up and not np.array_equal(executed, wanted)

        # who is heard, and what of it counts
        assert output.stale == (not sound)
        if output.driver == "robot":
            assert np.array_equal(wanted, robot)
        if output.driver == "human":
            assert sound or gate.on_stale in ("hold", "zero")
            if sound and gate.mode == "hold":
                assert sample.engage
            assert lesson is not None
            group = GROUPS.get(output.correction_axes, ACTION)
            left_alone = [index for index, axis in enumerate(ACTION) if axis not in group]
            assert not lesson.taught[left_alone].any(), "axes that nobody chose to correct"
            assert np.array_equal(wanted[left_alone], robot[left_alone]), "which the robot keeps"
            if output.command_frame != "camera":  # which is askew: the device's x moves along y too
                assert not lesson.taught[1] or output.command_frame == "gripper", "an axis that the device has not"
            if output.command_frame == "world":
                assert wanted[1] == robot[1]
            acted = sample
            if not sound:
                assert last is not None
                lost_ns = now_ns if lost_ns is None else lost_ns
                assert gate.on_stale == "zero" or now_ns - lost_ns < gate.stale_hold_s * 1e9, "a bounded time"
                still = replace(sample, motion=(0.0,) * 3, teaches=None)
                acted = last if gate.on_stale == "hold" else still
            for index, axis in enumerate(AXES):
                if axis in left_alone or (output.command_frame != "world" and axis != 3):
                    continue
                if acted.teaches is not None and not acted.teaches[index]:
                    assert not lesson.taught[axis]
                    assert wanted[axis] == robot[axis], "an axis that the correction is not about"
                elif output.correction_mode == "absolute":
                    assert wanted[axis] == np.float32(max(-1.0, min(1.0, acted.motion[index])))
        if sound:
            lost_ns, last = None, sample
        before, driver_before = executed, output.driver


# ---- the hand-over's bound


def sources(ticks: int, seed: int) -> tuple[Array, Array]:
    """What robot and hand ask for, tick by tick: each by itself moves on by little, and they are far apart."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.normal(0.0, 0.08, (2, ticks, 2)), axis=1) + rng.uniform(-3, 3, (2, 1, 2))
    both = np.sin(at).astype(np.float32)
    return both[0], both[1]


class Walks(TellTale):
    """A policy that plans, from any state, the walk's own next steps."""

    def __init__(self, walk: Array) -> None:
        super().__init__(4)
        self.walk = np.concatenate([walk, walk[-1:].repeat(8, axis=0)])

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        step = round(float(observation[2]))
        return Proposal(self.walk[step : step + self.horizon].copy(), 0.0)


@pytest.mark.parametrize(("max_step", "bound"), [(None, 2.0), (PERSON_MAX_STEP, PERSON_MAX_STEP), (0.1, 0.1)])
def test_a_thousand_switches_in_the_loop_keep_the_bound(max_step: float | None, bound: float) -> None:
    """Beyond what the two sources themselves ask from one tick to the next, a switch changes the action by `bound`."""
    rng = np.random.default_rng(1)
    held = np.repeat(np.arange(1001) % 2 == 1, rng.integers(1, 5, 1001))
    robot, hand = sources(len(held), 2)

    def script(reading: int) -> DeviceSample:
        at = min(reading, len(held) - 1)
        motion = (float(hand[at, 0]), float(hand[at, 1])) if held[at] else (0.0, 0.0)
        return DeviceSample(0, motion, engage=bool(held[at]))

    bench = Bench(
        script,
        gate=GateSettings(stale_after_s=10.0),
        correction=CorrectionSettings(max_step=max_step),
        longest=len(held),
    )
    bench.policy = Walks(robot)
    bench.planner._policy = bench.policy
    bench.run()
    assert len(bench.ticks) == len(held)
    switches, jumps = 0, []
    for before, now in pairwise(bench.ticks):
        if before.state == now.state:
            continue
        switches += 1
        own = np.maximum(np.abs(robot[now.tick] - robot[before.tick]), np.abs(hand[now.tick] - hand[before.tick]))
        jumps.append(float(np.max(np.abs(now.executed - before.executed) - own)))
        if now.human_action is not None:
            assert np.allclose(now.human_action, hand[now.tick], atol=1e-6), "what is learnt is the hand's own"
    assert switches == 1000
    assert max(jumps) <= bound + 1e-6
    if max_step is None:
        assert max(jumps) > 1.0, "without a limit there is something to limit"


@given(actions, actions, st.sampled_from([0.1, 0.3, 0.5]))
def test_a_driver_who_holds_still_is_caught_up_with(before: Array, wanted: Array, max_step: float) -> None:
    hand_over = HandOver(max_step, 4)
    for _ in range(math.ceil(1 / max_step) + 1):
        hand_over.step("robot", before)
    driver: Driver = "human"
    for _ in range(math.ceil(2 / max_step) + 1):
        executed = hand_over.step(driver, wanted)
    assert np.array_equal(executed, wanted)


# ---- the same through the loop, to pairs


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("padding", ["hold", "hindsight"])
def test_pairs_hold_only_what_a_hand_that_was_heard_did(seed: int, padding: str) -> None:
    """Random presses, gaps and commands: each taught step of each pair is a tick that a fresh, held sample drove."""
    rng = np.random.default_rng(seed)
    on_stale = ("policy", "hold", "zero", "pause")[seed % 4]
    script, commands = [], {}
    held = False
    for reading in range(400):
        held = held != (rng.random() < 0.2)
        motion = tuple(float(v) * held for v in rng.uniform(-1, 1, 2))
        age_ns = 10**9 if rng.random() < 0.1 else 0
        stop, lost = bool(rng.random() < 0.02), bool(rng.random() < 0.05)
        script.append(DeviceSample(age_ns, motion, held, stop, not lost))
        if rng.random() < 0.15:
            commands[reading] = [str(rng.choice(["pause", "resume", "clear_stop", "stop"]))]
        if reading % 10 == 9:  # else it would stand most of the time
            commands[reading] = ["clear_stop", "resume"]
    commands[399] = ["quit"]
    gate = GateSettings(on_stale=on_stale, stale_after_s=0.5)  # type: ignore[arg-type]
    bench = Bench(
        lambda reading: script[reading],
        commands,
        gate=gate,
        correction=CorrectionSettings(max_step=0.5),
        longest=100_000,
        padding=padding,
    )
    readings: list[int] = []
    note = bench.task.step

    def step(action: Array) -> object:
        readings.append(bench.hand.readings - 1)
        return note(action)

    bench.task.step = step  # type: ignore[method-assign, assignment]
    bench.run()
    brake = Brake()
    may_move = [brake.moves(commands.get(at, []), script[at].stop) for at in range(400)]
    assert all(may_move[reading] for reading in readings), "no step between a stop and its clearing and resuming"
    by_tick = {record.tick: (record, script[reading]) for record, reading in zip(bench.ticks, readings, strict=True)}
    for record, sample in by_tick.values():
        heard = sample.connected and sample.time_ns == 0 and sample.engage
        assert (record.human_action is not None) == (heard and record.state == "correcting")
        if record.human_action is not None:
            assert np.allclose(record.human_action, sample.motion, atol=1e-6)
    assert bench.sent
    for pair in bench.sent:
        assert pair.mask.all(), "both paddings stand for actions"
        for step_at in range(bench.horizon if padding == "hindsight" else bench.execute):
            record, sample = by_tick.get(pair.tick + step_at, (None, None))
            if record is None or record.human_action is None:
                assert step_at > 0
                break
            assert sample is not None
            assert np.allclose(pair.human[step_at], sample.motion, atol=1e-6)
