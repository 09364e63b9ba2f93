"""Checks that any Task and any Teacher must pass; each implementation's test calls them.

Pure functions that raise AssertionError with what was expected. One of them starts a second Python process to
prove that a snapshot means the same there. Never used while a session runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from hitl_clic.tasks.registry import TASKS, make_task
from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import EVERYTHING
from hitl_clic.types.scene3d import proportions

STEPS = 200
"""Of a drive, usually."""
RESUMED = 100
"""Steps for which what was restored must go on like what was not."""


def check_task(
    make: Callable[[], Task],
    *,
    seeds_differ: bool = True,
    forecast_within: float = 0.0,
    foreseen_within: float | None = None,
) -> None:
    """Check a task's spaces, seeding, snapshots, forecasts, scene and stage.

    Args:
        make: a new task each time; it must last at least 200 random steps without needing a reset to go on.
        seeds_differ: whether different seeds must give different starts.
        forecast_within: greatest error of a forecast of four steps in any number of the observation; 0 is exact.
        foreseen_within: the same of two steps foreseen from an observation alone; None: the task foresees nothing.

    Raises:
        AssertionError: naming the promise that does not hold.
    """
    task = make()
    check_env(task, skip_render_check=True)  # pictures need OpenGL; tests/render looks at them
    _check_description(task)
    _check_seeds(make, seeds_differ)
    _check_snapshots(make)
    _check_forecasts(make, forecast_within)
    _check_foreseen(make, foreseen_within)
    _check_reading_changes_nothing(task)
    _check_stage(task)
    _check_refusals(task)
    task.close()


def check_new_process(name: str, **options: object) -> None:
    """Check that a snapshot of the registered task continues bit for bit in a new process.

    Raises:
        AssertionError: the states differ, or the process failed.
    """
    task = make_task(name, **options)
    task.reset(seed=11)
    rng = np.random.default_rng(5)
    drive(task, random_actions(rng, _size(task)))
    snapshot, actions = task.snapshot(), random_actions(rng, _size(task))[:RESUMED]
    expected = drive(task, actions)
    program = (
        "import sys, numpy as np\n"
        "from hitl_clic.tasks import make_task\n"
        "from hitl_clic.tasks.contract import drive\n"
        f"task = make_task({name!r}, **{options!r})\n"
        "size, rest = int.from_bytes(sys.stdin.buffer.read(8), 'little'), sys.stdin.buffer.read()\n"
        "task.restore(rest[:size])\n"
        f"actions = np.frombuffer(rest[size:], '<f4').reshape({RESUMED}, -1)\n"
        "sys.stdout.buffer.write(drive(task, actions).tobytes())\n"
    )
    sent = len(snapshot).to_bytes(8, "little") + snapshot + actions.tobytes()
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, f"the new process failed: {done.stderr.decode()[-500:]}"
    assert done.stdout.endswith(expected.tobytes()), "a snapshot continues differently in a new process"


def check_teacher(make_teacher: Callable[[], Teacher], make: Callable[[], Task]) -> None:
    """Check that a teacher is deterministic, resumes its phase and answers every state.

    Args:
        make_teacher, make: a new teacher and a new task each time.

    Raises:
        AssertionError: naming the promise that does not hold.
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
        assert np.array_equal(seen, observation), "the teacher changed the observation it was given"
        _check_action(task, action)
        assert np.array_equal(action, twin.action(observation)), "the same observation and phase gave another action"
        observation, _, terminated, truncated, _ = task.step(action)
        if terminated or truncated:
            break
    rng = np.random.default_rng(3)
    size = observation.shape
    for scale in (0.0, 0.1, 1.0, 3.0, 100.0):
        for _ in range(40):
            _check_action(task, teacher.action(rng.uniform(-scale, scale, size).astype(np.float32)))
    for wrong in (np.full(size, np.nan, np.float32), np.zeros(size[0] + 1, np.float32)):
        _check_refused(partial(teacher.action, wrong), "a teacher must refuse NaN or a wrong shape")
    for junk in (b"", b"junk", b"\x00" * 64):
        _check_refused(partial(teacher.restore, junk), f"a teacher must refuse the phase {junk!r}")


def check_symmetries(make: Callable[[], Task], make_teacher: Callable[[], Teacher]) -> None:
    """Check that a task's symmetries fit it, lead back after some repeats, and that its teacher respects them.

    Whether the simulator respects them too is for the task's own test to show: only it can set up an image.

    Raises:
        AssertionError: naming the symmetry and the promise that does not hold.
    """
    task, rng = make(), np.random.default_rng(2)
    for symmetry in task.symmetries:
        observation, _ = task.reset(seed=5)
        assert symmetry.sizes == (observation.size, len(task.action_frame.axes)), f"{symmetry} has other sizes"
        actions = rng.uniform(-1, 1, (4, symmetry.sizes[1])).astype(np.float32)
        states, moves = observation, actions
        for _ in range(24):
            states, moves = symmetry.of_state(states), symmetry.of_action(moves)
            if np.allclose(states, observation, atol=1e-5) and np.array_equal(moves, actions):
                break
        else:
            raise AssertionError(f"{symmetry} does not lead back")
        teacher, twin = make_teacher(), make_teacher()
        for _ in range(STEPS):
            image = symmetry.of_state(observation)
            assert task.observation_space.contains(image), f"{symmetry} leads out of the observation space"
            action = teacher.action(observation)
            expected, found = symmetry.of_action(action), twin.action(image)
            assert np.allclose(found, expected, atol=1e-3), (
                f"in the image under {symmetry} the teacher does {found}, not {expected}"
            )
            noise = rng.uniform(-0.5, 0.5, action.shape)
            observation, _, terminated, truncated, _ = task.step(np.clip(action + noise, -1, 1).astype(np.float32))
            if terminated or truncated:
                break


def random_actions(rng: np.random.Generator, size: int) -> Array:
    """Full-scale random actions float32 [200, size] that wander, so that something is met on the way."""
    wander = np.repeat(rng.uniform(-1, 1, (STEPS // 10, size)), 10, axis=0)
    return np.clip(wander + rng.uniform(-1, 1, (STEPS, size)), -1, 1).astype(np.float32)


def drive(task: Task, actions: Array) -> NDArray[np.float32]:
    """Step through actions, ends of episodes notwithstanding; observations [steps, dim_o]."""
    return np.stack([task.step(action)[0] for action in actions])


def _size(task: Task) -> int:
    """dim_a."""
    return len(task.action_frame.axes)


def _check_description(task: Task) -> None:
    assert task.observation_space.dtype == np.float32, "the observation must be float32"
    assert task.action_space.dtype == np.float32, "the action must be float32"
    assert isinstance(task.action_space, Box), "the action space must be a Box"
    assert (task.action_space.low == -1).all(), "actions must span [-1, 1]"
    assert (task.action_space.high == 1).all(), "actions must span [-1, 1]"
    frame = task.action_frame
    assert len(frame.axes) == len(frame.scale) == len(frame.unit) == task.action_space.low.size, (
        "action_frame must name every axis"
    )
    for name, group in frame.groups.items():
        assert name != EVERYTHING, "a group is named like what is no group"
        assert group, f"the group {name} is empty"
        assert set(group) < set(frame.axes), f"the group {name} must be some of the axes, and not all"
    assert task.control_hz > 0, "control_hz must be above 0"
    assert task.max_steps > 0, "max_steps must be above 0"


def _check_seeds(make: Callable[[], Task], seeds_differ: bool) -> None:
    one, other = make(), make()
    starts = [one.reset(seed=seed)[0] for seed in range(5)]
    for seed, start in enumerate(starts):
        assert np.array_equal(start, other.reset(seed=seed)[0]), f"seed {seed} gave two different starts"
    if seeds_differ:
        assert len({start.tobytes() for start in starts}) == len(starts), "different seeds gave the same start"
        assert not np.array_equal(one.reset()[0], one.reset()[0]), "resets without a seed gave the same start twice"


def _check_snapshots(make: Callable[[], Task]) -> None:
    task, rng = make(), np.random.default_rng(7)
    task.reset(seed=3)
    drive(task, random_actions(rng, _size(task)))
    here, snapshot = task.observe(), task.snapshot()
    assert isinstance(snapshot, bytes), "a snapshot must be bytes"
    actions = random_actions(rng, _size(task))[:RESUMED]
    expected = drive(task, actions)
    assert not np.array_equal(expected[0], expected[-1]), "random actions moved nothing: the check would prove nothing"
    fresh = make()
    fresh.reset(seed=99)
    never_reset = make()
    for where, again in (("the same task", task), ("another task", fresh), ("a task never reset", never_reset)):
        assert np.array_equal(again.restore(snapshot), here), f"restore in {where} gave another observation"
        assert np.array_equal(again.observe(), here), f"observe() after restore in {where} differs"
        assert again.snapshot() == snapshot, f"a snapshot taken right after restore in {where} differs"
        deviation = float(np.abs(drive(again, actions) - expected).max())
        assert deviation == 0.0, f"after restore in {where} the states deviate by {deviation}"
    task.reset(seed=4)
    assert np.array_equal(task.restore(snapshot), here), "restore after a reset gave another observation"
    assert np.array_equal(drive(task, actions), expected), "after a reset and a restore the states deviate"


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
            assert other.shape == expected.shape, "a forecast must be an observation"
            assert np.array_equal(task.forecast(actions[step : step + 4]), expected), (
                "the same forecast came out otherwise"
            )
            assert np.array_equal(task.forecast(actions[:0]), task.observe()), "no actions lead nowhere else"
            then.restore(task.snapshot())
            error = float(np.abs(drive(then, actions[step : step + 4])[-1] - expected).max())
            assert error <= within, f"a forecast is off by {error}, allowed is {within}"
        here, there = task.step(actions[step])[0], twin.step(actions[step])[0]
        assert np.array_equal(here, there), "a forecast changed what happens next"
    assert task.snapshot() == twin.snapshot(), "a forecast changed the task"
    before = task.observe()
    wrong = np.stack([actions[0], np.full(size, np.nan, np.float32)])
    _check_refused(partial(task.forecast, wrong), "forecast must refuse what step refuses")
    assert np.array_equal(task.observe(), before), "a refused forecast changed the state"


def _check_foreseen(make: Callable[[], Task], within: float | None) -> None:
    task, mind = make(), make()
    before, _ = task.reset(seed=6)
    size = _size(task)
    if within is None:
        _check_refused(
            partial(mind.foresee, before, np.zeros((1, size), np.float32)),
            "it must refuse to foresee",
            NotImplementedError,
        )
        return
    actions = random_actions(np.random.default_rng(4), size)
    drive(task, actions[:20])
    for step in range(20, STEPS - 2, 10):
        seen, following = task.observe(), actions[step : step + 2]
        foreseen = mind.foresee(seen, following)
        assert np.array_equal(mind.foresee(seen, following), foreseen), "the same was foreseen otherwise"
        assert np.allclose(mind.foresee(seen, actions[:0]), seen, atol=1e-6), "no actions lead nowhere else"
        here = task.snapshot()
        task.foresee(seen, following)
        assert task.snapshot() == here, "to foresee changed the task"
        error = float(np.abs(drive(task, following)[-1] - foreseen).max())
        assert error <= within, f"what was foreseen is off by {error}, allowed is {within}"
        drive(task, actions[step + 2 : step + 10])
    wrong = np.full((1, size), np.nan, np.float32)
    _check_refused(partial(mind.foresee, before, wrong), "foresee must refuse what step refuses")
    _check_refused(partial(mind.foresee, before[:-1], actions[:1]), "foresee must refuse what is no observation")


def _check_reading_changes_nothing(task: Task) -> None:
    actions = random_actions(np.random.default_rng(1), _size(task))[:50]
    task.reset(seed=8)
    expected = drive(task, actions)
    task.reset(seed=8)
    for action, after in zip(actions, expected, strict=True):
        task.step(action)
        for _ in range(2):
            task.scene(), task.progress(), task.snapshot()
            assert np.array_equal(task.observe(), after), "observe(), scene(), progress() or snapshot() had an effect"
        scene = task.scene()
        assert scene.size[0] > 0 < scene.size[1], "a scene must have a size"
        assert scene.step > 0, "a scene must say how far a unit of action moves the hand"
        assert scene.shapes, "a scene must show something"
        assert any(shape.role == "robot" for shape in scene.shapes), "a scene must show the robot"
        for shape in scene.shapes:
            circle = len(shape.points) == 1 and shape.radius > 0
            polygon = len(shape.points) >= 3 and shape.radius == 0
            assert circle or polygon, f"{shape.role} is neither a circle nor a polygon"
            assert np.isfinite(shape.points).all(), f"{shape.role} has a corner that is not finite"
        assert scene.hand in [shape.points[0] for shape in scene.shapes if shape.role == "robot"], "hand off the robot"


def _check_stage(task: Task) -> None:
    task.reset(seed=9)
    before = task.snapshot()
    with TemporaryDirectory() as folder:
        scene3d = task.scene3d(Path(folder))
        assert scene3d is None or Path(scene3d.model).stat().st_size, "a stage must come with its model"
    assert task.snapshot() == before, "stage() changed the task"
    pose = task.scene().pose
    assert (scene3d is None) == (pose is None), "a scene has a pose where the task has a stage, and only there"
    if scene3d is None or pose is None:
        return
    names = [camera.name for camera in scene3d.cameras]
    assert len(set(names)) == len(names), f"two cameras have one name: {names}"
    assert len(scene3d.shown) in (1, 2), "one or two cameras are shown"
    assert 3 * len(pose.hands) == len(task.action_frame.moves), "each hand moves along x, y and z"
    for camera in scene3d.views()[0]:
        where = camera.project(pose.hands, proportions(len(scene3d.shown)))
        assert ((where > 0) & (where < 1)).all(), f"{camera.name} does not see the hands at the start: {where}"
    task.step(np.ones(_size(task), np.float32))
    after = task.scene().pose
    assert after != pose, "the pose must follow what moves"
    task.restore(before)
    assert task.scene().pose == pose, "the pose after restore differs"


def _check_refusals(task: Task) -> None:
    task.reset(seed=0)
    before, size = task.observe(), task.action_space.shape
    assert size is not None
    for wrong in (np.full(size, np.nan), np.full(size, np.inf), np.zeros((*size, 1)), np.zeros(size[0] + 1)):
        _check_refused(partial(task.step, wrong.astype(np.float32)), f"step must refuse {wrong}")
    foreign = [snapshot for kind, snapshot in _snapshots_by_kind().items() if kind is not type(task)]
    good = task.snapshot()
    for junk in (b"", b"junk", good[:-1], good + b"x", b"\x80", b"\x90", *foreign):
        _check_refused(partial(task.restore, junk), f"restore must refuse {junk[:40]!r}")
    assert np.array_equal(task.observe(), before), "a refused action or snapshot changed the state"


@cache
def _snapshots_by_kind() -> dict[type[Task], bytes]:
    """A snapshot of every registered task, made once in a process: some take seconds to make."""
    found = {}
    for name in TASKS:
        task = make_task(name)
        task.reset(seed=0)
        found[type(task)] = task.snapshot()
        task.close()
    return found


def _check_refused(call: Callable[[], object], promise: str, error: type[Exception] = ValueError) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{promise} with a {error.__name__}")


def _check_action(task: Task, action: Array) -> None:
    assert action.dtype == np.float32, "a teacher's action must be float32"
    assert action.shape == task.action_space.shape, f"a teacher's action has shape {action.shape}"
    assert np.isfinite(action).all(), f"a teacher's action is not finite: {action}"
    assert (np.abs(action) <= 1).all(), f"a teacher's action is out of [-1, 1]: {action}"
