"""The scripted teacher as a device: gating, persistence, delay; one answer for each tick, reproducible."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from oracle_rig import FAR, HERE, MS, PATIENCE_S, FunctionTeacher, Rig, Stepped, rig

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher.oracle import Answer, Oracle, OracleSettings
from hitl_clic.devices.teacher.scripted import ScriptedDevice


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
    """It stays engaged. A learnt direction has no length, so it would overshoot."""
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
