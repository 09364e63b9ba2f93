"""Contract checks for a Task and a Teacher; run them in the test of your own implementation.

Recipe: subclass `Task`, then write a test that calls `check_task(MyTask)` and mend what each AssertionError names. With
a scripted teacher also call `check_teacher(MyTeacher, MyTask)`; with symmetries `check_symmetries`; with an entry in
the registry `check_new_process`. `contract_time` checks the times.

Pure functions, except that `check_new_process` starts a second Python process. Never used while a session runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from hitl_clic.tasks.contract_episode import check_episode, check_limits
from hitl_clic.tasks.contract_scene import check_scene, check_scene3d
from hitl_clic.tasks.registry import TASKS, make_task
from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import EVERYTHING

STEPS = 200
"""Steps of one random drive."""
CONTINUED = 100
"""Steps after a restore that are compared."""


def check_task(
    make: Callable[[], Task],
    *,
    seeds_differ: bool = True,
    forecast_within: float = 0.0,
    predict_within: float | None = None,
) -> None:
    """Check a task's spaces, time limit, seeding, snapshots, forecasts and scenes.

    Args:
        make: returns a new task; it must allow 200 random steps without a reset, even after the end of an episode.
        seeds_differ: whether different seeds must give different starts.
        forecast_within: largest error of a four-step forecast in any number of the observation; 0: exact.
        predict_within: the same for a two-step `predict`; None: the task does not implement `predict`.

    Raises:
        AssertionError: names the broken rule and what to mend.
    """
    task = make()
    check_limits(task)
    check_env(task, skip_render_check=True)  # rendering needs OpenGL
    _check_description(task)
    check_episode(task)
    _check_seeds(make, seeds_differ)
    _check_snapshots(make)
    _check_forecasts(make, forecast_within)
    _check_predict(make, predict_within)
    _check_reading_changes_nothing(task)
    check_scene3d(task)
    _check_refusals(task)
    task.close()


def check_new_process(name: str, **options: object) -> None:
    """Check that a snapshot of a registered task continues bit for bit in a new process.

    Raises:
        AssertionError: the states differ, or the process failed.
    """
    task = make_task(name, **options)
    task.reset(seed=11)
    rng = np.random.default_rng(5)
    drive(task, random_actions(rng, _size(task)))
    snapshot, actions = task.snapshot(), random_actions(rng, _size(task))[:CONTINUED]
    expected = drive(task, actions)
    program = (
        "import sys, numpy as np\n"
        "from hitl_clic.tasks import make_task\n"
        "from hitl_clic.tasks.contract import drive\n"
        f"task = make_task({name!r}, **{options!r})\n"
        "size, rest = int.from_bytes(sys.stdin.buffer.read(8), 'little'), sys.stdin.buffer.read()\n"
        "task.restore(rest[:size])\n"
        f"actions = np.frombuffer(rest[size:], '<f4').reshape({CONTINUED}, -1)\n"
        "sys.stdout.buffer.write(drive(task, actions).tobytes())\n"
    )
    sent = len(snapshot).to_bytes(8, "little") + snapshot + actions.tobytes()
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, f"the new process failed: {done.stderr.decode()[-500:]}"
    assert done.stdout.endswith(expected.tobytes()), (
        "in a new process a snapshot continues differently; store all state, and use no hash or set order"
    )


def check_teacher(make_teacher: Callable[[], Teacher], make: Callable[[], Task]) -> None:
    """Check that a teacher is deterministic, restores its phase and accepts every observation.

    Args:
        make_teacher, make: return a new teacher and a new task.

    Raises:
        AssertionError: names the broken rule and what to mend.
    """
    task, teacher, twin = make(), make_teacher(), make_teacher()
    observation, _ = task.reset(seed=21)
    teacher.reset()
    twin.reset()
    for step in range(STEPS):
        if step == STEPS // 2:
            phase = teacher.snapshot()
            twin = make_teacher()
            twin.restore(phase)
        seen = observation.copy()
        action = teacher.action(observation)
        assert np.array_equal(seen, observation), "Teacher.action changed the observation; copy it first"
        _check_action(task, action)
        assert np.array_equal(action, twin.action(observation)), (
            "Teacher.action is not deterministic, or its snapshot() and restore() lack some state"
        )
        observation, _, terminated, truncated, _ = task.step(action)
        if terminated or truncated:
            break
    rng = np.random.default_rng(3)
    size = observation.shape
    for scale in (0.0, 0.1, 1.0, 3.0, 100.0):
        for _ in range(40):
            _check_action(task, teacher.action(rng.uniform(-scale, scale, size).astype(np.float32)))
    for wrong in (np.full(size, np.nan, np.float32), np.zeros(size[0] + 1, np.float32)):
        _check_refused(partial(teacher.action, wrong), "Teacher.action must refuse NaN or a wrong shape")
    for junk in (b"", b"junk", b"\x00" * 64):
        _check_refused(partial(teacher.restore, junk), f"Teacher.restore must refuse the phase {junk!r}")


def check_symmetries(make: Callable[[], Task], make_teacher: Callable[[], Teacher]) -> None:
    """Check the sizes and the order of a task's symmetries, and that the teacher respects them.

    The task's own test must show that the simulator respects them.

    Raises:
        AssertionError: names the symmetry and the broken rule.
    """
    task, rng = make(), np.random.default_rng(2)
    for symmetry in task.symmetries:
        observation, _ = task.reset(seed=5)
        assert symmetry.sizes == (observation.size, len(task.action_frame.axes)), (
            f"{symmetry} does not have the sizes (dim_o, dim_a)"
        )
        actions = rng.uniform(-1, 1, (4, symmetry.sizes[1])).astype(np.float32)
        states, moves = observation, actions
        for _ in range(24):
            states, moves = symmetry.of_state(states), symmetry.of_action(moves)
            if np.allclose(states, observation, atol=1e-5) and np.array_equal(moves, actions):
                break
        else:
            raise AssertionError(f"{symmetry} is not of finite order: 24 repetitions do not give the original")
        teacher, twin = make_teacher(), make_teacher()
        for _ in range(STEPS):
            image = symmetry.of_state(observation)
            assert task.observation_space.contains(image), f"{symmetry} leaves the observation space"
            action = teacher.action(observation)
            expected, found = symmetry.of_action(action), twin.action(image)
            assert np.allclose(found, expected, atol=1e-3), (
                f"under {symmetry} the teacher's action is {found}, expected {expected}"
            )
            noise = rng.uniform(-0.5, 0.5, action.shape)
            observation, _, terminated, truncated, _ = task.step(np.clip(action + noise, -1, 1).astype(np.float32))
            if terminated or truncated:
                break


def random_actions(rng: np.random.Generator, size: int) -> Array:
    """Full-scale random actions float32 [200, size] with a slow drift, so that contacts occur."""
    wander = np.repeat(rng.uniform(-1, 1, (STEPS // 10, size)), 10, axis=0)
    return np.clip(wander + rng.uniform(-1, 1, (STEPS, size)), -1, 1).astype(np.float32)


def drive(task: Task, actions: Array) -> NDArray[np.float32]:
    """Step through actions without regard to ends of episodes; observations [steps, dim_o]."""
    return np.stack([task.step(action)[0] for action in actions])


def _size(task: Task) -> int:
    return len(task.action_frame.axes)


def _check_description(task: Task) -> None:
    assert task.observation_space.dtype == np.float32, "observation_space must have dtype float32"
    assert task.action_space.dtype == np.float32, "action_space must have dtype float32"
    assert isinstance(task.action_space, Box), "action_space must be a Box"
    assert (task.action_space.low == -1).all(), (
        "action_space must be Box(-1, 1); put physical units into action_frame.scale"
    )
    assert (task.action_space.high == 1).all(), (
        "action_space must be Box(-1, 1); put physical units into action_frame.scale"
    )
    frame = task.action_frame
    assert len(frame.axes) == len(frame.scale) == len(frame.unit) == task.action_space.low.size, (
        "action_frame must have one entry of axes, scale and unit for each action number"
    )
    for name, group in frame.groups.items():
        assert name != EVERYTHING, f"no group may have the reserved name {EVERYTHING!r}"
        assert group, f"action_frame.groups[{name!r}] must not be empty"
        assert set(group) < set(frame.axes), f"action_frame.groups[{name!r}] must be a proper subset of the axes"


def _check_seeds(make: Callable[[], Task], seeds_differ: bool) -> None:
    one, other = make(), make()
    starts = [one.reset(seed=seed)[0] for seed in range(5)]
    for seed, start in enumerate(starts):
        assert np.array_equal(start, other.reset(seed=seed)[0]), (
            f"reset(seed={seed}) gave two different starts; draw only from np_random"
        )
    if seeds_differ:
        assert len({start.tobytes() for start in starts}) == len(starts), (
            "different seeds gave equal starts; draw from np_random, or pass seeds_differ=False"
        )
        assert not np.array_equal(one.reset()[0], one.reset()[0]), "two resets without a seed gave equal starts"


def _check_snapshots(make: Callable[[], Task]) -> None:
    task, rng = make(), np.random.default_rng(7)
    task.reset(seed=3)
    drive(task, random_actions(rng, _size(task)))
    here, snapshot = task.observe(), task.snapshot()
    assert isinstance(snapshot, bytes), "snapshot() must return bytes"
    actions = random_actions(rng, _size(task))[:CONTINUED]
    expected = drive(task, actions)
    assert not np.array_equal(expected[0], expected[-1]), "random actions did not change the observation"
    fresh = make()
    fresh.reset(seed=99)
    never_reset = make()
    for where, again in (("the same task", task), ("another task", fresh), ("a task never reset", never_reset)):
        assert np.array_equal(again.restore(snapshot), here), (
            f"restore() in {where} returned another observation than observe()"
        )
        assert np.array_equal(again.observe(), here), f"observe() after restore() in {where} differs"
        assert again.snapshot() == snapshot, f"snapshot() right after restore() in {where} differs"
        deviation = float(np.abs(drive(again, actions) - expected).max())
        assert deviation == 0.0, (
            f"after restore() in {where} the observations deviate by {deviation}; the snapshot lacks some state"
        )
    task.reset(seed=4)
    assert np.array_equal(task.restore(snapshot), here), "restore() after a reset returned another observation"
    assert np.array_equal(drive(task, actions), expected), "after reset() and restore() the observations deviate"


def _check_forecasts(make: Callable[[], Task], within: float) -> None:
    task, twin, then = make(), make(), make()
    size = _size(task)
    task.reset(seed=6)
    actions = random_actions(np.random.default_rng(4), size)
    drive(task, actions[:100])
    twin.restore(task.snapshot())
    for step in range(100, STEPS - 4):
        expected = task.forecast(actions[step : step + 4])
        if step % 10 == 0:
            other = task.forecast(-actions[step : step + 2])
            assert other.shape == expected.shape, "forecast() must return an observation"
            assert np.array_equal(task.forecast(actions[step : step + 4]), expected), (
                "two equal forecast() calls gave different results"
            )
            assert np.array_equal(task.forecast(actions[:0]), task.observe()), (
                "forecast() without actions must return the present observation"
            )
            then.restore(task.snapshot())
            error = float(np.abs(drive(then, actions[step : step + 4])[-1] - expected).max())
            assert error <= within, (
                f"forecast() has the error {error}, allowed {within}; mend it or pass forecast_within"
            )
        here, there = task.step(actions[step])[0], twin.step(actions[step])[0]
        assert np.array_equal(here, there), (
            "forecast() changed the result of the next step; work on a copy of the state"
        )
    assert task.snapshot() == twin.snapshot(), "forecast() changed the snapshot; work on a copy of the state"
    before = task.observe()
    wrong = np.stack([actions[0], np.full(size, np.nan, np.float32)])
    _check_refused(partial(task.forecast, wrong), "forecast() must refuse an action that step() refuses")
    assert np.array_equal(task.observe(), before), "a refused forecast() changed the state"


def _check_predict(make: Callable[[], Task], within: float | None) -> None:
    task, predictor = make(), make()
    before, _ = task.reset(seed=6)
    size = _size(task)
    if within is None:
        _check_refused(
            partial(predictor.predict, before, np.zeros((1, size), np.float32)),
            "predict() must not be implemented, or pass predict_within:",
            NotImplementedError,
        )
        return
    actions = random_actions(np.random.default_rng(4), size)
    drive(task, actions[:20])
    for step in range(20, STEPS - 2, 10):
        seen, following = task.observe(), actions[step : step + 2]
        predicted = predictor.predict(seen, following)
        assert np.array_equal(predictor.predict(seen, following), predicted), (
            "two equal predict() calls gave different results"
        )
        assert np.allclose(predictor.predict(seen, actions[:0]), seen, atol=1e-6), (
            "predict() without actions must return the present observation"
        )
        here = task.snapshot()
        task.predict(seen, following)
        assert task.snapshot() == here, "predict() changed the task; work on a copy of the state"
        error = float(np.abs(drive(task, following)[-1] - predicted).max())
        assert error <= within, f"predict() has the error {error}, allowed {within}"
        drive(task, actions[step + 2 : step + 10])
    wrong = np.full((1, size), np.nan, np.float32)
    _check_refused(partial(predictor.predict, before, wrong), "predict() must refuse an action that step() refuses")
    _check_refused(
        partial(predictor.predict, before[:-1], actions[:1]), "predict() must refuse an observation of wrong shape"
    )


def _check_reading_changes_nothing(task: Task) -> None:
    actions = random_actions(np.random.default_rng(1), _size(task))[:50]
    task.reset(seed=8)
    expected = drive(task, actions)
    task.reset(seed=8)
    for action, after in zip(actions, expected, strict=True):
        task.step(action)
        for _ in range(2):
            task.scene(), task.progress(), task.snapshot()
            assert np.array_equal(task.observe(), after), (
                "observe(), scene(), progress() or snapshot() changed the state"
            )
        check_scene(task.scene())


def _check_refusals(task: Task) -> None:
    task.reset(seed=0)
    before, size = task.observe(), task.action_space.shape
    assert size is not None
    for wrong in (np.full(size, np.nan), np.full(size, np.inf), np.zeros((*size, 1)), np.zeros(size[0] + 1)):
        _check_refused(partial(task.step, wrong.astype(np.float32)), f"step() must refuse the action {wrong}")
    foreign = [snapshot for kind, snapshot in _snapshots_by_kind().items() if kind is not type(task)]
    good = task.snapshot()
    for junk in (b"", b"junk", good[:-1], good + b"x", b"\x80", b"\x90", *foreign):
        _check_refused(partial(task.restore, junk), f"restore() must refuse {junk[:40]!r}")
    assert np.array_equal(task.observe(), before), (
        "a refused action or snapshot changed the state; check before you change it"
    )


@cache
def _snapshots_by_kind() -> dict[type[Task], bytes]:
    """One snapshot of every registered task, made once per process because some take seconds."""
    found = {}
    for name in TASKS:
        task = make_task(name)
        task.reset(seed=0)
        found[type(task)] = task.snapshot()
        task.close()
    return found


def _check_refused(call: Callable[[], object], rule: str, error: type[Exception] = ValueError) -> None:
    """Check that a call raises this error; `rule` is the sentence that the AssertionError begins with."""
    try:
        call()
    except error:
        return
    except Exception as other:  # the code under test may raise anything
        raise AssertionError(f"{rule} with a {error.__name__}, it raised {type(other).__name__}") from other
    raise AssertionError(f"{rule} with a {error.__name__}, it raised nothing")


def _check_action(task: Task, action: Array) -> None:
    assert action.dtype == np.float32, "Teacher.action must return float32"
    assert action.shape == task.action_space.shape, (
        f"Teacher.action returned shape {action.shape}, expected {task.action_space.shape}"
    )
    assert np.isfinite(action).all(), f"Teacher.action returned a number that is not finite: {action}"
    assert (np.abs(action) <= 1).all(), f"Teacher.action returned a number outside [-1, 1]: {action}"
