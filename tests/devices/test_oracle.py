"""The scripted teacher as a device: gating, persistence, noise, latency, key presses; once per tick, reproducible."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher import noise, scripted
from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.devices.teacher.keypress_model import KeypressModel, nearest_keys, nearest_relative_keys
from hitl_clic.devices.teacher.oracle import Answer, Oracle, OracleSettings
from hitl_clic.devices.teacher.scripted import Script, ScriptedDevice

FAR = np.array([0.8, -0.6])
HERE = np.zeros(2, np.float32)


class Teacher:
    """Its action is the first two numbers of the observation; records every call."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.resets = 0

    def action(self, observation: np.ndarray) -> np.ndarray:
        self.calls.append(float(observation[2]))
        return observation[:2]

    def reset(self) -> None:
        self.resets += 1


class FunctionTeacher(Teacher):
    """Its action is a function of the observation."""

    def __init__(self, wanted: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self.wanted = wanted

    def action(self, observation: np.ndarray) -> np.ndarray:
        return self.wanted(observation)


PATIENCE_S = 60.0
"""Timeout for events that are immediate except on a slow machine, s."""
MS = 1_000_000


class Rig:
    """A started oracle and the loop's side of its channel."""

    def __init__(self, settings: OracleSettings, execute: int = 4, teacher: Script | None = None) -> None:
        self.teacher = Teacher()
        self.channel = TeacherChannel()
        self.device = ScriptedDevice(teacher or self.teacher, Oracle(settings, execute, ("x", "y")), self.channel)

    def show(
        self, tick: int, wanted: np.ndarray = FAR, robot: np.ndarray | None = HERE, episode: int = 0, **more: object
    ) -> None:
        observation = np.array([*wanted, tick], np.float32)
        fields: dict = {"step": tick, "step_in_chunk": 0} | more
        self.channel.show(
            TeacherView(tick, episode, observation=observation, plan=None if robot is None else robot[None], **fields)
        )

    def answer(self, tick: int, wanted: np.ndarray = FAR, **more: object) -> DeviceSample:
        self.show(tick, wanted, **more)  # type: ignore[arg-type]
        assert self.channel.wait_answer(tick, PATIENCE_S)
        return self.device.latest()


class Stepped(Rig):
    """An oracle without a thread: the test calls `read` and sets the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
        super().__init__(OracleSettings(**settings))  # type: ignore[arg-type]
        self.now_ns = 0
        monkeypatch.setattr(scripted, "time", SimpleNamespace(perf_counter_ns=lambda: self.now_ns))

    def read(self, ms: int) -> DeviceSample:
        self.now_ns = ms * MS
        return self.device.read(0.0)


@contextmanager
def rig(execute: int = 4, teacher: Script | None = None, **settings: object) -> Iterator[Rig]:
    made = Rig(OracleSettings(**settings), execute, teacher)  # type: ignore[arg-type]
    made.device.start()
    try:
        yield made
    finally:
        made.device.close()


def test_engages_only_above_the_threshold_and_always_publishes_its_action() -> None:
    with rig(threshold=0.5, persist=False) as r:
        far = r.answer(0, np.array([0.3, 0.5]))
        near = r.answer(1, np.array([0.3, 0.3]))
        wanted = r.channel.wanted(1)
    assert (far.engage, near.engage) == (True, False)
    assert far.motion == tuple(np.array([0.3, 0.5], np.float32).astype(float)), "a* to the last bit"
    assert near.motion == (0.0, 0.0)
    assert wanted == tuple(np.array([0.3, 0.3], np.float32).astype(float))


def test_the_teacher_is_called_once_per_tick_even_if_the_plan_comes_later() -> None:
    with rig() as r:
        r.show(0, robot=None)
        deadline = time.perf_counter() + PATIENCE_S
        while r.channel.wanted(0) is None and time.perf_counter() < deadline:
            time.sleep(0.001)
        assert not r.channel.wait_answer(0, 0.02), "no answer without the robot's action"
        assert not r.device.latest().engage
        assert r.answer(0).engage
        r.show(0, robot=np.ones(2, np.float32))
        time.sleep(0.02)
        assert r.device.latest().engage
        r.answer(1)
    assert r.teacher.calls == [0, 1]
    assert r.teacher.resets == 1


def test_a_view_is_decided_once() -> None:
    with rig(gaussian_noise=True, rate_hz=1000) as r:
        first = r.answer(0).motion
        r.show(0, robot=-np.ones(2, np.float32))
        time.sleep(0.05)
        assert r.device.latest().motion == first


def test_each_episode_resets_the_teacher_and_drops_the_old_motion() -> None:
    with rig() as r:
        assert r.answer(0).engage
        r.show(1, episode=1, robot=None, step=0)
        deadline = time.perf_counter() + PATIENCE_S
        while r.device.latest().engage and time.perf_counter() < deadline:
            time.sleep(0.001)
        assert not r.device.latest().engage
        assert r.teacher.resets == 2


def test_an_answer_does_not_wait_for_the_rate() -> None:
    with rig(rate_hz=1e-4) as r:  # one reading in three hours
        for tick in range(20):
            r.answer(tick)


def test_held_motion_is_confirmed_at_the_rate() -> None:
    with rig(rate_hz=500) as r:
        first = r.answer(0)
        deadline = time.perf_counter() + PATIENCE_S
        while (sample := r.device.latest()).time_ns < first.time_ns + 20 * MS:
            assert time.perf_counter() < deadline
            time.sleep(0.001)
        assert (sample.engage, sample.motion) == (True, first.motion)


def test_latency_delays_each_answer_and_blocks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    r = Stepped(monkeypatch, latency_s=0.5)
    r.show(0, np.array([0.5, 0.0]))
    assert r.read(0).motion == (0.0, 0.0)
    assert r.channel.wanted(0) == (0.5, 0.0), "known at once"
    r.show(1, np.array([-0.5, 0.0]))
    assert [r.read(ms).motion[0] for ms in (100, 499, 500, 599, 600)] == [0.0, 0.0, 0.5, 0.5, -0.5]
    assert r.read(700).motion == (-0.5, 0.0)


def test_an_action_too_large_keeps_its_direction() -> None:
    with rig() as r:
        assert r.answer(0, np.array([2.0, -1.0])).motion == (1.0, -0.5)


def test_a_failing_teacher_disconnects_with_its_reason() -> None:
    with rig(teacher=FunctionTeacher(lambda _: np.array([np.nan, 0.0]))) as r:
        r.show(0)
        with pytest.raises(RuntimeError, match="teacher failed") as caught:
            r.channel.wait_answer(0, PATIENCE_S)
        assert isinstance(caught.value.__cause__, ValueError)
        assert not r.device.latest().connected


def test_closing_wakes_a_waiting_loop() -> None:
    made = Rig(OracleSettings())
    made.device.start()
    threading.Timer(0.05, made.device.close).start()
    assert not made.channel.wait_answer(0, 1e6), "without the closing it would wait for days"


def test_missed_ticks_are_counted() -> None:
    with rig() as r:
        r.answer(0)
        r.answer(5)
        assert r.device.missed == 4
    assert r.teacher.calls == [0, 5]


def test_contract() -> None:
    rigs: list[Rig] = []

    def make() -> ScriptedDevice:
        rigs.append(Rig(OracleSettings()))
        return rigs[-1].device

    check_device(make, deflect=lambda _: rigs[-1].show(0))


def run(settings: OracleSettings) -> list[DeviceSample]:
    """Three episodes of ten ticks, unpaced."""
    generator = np.random.default_rng(5)
    made = Rig(settings)
    made.device.start()
    samples = []
    for tick in range(30):
        robot = generator.uniform(-1, 1, 2).astype(np.float32)
        samples.append(made.answer(tick, robot=robot, episode=tick // 10, step=tick % 10, step_in_chunk=tick % 4))
    made.device.close()
    return samples


def test_same_seed_same_answers() -> None:
    noisy = {"direction_noise_deg": 20.0, "magnitude_noise": 1.0, "gaussian_noise": True}
    seeds = (3, 3, 4)
    a, b, c = ([s.motion for s in run(OracleSettings(seed=seed, **noisy))] for seed in seeds)  # type: ignore[arg-type]
    assert a == b
    assert a != c


# The gating itself, without threads.


def decisions(settings: OracleSettings, distances: list[float], execute: int = 4, chunk: int = 4) -> list[bool]:
    oracle = Oracle(settings, execute)
    oracle.begin(0)
    return [
        oracle.decide(step, step % chunk, np.array([distance, 0.0]), HERE, "absolute")[1]
        for step, distance in enumerate(distances)
    ]


def test_persists_exactly_to_the_end_of_the_running_chunk() -> None:
    settings = OracleSettings(threshold=0.2)
    assert decisions(settings, [0, 0.5, 0, 0, 0, 0]) == [False, True, True, True, False, False]
    assert decisions(settings, [0, 0, 0, 0.5, 0, 0]) == [False, False, False, True, False, False]
    free = OracleSettings(threshold=0.2, persist=False)
    assert decisions(free, [0, 0.5, 0, 0, 0, 0]) == [False, True, False, False, False, False]


def test_a_patient_teacher_waits_then_drives_for_a_while() -> None:
    settings = OracleSettings(patience=3, persist_steps=5)
    far = [0.5] * 9 + [0.0] * 3 + [0.5] * 5
    assert decisions(settings, far, execute=2, chunk=2) == (
        [False] * 3 + [True] * 5 + [False] + [False] * 3 + [False] * 3 + [True] * 2
    ), "wrong three times running first; being right in between starts the count anew"


def test_persistence_ends_with_the_episode() -> None:
    oracle = Oracle(OracleSettings(), execute=8)
    oracle.begin(0)
    assert oracle.decide(0, 0, FAR, HERE, "absolute")[1]
    oracle.begin(1)
    assert not oracle.decide(0, 0, HERE, HERE, "absolute")[1]


def test_decides_every_second_step() -> None:
    far = 0.9
    turns = OracleSettings(every=2, persist=False)
    assert decisions(turns, [far] * 6) == [True, False, True, False, True, False]


def test_delay_gives_the_correction_of_an_earlier_tick() -> None:
    oracle = Oracle(OracleSettings(delay_steps=2, persist=False), execute=1)
    oracle.begin(0)
    given = [oracle.decide(step, 0, np.array([0.5 + step / 10, 0.0]), HERE, "absolute") for step in range(4)]
    assert given == [
        Answer((0.0, 0.0), False), Answer((0.0, 0.0), False), Answer((0.5, 0.0), True), Answer((0.6, 0.0), True),
    ]  # fmt: skip


def test_a_relative_push_is_as_small_as_needed() -> None:
    oracle = Oracle(OracleSettings(), execute=2)
    oracle.begin(0)
    motion, engage, teaches = oracle.decide(0, 0, np.array([0.5, 0.3]), np.array([0.2, -0.1]), "relative")
    assert engage
    assert teaches is None
    assert motion == pytest.approx((0.15, 0.2)), "a full push goes from end to end"
    assert oracle.decide(1, 1, FAR, FAR, "relative") == Answer((0.0, 0.0), True), "persisting with nothing to say"


def test_relative_motion_is_zero_within_the_threshold() -> None:
    """It stays engaged. A learned direction has no length, so it would overshoot."""
    oracle = Oracle(OracleSettings(threshold=0.2, persist_steps=5), execute=1)
    oracle.begin(0)
    far, near = np.array([0.5, 0.0]), np.array([0.1, 0.1])
    assert oracle.decide(0, 0, far, HERE, "relative").motion == pytest.approx((0.25, 0.0))
    assert oracle.decide(1, 0, near, HERE, "relative") == Answer((0.0, 0.0), True)
    assert oracle.decide(2, 0, near, HERE, "absolute").motion == pytest.approx((0.1, 0.1)), "an action is one"
    assert oracle.decide(3, 0, far, HERE, "relative").motion == pytest.approx((0.25, 0.0))


def test_the_gate_sets_the_correction_mode() -> None:
    with rig() as r:
        sample = r.answer(0, np.array([0.3, 0.0]), correction_mode="relative")
    assert sample.motion == pytest.approx((0.15, 0.0))


ARM = ("x", "y", "z", "roll", "pitch", "gripper")


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_partial_covers_the_group_with_the_largest_error_and_ungrouped_axes(correction_mode: str) -> None:
    oracle = Oracle(OracleSettings(partial=("x,y,z", "roll, pitch")), execute=1, axes=ARM)
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.0])
    place = oracle.decide(0, 0, robot + np.array([0.3, 0.3, 0.3, 0.5, 0.0, 0.0]), robot, correction_mode)  # type: ignore[arg-type]
    turn = oracle.decide(1, 0, robot + np.array([0.3, 0.3, 0.3, 0.0, 0.6, 0.8]), robot, correction_mode)  # type: ignore[arg-type]
    assert place.teaches == (True, True, True, False, False, True)
    assert turn.teaches == (False, False, False, True, True, True)
    if correction_mode == "relative":
        assert place.motion == pytest.approx([0.15] * 3 + [0, 0, 0])
        assert turn.motion == pytest.approx([0, 0, 0, 0, 0.3, 0.4]), "a push along what it is about"
    else:
        assert place.motion == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.2, 0.0])
        assert turn.motion == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.8, 0.8])


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_noise_stays_out_of_uncovered_axes(seed: int) -> None:
    settings = OracleSettings(
        seed=seed, threshold=0.0, direction_noise_deg=40.0, gaussian_noise=True, partial=("x", "y", "z")
    )
    oracle = Oracle(settings, execute=1, axes=("x", "y", "z"))
    oracle.begin(0)
    robot, wanted = np.random.default_rng(seed).uniform(-1, 1, (2, 3))
    answer = oracle.decide(0, 0, wanted, robot, "absolute")
    assert answer.teaches is not None
    assert list(answer.teaches) == [axis == np.abs(wanted - robot).argmax() for axis in range(3)]
    left_alone = ~np.array(answer.teaches)
    assert np.array_equal(np.array(answer.motion)[left_alone], robot[left_alone])
    assert answer.motion[int(np.argmin(left_alone))] != wanted[int(np.argmin(left_alone))]


@pytest.mark.parametrize(
    ("partial", "words"), [(("x,grip",), "'grip'; allowed here: x, y"), (("x", "x,y"), "'x' twice"), (("",), "''")]
)
def test_partial_refuses_axes_by_name(partial: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=rf"oracle\.partial names the axis .*{words}"):
        Oracle(OracleSettings(partial=partial), execute=1, axes=("x", "y"))


def test_the_sample_names_the_covered_axes() -> None:
    with rig(partial=("x", "y"), persist=False) as r:
        sample = r.answer(0, np.array([0.3, -0.6]))
        idle = r.answer(1, np.array([0.0, 0.0]))
    assert sample.teaches == (False, True)
    assert sample.motion == pytest.approx((0.0, -0.6))
    assert idle.teaches is None


vectors = st.lists(st.floats(-1, 1), min_size=2, max_size=8).map(np.array).filter(lambda d: np.linalg.norm(d) > 1e-3)


@settings(deadline=None)
@given(vectors, st.floats(0, 180), st.integers(0, 100))
def test_rotation_keeps_the_length(d: np.ndarray, degrees: float, seed: int) -> None:
    turned = noise.rotate(d, degrees, np.random.default_rng(seed))
    length = np.linalg.norm(d)
    assert np.linalg.norm(turned) == pytest.approx(length)
    assert turned @ d / length**2 == pytest.approx(np.cos(np.deg2rad(degrees)), abs=1e-6)


def test_scaling_and_gaussian_noise_have_the_stated_size() -> None:
    generator = np.random.default_rng(0)
    d = np.array([0.6, 0.8])
    sizes = [np.linalg.norm(noise.scale(d, 0.5, generator)) for _ in range(2000)]
    assert 0.001 <= min(sizes) <= max(sizes) <= 0.5
    assert np.mean(sizes) == pytest.approx(0.25, abs=0.02)
    for correction_mode, deviation in (("absolute", 0.04), ("relative", 0.5)):
        shaken = np.array([noise.add_gaussian(d, correction_mode, generator) - d for _ in range(4000)])  # type: ignore[arg-type]
        assert shaken.std() == pytest.approx(deviation, rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["absolute", "relative"]))
def test_noisy_motion_stays_in_bounds(seed: int, correction_mode: str) -> None:
    settings = OracleSettings(
        seed=seed, threshold=0.0, direction_noise_deg=90.0, magnitude_noise=5.0, gaussian_noise=True
    )
    oracle = Oracle(settings, execute=1)
    oracle.begin(0)
    motion, *_ = oracle.decide(0, 0, np.array([1.0, -1.0, 0.9]), np.array([-1.0, 1.0, 0.0]), correction_mode)  # type: ignore[arg-type]
    assert np.max(np.abs(motion)) <= 1.0


@given(
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
)
def test_a_relative_push_points_at_the_wanted_action_and_reaches_it_if_possible(
    wanted: tuple[float, float], robot: tuple[float, float], reach: float
) -> None:
    oracle = Oracle(OracleSettings(threshold=0.0), 1, relative_step=reach)
    oracle.begin(0)
    away = np.array(wanted) - robot
    pushed = reach * np.array(oracle.decide(0, 0, np.array(wanted), np.array(robot), "relative").motion)
    share = min(1.0, reach / max(1e-12, float(np.abs(away).max())))
    assert pushed == pytest.approx(share * away, abs=1e-9)


@given(way=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda w: np.hypot(*w) > 1e-3))
def test_pressed_keys_are_the_nearest_of_eight_directions(way: tuple[float, float]) -> None:
    keys = nearest_keys(np.array(way))
    assert set(keys) <= {-1.0, 0.0, 1.0}
    cosine = keys @ np.array(way) / np.linalg.norm(keys) / np.linalg.norm(way)
    assert cosine >= np.cos(np.pi / 8) - 1e-9


def test_a_press_lasts_and_the_next_one_follows_the_wanted_keys() -> None:
    fingers, generator = KeypressModel(keep=3, wrong=0.0), np.random.default_rng(0)
    ways = [np.array([1.0, 0.1]), np.array([-1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.6, 0.7])]
    downs = [tuple(fingers.press(step, nearest_keys(way), generator)) for step, way in enumerate(ways)]
    assert downs == [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    fingers.release_all()
    assert tuple(fingers.press(4, np.array([0.0, -1.0]), generator)) == (0.0, -1.0)


def test_the_share_of_wrong_presses_is_the_one_asked_for() -> None:
    fingers, generator = KeypressModel(keep=1, wrong=0.2), np.random.default_rng(1)
    way = np.array([1.0, 0.0])
    wrong = np.mean([tuple(fingers.press(step, way, generator)) != (1.0, 0.0) for step in range(4000)])
    assert abs(wrong - 0.2 * 7 / 8) < 0.03  # one of eight random directions is the wanted one


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_an_oracle_with_press_steps_presses_keys(correction_mode: str) -> None:
    with rig(press_steps=2, persist_steps=6) as r:
        motions = [
            r.answer(tick, np.array([0.8, -0.1 * tick]), correction_mode=correction_mode).motion for tick in range(6)
        ]
    sharp = [tuple(np.sign(np.round(motion, 6))) for motion in motions]
    # half-way to the other end no key helps; straight ahead is no longer the nearest direction
    assert sharp == [(1.0, 0.0)] * 4 + [(1.0, -1.0) if correction_mode == "absolute" else (1.0, 0.0)] * 2
    assert all(np.linalg.norm(motion) == pytest.approx(1.0) for motion in motions[:4])


@pytest.mark.parametrize("late", [0, 3])
def test_a_help_request_is_answered_at_once_though_the_robot_was_right(late: int) -> None:
    with rig(threshold=0.5, delay_steps=late, persist=False) as r:
        assert not r.answer(0, FAR, robot=FAR.astype(np.float32)).engage
        r.show(0, FAR, robot=FAR.astype(np.float32), asks=True)
        deadline = time.monotonic() + PATIENCE_S
        while not (sample := r.device.latest()).engage:
            assert time.monotonic() < deadline
        assert sample.motion == pytest.approx(tuple(FAR))
        assert not r.answer(1, FAR, robot=FAR.astype(np.float32)).engage, "and lets go when the robot goes on"


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_a_button_switches_the_gripper_whatever_keys_are_down(correction_mode: str) -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.3), execute=1, axes=("x", "y", "gripper2"))
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.4])
    pushed = oracle.decide(0, 0, np.array([0.8, 0.1, 1.0]), robot, correction_mode)  # type: ignore[arg-type]
    assert pushed == Answer((1.0, 0.0, 1.0), True)
    content = oracle.decide(1, 0, np.array([0.1, 0.2, -1.0]), robot, correction_mode)  # type: ignore[arg-type]
    assert content.engage
    assert content.motion[2] == -1.0
    if correction_mode == "relative":
        assert content.motion[:2] == (0.0, 0.0), "only the gripper was wrong"
    assert oracle.decide(9, 0, robot, robot, correction_mode).motion == (0.0, 0.0, 0.0), (
        "the button is the robot's when it drives"
    )  # type: ignore[arg-type]


@given(
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
    speeds=st.sampled_from([(1.0,), (1.0, 0.35)]),
)
def test_relative_keys_bring_the_robot_as_near_as_possible(
    robot: tuple[float, float], wanted: tuple[float, float], reach: float, speeds: tuple[float, ...]
) -> None:
    def apart(keys: np.ndarray) -> float:
        return float(np.linalg.norm(np.clip(np.array(robot) + reach * keys, -1, 1) - wanted))

    keys = nearest_relative_keys(np.array(robot), np.array(wanted), reach, speeds)
    assert len({abs(key) for key in keys} - {0.0}) <= 1, "one speed for all"
    best = min(apart(speed * np.array(each)) for each in product((-1.0, 0.0, 1.0), repeat=2) for speed in speeds)
    assert apart(keys) == pytest.approx(best, abs=1e-6)
    assert not nearest_relative_keys(np.array(wanted), np.array(wanted), reach, speeds).any(), (
        "where it is right no key is pressed"
    )


def test_small_corrections_use_the_precise_speed() -> None:
    assert nearest_keys(np.array([0.9, 0.1]), (1.0, 0.35)).tolist() == [1.0, 0.0]
    assert nearest_keys(np.array([0.3, -0.3]), (1.0, 0.35)).tolist() == [0.35, -0.35]
    assert nearest_relative_keys(np.zeros(2), np.array([0.5, 0.1]), 1.5, (1.0, 0.35)).tolist() == [0.35, 0.0]
    oracle = Oracle(OracleSettings(press_steps=2, precise_scale=0.35, threshold=0.2), 1, ("x", "y"), relative_step=1.5)
    oracle.begin(0)
    assert oracle.decide(0, 0, np.array([0.5, 0.1]), np.zeros(2), "relative").motion == (0.35, 0.0)


def test_relative_keys_act_against_the_error_and_back_after_an_overshoot() -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.2), 1, ("x", "y"), relative_step=1.5)
    oracle.begin(0)

    def pressed_at(step: int, robot: tuple[float, float], wanted: tuple[float, float]) -> tuple[float, ...]:
        return oracle.decide(step, 0, np.array(wanted), np.array(robot), "relative").motion

    assert pressed_at(0, (0.0, 0.0), (0.8, 0.1)) == (1.0, 0.0)
    assert pressed_at(1, (0.0, 1.0), (0.8, 0.1)) == (1.0, -1.0)
    assert pressed_at(2, (1.0, 0.0), (0.1, 0.0)) == (-1.0, 0.0)
    assert pressed_at(3, (0.5, 0.0), (0.7, 0.0)) == (0.0, 0.0), "a press would go too far"


def test_with_no_key_down_a_press_begins_at_any_time() -> None:
    fingers, generator = KeypressModel(keep=3, wrong=0.0), np.random.default_rng(0)
    nothing, right = np.zeros(2), np.array([1.0, 0.0])
    downs = [
        tuple(fingers.press(step, keys, generator)) for step, keys in enumerate([nothing, right, nothing, nothing])
    ]
    assert downs == [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    assert tuple(fingers.press(4, nothing, generator)) == (0.0, 0.0)


def test_a_wrong_gripper_does_not_prevent_corrections_of_an_overshoot() -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.2), execute=1, axes=("x", "y", "gripper"))
    oracle.begin(0)
    wanted, robot = np.array([-0.3, 0.0, 1.0]), np.array([1.0, 0.0, -1.0])
    assert oracle.decide(0, 0, wanted, robot, "relative").motion == (-1.0, 0.0, 1.0)


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    gain=st.floats(0.1, 0.4),
    correction_mode=st.sampled_from(["absolute", "relative"]),
)
def test_anticipation_prevents_an_overshoot(
    goal: float, late: int, gain: float, correction_mode: Literal["absolute", "relative"]
) -> None:
    """A late teacher with proportional control of a unit integrator oscillates. With anticipation it does not."""

    def farthest(anticipation: float) -> tuple[float, float]:
        settings = OracleSettings(delay_steps=late, anticipation=anticipation, threshold=0.0, persist_steps=1000)
        oracle = Oracle(settings, execute=1, relative_step=2.0)
        oracle.begin(0)
        place, most = 0.0, 0.0
        for step in range(400):
            wanted = np.clip([gain * (goal - place)], -1.0, 1.0)
            still = np.zeros(1, np.float32)
            motion = oracle.decide(step, 0, wanted, still, correction_mode).motion[0]
            place += 2.0 * motion if correction_mode == "relative" else motion
            most = max(most, (place - goal) * np.sign(goal))
        return most, place

    beyond, end = farthest(gain)
    assert beyond <= 1e-6 * abs(goal)
    assert end == pytest.approx(goal, abs=1e-3 * abs(goal) + 1e-9)
    if abs(goal) > 8 / gain and late * gain > 2.0:
        assert farthest(0.0)[0] > 1.0


def test_motions_in_the_reader_count_as_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    r = Stepped(monkeypatch, latency_s=0.4, anticipation=0.25, persist=False)
    for tick in range(3):
        r.show(tick, np.array([0.5, 0.0]))
        r.read(10 * tick)
    given = [r.read(400 + 10 * tick).motion[0] for tick in range(3)]
    assert given == pytest.approx([0.5, 0.5 - 0.25 * 0.5, 0.5 - 0.25 * (0.5 + 0.375)])


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    robot=st.floats(-1.0, 1.0),
    correction_mode=st.sampled_from(["absolute", "relative"]),
)
def test_foresight_equals_a_teacher_without_latency(
    goal: float, late: int, robot: float, correction_mode: Literal["absolute", "relative"]
) -> None:
    """The state integrates actions; the teacher slows down near its goal, and the robot has a constant action."""

    def wanted(place: float) -> np.ndarray:
        return np.clip([0.3 * (goal - place)], -1.0, 1.0)

    assume(abs(wanted(0.0)[0] - robot) > 1e-3)  # wrong from the start, so it corrects at every tick
    settings = OracleSettings(delay_steps=late, foresight=True, threshold=0.0, persist_steps=1000)
    oracle = Oracle(settings, execute=1, relative_step=2.0, behind=late)
    oracle.begin(0)
    place, plan = 0.0, np.array([[robot]])
    for step in range(60):
        coming = oracle.actions_until_executed(plan, correction_mode)
        assert coming.shape == (late, 1)
        then = wanted(place + float(coming.sum()))
        answer = oracle.decide(step, 0, wanted(place), plan[0], correction_mode, foreseen=then)
        action = robot
        if answer.engage:
            action = robot + 2.0 * answer.motion[0] if correction_mode == "relative" else answer.motion[0]
            assert action == pytest.approx(wanted(place)[0], abs=1e-9)
        assert answer.engage == (step >= late)
        place += action


def test_prediction_uses_the_plan_or_its_first_step_during_a_correction() -> None:
    oracle = Oracle(OracleSettings(threshold=0.5), execute=1, relative_step=2.0, behind=3)
    oracle.begin(0)
    plan = np.array([[0.1, 0.0], [0.2, 0.0]])
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])
    assert not oracle.decide(0, 0, plan[0], plan[0], "relative").engage
    assert oracle.decide(1, 0, np.array([0.9, 0.0]), plan[0], "relative").motion == pytest.approx((0.4, 0.0))
    # two of three motions are decided; before the first, the robot's plan is used
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.1, 0.0], [0.9, 0.0]])
    oracle.begin(1)
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])


def test_the_device_corrects_for_the_future_state_and_engages_on_the_present_error() -> None:
    asked: list[np.ndarray] = []

    def foresee(observation: np.ndarray, actions: np.ndarray) -> np.ndarray:
        asked.append(actions)
        return np.array([0.0, 1.0])

    channel = TeacherChannel()
    settings = OracleSettings(foresight=True, persist=False)
    oracle = Oracle(settings, execute=4, axes=("x", "y"), behind=2)
    device = ScriptedDevice(FunctionTeacher(lambda seen: seen[:2]), oracle, channel, foresee)
    device.start()
    try:
        plan = np.zeros((4, 2), np.float32)
        for tick, wanted in enumerate([(1.0, 0.0), (0.0, 0.0)]):
            channel.show(TeacherView(tick, 0, tick, np.array([*wanted, 0.0], np.float32), plan, 0))
            assert channel.wait_answer(tick, 5.0)
            sample = device.latest()
            assert channel.wanted(tick) == wanted
            assert (sample.engage, sample.motion) == ((True, (0.0, 1.0)) if tick == 0 else (False, (0.0, 0.0)))
    finally:
        device.close()
    np.testing.assert_allclose(asked[1], [[0.0, 0.0], [0.0, 1.0]])


def test_foresight_needs_a_model() -> None:
    with pytest.raises(ValueError, match=r"oracle\.foresight"), rig(foresight=True):
        pass


def test_with_a_policy_filter_it_sees_the_filtered_action() -> None:
    """It corrects from the filtered action, not from that of the newest plan."""
    part, plan = np.array([0.4, 0.0], np.float32), np.array([-0.6, 0.0], np.float32)
    with rig(threshold=0.0) as oracle:
        answer = oracle.answer(0, np.array([0.2, 0.5]), robot=plan, correction_mode="relative", part=part, share=0.2)
        # the filtered action is 0.4 + 0.2 (-0.6 - 0.4) = 0.2; a full push adds 2
        np.testing.assert_allclose(answer.motion, [0.0, 0.25], atol=1e-6)
        answer = oracle.answer(1, np.array([0.2, 0.5]), robot=plan, correction_mode="relative")
        np.testing.assert_allclose(answer.motion, [0.4, 0.25], atol=1e-6)
