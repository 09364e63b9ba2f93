"""The oracle as a device: gating, persistence, turns, noise, latency; once per tick and reproducible."""

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
from hitl_clic.devices.teacher.keypress_model import KeypressModel, nudged, pressed
from hitl_clic.devices.teacher.oracle import Answer, Oracle, OracleSettings
from hitl_clic.devices.teacher.scripted import Script, ScriptedDevice

FAR = np.array([0.8, -0.6])
HERE = np.zeros(2, np.float32)


class Teacher:
    """Wants its observation's first two numbers; notes every call."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.resets = 0

    def action(self, observation: np.ndarray) -> np.ndarray:
        self.calls.append(float(observation[2]))
        return observation[:2]

    def reset(self) -> None:
        self.resets += 1


class Wants(Teacher):
    """Wants what a function says."""

    def __init__(self, wanted: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self.wanted = wanted

    def action(self, observation: np.ndarray) -> np.ndarray:
        return self.wanted(observation)


PATIENCE_S = 60.0
"""How long a test waits for what happens at once, but on a slow machine."""
MS = 1_000_000


class Rig:
    """A started oracle and its loop's side."""

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


class ByHand(Rig):
    """An oracle without its thread: it reads when the test says, at the time that the test says."""

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


def test_engages_above_the_threshold_only_and_always_says_what_it_wants() -> None:
    with rig(threshold=0.5, persist=False) as r:
        far = r.answer(0, np.array([0.3, 0.5]))
        near = r.answer(1, np.array([0.3, 0.3]))
        wanted = r.channel.wanted(1)
    assert (far.engage, near.engage) == (True, False)
    assert far.motion == tuple(np.array([0.3, 0.5], np.float32).astype(float)), "a* to the last bit"
    assert near.motion == (0.0, 0.0)
    assert wanted == tuple(np.array([0.3, 0.3], np.float32).astype(float))


def test_teacher_is_asked_once_per_tick_also_when_the_plan_comes_later() -> None:
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


def test_a_view_is_decided_once_however_often_it_is_seen() -> None:
    with rig(gaussian_noise=True, rate_hz=1000) as r:
        first = r.answer(0).motion
        r.show(0, robot=-np.ones(2, np.float32))
        time.sleep(0.05)
        assert r.device.latest().motion == first


def test_reset_at_each_episode_and_lets_go_of_the_old_motion() -> None:
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
    r = ByHand(monkeypatch, latency_s=0.5)
    r.show(0, np.array([0.5, 0.0]))
    assert r.read(0).motion == (0.0, 0.0)
    assert r.channel.wanted(0) == (0.5, 0.0), "known at once"
    r.show(1, np.array([-0.5, 0.0]))
    assert [r.read(ms).motion[0] for ms in (100, 499, 500, 599, 600)] == [0.0, 0.0, 0.5, 0.5, -0.5]
    assert r.read(700).motion == (-0.5, 0.0)


def test_an_action_too_large_keeps_its_direction() -> None:
    with rig() as r:
        assert r.answer(0, np.array([2.0, -1.0])).motion == (1.0, -0.5)


def test_a_failing_teacher_is_lost_and_says_why() -> None:
    with rig(teacher=Wants(lambda _: np.array([np.nan, 0.0]))) as r:
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
    """Three episodes of ten ticks as fast as they go."""
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


def test_persists_to_the_end_of_the_running_chunk_and_not_beyond() -> None:
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


def test_asked_every_second_step() -> None:
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


def test_relative_is_as_gentle_a_push_as_is_needed() -> None:
    oracle = Oracle(OracleSettings(), execute=2)
    oracle.begin(0)
    motion, engage, teaches = oracle.decide(0, 0, np.array([0.5, 0.3]), np.array([0.2, -0.1]), "relative")
    assert engage
    assert teaches is None
    assert motion == pytest.approx((0.15, 0.2)), "a full push goes from end to end"
    assert oracle.decide(1, 1, FAR, FAR, "relative") == Answer((0.0, 0.0), True), "persisting with nothing to say"


def test_a_relative_teacher_points_nowhere_where_the_robot_is_about_right() -> None:
    """It keeps driving, but learnt is a direction without its length, which would lead past what is wanted."""
    oracle = Oracle(OracleSettings(threshold=0.2, persist_steps=5), execute=1)
    oracle.begin(0)
    far, near = np.array([0.5, 0.0]), np.array([0.1, 0.1])
    assert oracle.decide(0, 0, far, HERE, "relative").motion == pytest.approx((0.25, 0.0))
    assert oracle.decide(1, 0, near, HERE, "relative") == Answer((0.0, 0.0), True)
    assert oracle.decide(2, 0, near, HERE, "absolute").motion == pytest.approx((0.1, 0.1)), "an action is one"
    assert oracle.decide(3, 0, far, HERE, "relative").motion == pytest.approx((0.25, 0.0))


def test_the_gate_decides_the_kind() -> None:
    with rig() as r:
        sample = r.answer(0, np.array([0.3, 0.0]), kind="relative")
    assert sample.motion == pytest.approx((0.15, 0.0))


ARM = ("x", "y", "z", "roll", "pitch", "gripper")


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_partial_is_about_the_group_that_errs_most_and_axes_in_none(kind: str) -> None:
    oracle = Oracle(OracleSettings(partial=("x,y,z", "roll, pitch")), execute=1, axes=ARM)
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.0])
    place = oracle.decide(0, 0, robot + np.array([0.3, 0.3, 0.3, 0.5, 0.0, 0.0]), robot, kind)  # type: ignore[arg-type]
    turn = oracle.decide(1, 0, robot + np.array([0.3, 0.3, 0.3, 0.0, 0.6, 0.8]), robot, kind)  # type: ignore[arg-type]
    assert place.teaches == (True, True, True, False, False, True)
    assert turn.teaches == (False, False, False, True, True, True)
    if kind == "relative":
        assert place.motion == pytest.approx([0.15] * 3 + [0, 0, 0])
        assert turn.motion == pytest.approx([0, 0, 0, 0, 0.3, 0.4]), "a push along what it is about"
    else:
        assert place.motion == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.2, 0.0])
        assert turn.motion == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.8, 0.8])


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_noise_does_not_reach_what_a_partial_correction_leaves_alone(seed: int) -> None:
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


def test_the_sample_says_what_a_correction_is_about() -> None:
    with rig(partial=("x", "y"), persist=False) as r:
        sample = r.answer(0, np.array([0.3, -0.6]))
        idle = r.answer(1, np.array([0.0, 0.0]))
    assert sample.teaches == (False, True)
    assert sample.motion == pytest.approx((0.0, -0.6))
    assert idle.teaches is None


vectors = st.lists(st.floats(-1, 1), min_size=2, max_size=8).map(np.array).filter(lambda d: np.linalg.norm(d) > 1e-3)


@settings(deadline=None)
@given(vectors, st.floats(0, 180), st.integers(0, 100))
def test_turning_keeps_length_and_makes_the_angle(d: np.ndarray, degrees: float, seed: int) -> None:
    turned = noise.turn(d, degrees, np.random.default_rng(seed))
    length = np.linalg.norm(d)
    assert np.linalg.norm(turned) == pytest.approx(length)
    assert turned @ d / length**2 == pytest.approx(np.cos(np.deg2rad(degrees)), abs=1e-6)


def test_weakening_and_tremor_have_the_stated_size() -> None:
    generator = np.random.default_rng(0)
    d = np.array([0.6, 0.8])
    sizes = [np.linalg.norm(noise.weaken(d, 0.5, generator)) for _ in range(2000)]
    assert 0.001 <= min(sizes) <= max(sizes) <= 0.5
    assert np.mean(sizes) == pytest.approx(0.25, abs=0.02)
    for kind, deviation in (("absolute", 0.04), ("relative", 0.5)):
        shaken = np.array([noise.tremble(d, kind, generator) - d for _ in range(4000)])  # type: ignore[arg-type]
        assert shaken.std() == pytest.approx(deviation, rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["absolute", "relative"]))
def test_noisy_motion_stays_in_bounds(seed: int, kind: str) -> None:
    settings = OracleSettings(
        seed=seed, threshold=0.0, direction_noise_deg=90.0, magnitude_noise=5.0, gaussian_noise=True
    )
    oracle = Oracle(settings, execute=1)
    oracle.begin(0)
    motion, *_ = oracle.decide(0, 0, np.array([1.0, -1.0, 0.9]), np.array([-1.0, 1.0, 0.0]), kind)  # type: ignore[arg-type]
    assert np.max(np.abs(motion)) <= 1.0


@given(
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
)
def test_a_relative_push_points_at_what_is_wanted_and_goes_there_if_it_can(
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
    keys = pressed(np.array(way))
    assert set(keys) <= {-1.0, 0.0, 1.0}
    cosine = keys @ np.array(way) / np.linalg.norm(keys) / np.linalg.norm(way)
    assert cosine >= np.cos(np.pi / 8) - 1e-9


def test_a_press_is_kept_and_a_new_one_follows_the_way() -> None:
    fingers, generator = KeypressModel(keep=3, wrong=0.0), np.random.default_rng(0)
    ways = [np.array([1.0, 0.1]), np.array([-1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.6, 0.7])]
    downs = [tuple(fingers.press(step, pressed(way), generator)) for step, way in enumerate(ways)]
    assert downs == [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    fingers.lift()
    assert tuple(fingers.press(4, np.array([0.0, -1.0]), generator)) == (0.0, -1.0)


def test_the_share_of_wrong_presses_is_the_one_asked_for() -> None:
    fingers, generator = KeypressModel(keep=1, wrong=0.2), np.random.default_rng(1)
    way = np.array([1.0, 0.0])
    wrong = np.mean([tuple(fingers.press(step, way, generator)) != (1.0, 0.0) for step in range(4000)])
    assert abs(wrong - 0.2 * 7 / 8) < 0.03  # one of the eight random ones is right


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_an_oracle_with_fingers_presses_keys(kind: str) -> None:
    with rig(press_steps=2, persist_steps=6) as r:
        motions = [r.answer(tick, np.array([0.8, -0.1 * tick]), kind=kind).motion for tick in range(6)]
    sharp = [tuple(np.sign(np.round(motion, 6))) for motion in motions]
    # half-way to the other end no key helps; straight ahead is the nearer direction no longer
    assert sharp == [(1.0, 0.0)] * 4 + [(1.0, -1.0) if kind == "absolute" else (1.0, 0.0)] * 2
    assert all(np.linalg.norm(motion) == pytest.approx(1.0) for motion in motions[:4])


@pytest.mark.parametrize("late", [0, 3])
def test_asked_for_help_it_steps_in_at_once_though_the_robot_was_right(late: int) -> None:
    with rig(threshold=0.5, delay_steps=late, persist=False) as r:
        assert not r.answer(0, FAR, robot=FAR.astype(np.float32)).engage
        r.show(0, FAR, robot=FAR.astype(np.float32), asks=True)
        deadline = time.monotonic() + PATIENCE_S
        while not (sample := r.device.latest()).engage:
            assert time.monotonic() < deadline
        assert sample.motion == pytest.approx(tuple(FAR))
        assert not r.answer(1, FAR, robot=FAR.astype(np.float32)).engage, "and lets go when the robot goes on"


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_fingers_switch_a_gripper_by_a_button_whatever_else_they_press(kind: str) -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.3), execute=1, axes=("x", "y", "gripper2"))
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.4])
    pushed = oracle.decide(0, 0, np.array([0.8, 0.1, 1.0]), robot, kind)  # type: ignore[arg-type]
    assert pushed == Answer((1.0, 0.0, 1.0), True)
    content = oracle.decide(1, 0, np.array([0.1, 0.2, -1.0]), robot, kind)  # type: ignore[arg-type]
    assert content.engage
    assert content.motion[2] == -1.0
    if kind == "relative":
        assert content.motion[:2] == (0.0, 0.0), "only the gripper was wrong"
    assert oracle.decide(9, 0, robot, robot, kind).motion == (0.0, 0.0, 0.0), "the button is the robot's when it drives"  # type: ignore[arg-type]


@given(
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
    speeds=st.sampled_from([(1.0,), (1.0, 0.35)]),
)
def test_nudging_brings_the_robot_as_near_as_keys_can(
    robot: tuple[float, float], wanted: tuple[float, float], reach: float, speeds: tuple[float, ...]
) -> None:
    def apart(keys: np.ndarray) -> float:
        return float(np.linalg.norm(np.clip(np.array(robot) + reach * keys, -1, 1) - wanted))

    keys = nudged(np.array(robot), np.array(wanted), reach, speeds)
    assert len({abs(key) for key in keys} - {0.0}) <= 1, "one speed for all"
    best = min(apart(speed * np.array(each)) for each in product((-1.0, 0.0, 1.0), repeat=2) for speed in speeds)
    assert apart(keys) == pytest.approx(best, abs=1e-6)
    assert not nudged(np.array(wanted), np.array(wanted), reach, speeds).any(), "where it is right no key is pressed"


def test_short_ways_are_pressed_precisely() -> None:
    assert pressed(np.array([0.9, 0.1]), (1.0, 0.35)).tolist() == [1.0, 0.0]
    assert pressed(np.array([0.3, -0.3]), (1.0, 0.35)).tolist() == [0.35, -0.35]
    assert nudged(np.zeros(2), np.array([0.5, 0.1]), 1.5, (1.0, 0.35)).tolist() == [0.35, 0.0]
    oracle = Oracle(OracleSettings(press_steps=2, precise_scale=0.35, threshold=0.2), 1, ("x", "y"), relative_step=1.5)
    oracle.begin(0)
    assert oracle.decide(0, 0, np.array([0.5, 0.1]), np.zeros(2), "relative").motion == (0.35, 0.0)


def test_hands_press_against_what_the_robot_does_wrong_and_back_where_it_goes_too_far() -> None:
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


def test_a_gripper_that_is_also_wrong_does_not_keep_hands_from_going_back() -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.2), execute=1, axes=("x", "y", "gripper"))
    oracle.begin(0)
    wanted, robot = np.array([-0.3, 0.0, 1.0]), np.array([1.0, 0.0, -1.0])
    assert oracle.decide(0, 0, wanted, robot, "relative").motion == (-1.0, 0.0, 1.0)


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    gain=st.floats(0.1, 0.4),
    kind=st.sampled_from(["absolute", "relative"]),
)
def test_who_allows_for_what_is_on_its_way_does_not_go_too_far(
    goal: float, late: int, gain: float, kind: Literal["absolute", "relative"]
) -> None:
    """A hand that goes on by one unit of motion, and a teacher that slows down by `gain` for each that it comes nearer:
    with that anticipation it arrives from one side, however late it acts. Without it a late one swings."""

    def farthest(anticipation: float) -> tuple[float, float]:
        settings = OracleSettings(delay_steps=late, anticipation=anticipation, threshold=0.0, persist_steps=1000)
        oracle = Oracle(settings, execute=1, relative_step=2.0)
        oracle.begin(0)
        place, most = 0.0, 0.0
        for step in range(400):
            wanted = np.clip([gain * (goal - place)], -1.0, 1.0)
            still = np.zeros(1, np.float32)
            motion = oracle.decide(step, 0, wanted, still, kind).motion[0]
            place += 2.0 * motion if kind == "relative" else motion
            most = max(most, (place - goal) * np.sign(goal))
        return most, place

    beyond, end = farthest(gain)
    assert beyond <= 1e-6 * abs(goal)
    assert end == pytest.approx(goal, abs=1e-3 * abs(goal) + 1e-9)
    if abs(goal) > 8 / gain and late * gain > 2.0:
        assert farthest(0.0)[0] > 1.0


def test_motions_still_in_the_reader_are_on_their_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    r = ByHand(monkeypatch, latency_s=0.4, anticipation=0.25, persist=False)
    for tick in range(3):
        r.show(tick, np.array([0.5, 0.0]))
        r.read(10 * tick)
    given = [r.read(400 + 10 * tick).motion[0] for tick in range(3)]
    assert given == pytest.approx([0.5, 0.5 - 0.25 * 0.5, 0.5 - 0.25 * (0.5 + 0.375)])


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    robot=st.floats(-1.0, 1.0),
    kind=st.sampled_from(["absolute", "relative"]),
)
def test_who_foresees_does_at_each_state_what_one_does_who_is_never_late(
    goal: float, late: int, robot: float, kind: Literal["absolute", "relative"]
) -> None:
    """A hand that goes on by each action; the teacher slows down as it comes near, and the robot goes its own way."""

    def wanted(place: float) -> np.ndarray:
        return np.clip([0.3 * (goal - place)], -1.0, 1.0)

    assume(abs(wanted(0.0)[0] - robot) > 1e-3)  # wrong from the first: it drives all the time
    settings = OracleSettings(delay_steps=late, foresight=True, threshold=0.0, persist_steps=1000)
    oracle = Oracle(settings, execute=1, relative_step=2.0, behind=late)
    oracle.begin(0)
    place, plan = 0.0, np.array([[robot]])
    for step in range(60):
        coming = oracle.until_then(plan, kind)
        assert coming.shape == (late, 1)
        then = wanted(place + float(coming.sum()))
        answer = oracle.decide(step, 0, wanted(place), plan[0], kind, then=then)
        action = robot
        if answer.engage:
            action = robot + 2.0 * answer.motion[0] if kind == "relative" else answer.motion[0]
            assert action == pytest.approx(wanted(place)[0], abs=1e-9)
        assert answer.engage == (step >= late)
        place += action


def test_a_robot_that_is_let_be_is_expected_to_follow_its_plan_and_a_driven_one_to_want_the_same_again() -> None:
    oracle = Oracle(OracleSettings(threshold=0.5), execute=1, relative_step=2.0, behind=3)
    oracle.begin(0)
    plan = np.array([[0.1, 0.0], [0.2, 0.0]])
    np.testing.assert_allclose(oracle.until_then(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])
    assert not oracle.decide(0, 0, plan[0], plan[0], "relative").engage
    assert oracle.decide(1, 0, np.array([0.9, 0.0]), plan[0], "relative").motion == pytest.approx((0.4, 0.0))
    # of three motions two are decided; before the first it did nothing, so the robot goes its own way at that place
    np.testing.assert_allclose(oracle.until_then(plan, "relative"), [[0.1, 0.0], [0.1, 0.0], [0.9, 0.0]])
    oracle.begin(1)
    np.testing.assert_allclose(oracle.until_then(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])


def test_the_device_asks_what_is_wanted_then_and_steps_in_for_what_is_wrong_now() -> None:
    asked: list[np.ndarray] = []

    def foresee(observation: np.ndarray, actions: np.ndarray) -> np.ndarray:
        asked.append(actions)
        return np.array([0.0, 1.0])

    channel = TeacherChannel()
    settings = OracleSettings(foresight=True, persist=False)
    oracle = Oracle(settings, execute=4, axes=("x", "y"), behind=2)
    device = ScriptedDevice(Wants(lambda seen: seen[:2]), oracle, channel, foresee)
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


def test_foresight_needs_one_who_foresees() -> None:
    with pytest.raises(ValueError, match=r"oracle\.foresight"), rig(foresight=True):
        pass


def test_of_a_robot_that_is_pushed_and_steady_it_sees_the_part() -> None:
    """It pushes from where the robot will be, not from where the newest plan would have it."""
    part, plan = np.array([0.4, 0.0], np.float32), np.array([-0.6, 0.0], np.float32)
    with rig(threshold=0.0) as oracle:
        answer = oracle.answer(0, np.array([0.2, 0.5]), robot=plan, kind="relative", part=part, share=0.2)
        # the robot's part is 0.4 + 0.2 (-0.6 - 0.4) = 0.2; a full push goes 2
        np.testing.assert_allclose(answer.motion, [0.0, 0.25], atol=1e-6)
        answer = oracle.answer(1, np.array([0.2, 0.5]), robot=plan, kind="relative")
        np.testing.assert_allclose(answer.motion, [0.4, 0.25], atol=1e-6)
