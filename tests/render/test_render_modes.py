"""gymnasium's conventions: render modes, the environment checker, and time limits, for every registered id.

Tests that open a window run in a process of their own, because gymnasium's window quits pygame when it closes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from shared_tasks import shared_task

from hitl_clic.render import backend, task_renderer
from hitl_clic.settings_layers import load
from hitl_clic.tasks import TASKS, task_names
from hitl_clic.tasks.line.line_following import LineFollowing
from hitl_clic.tasks.task import Task
from tools.virtual_display import MISSING

ROOT = Path(__file__).resolve().parents[2]
FLAT = ("push_t", "line_following")
CHECK = """
import sys, warnings, gymnasium, hitl_clic.tasks
from gymnasium.utils.env_checker import check_env
env = gymnasium.make(sys.argv[1], render_mode="rgb_array")
with warnings.catch_warnings():
    warnings.simplefilter("error", UserWarning)  # gymnasium's warnings are of this kind
    check_env(env.unwrapped)
"""
SHOW = """
import os, subprocess, sys, time, gymnasium, numpy as np, pygame, hitl_clic.tasks
def windows():
    found = subprocess.run(["xdotool", "search", "--pid", str(os.getpid())], capture_output=True, text=True)
    return len(found.stdout.split())
env = gymnasium.make(sys.argv[1], render_mode="human")
assert windows() == 0, "a window opens before there is something to show"
env.reset(seed=1)
pictures, began = [], time.monotonic()
for _ in range(6):
    env.step(np.full(env.action_space.shape, 0.5, np.float32))
    pictures.append(pygame.surfarray.array3d(pygame.display.get_surface()))
took = time.monotonic() - began
assert windows() == 1, "there is no window"
assert env.render() is None
assert all(len(np.unique(picture)) > 2 for picture in pictures), "the window is blank"
assert (pictures[0] != pictures[-1]).any(), "the window shows no motion"
assert took > 4 / env.metadata["render_fps"], f"six steps took {took} s"
shown = pygame.surfarray.array3d(pygame.display.get_surface())
env.unwrapped.forecast(np.full((3, *env.action_space.shape), -1.0, np.float32))
assert np.array_equal(pygame.surfarray.array3d(pygame.display.get_surface()), shown), "a forecast was shown"
env.close()
env.close()
assert windows() == 0, "the window is still open"
"""


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Using an OpenGL backend sets environment variables, which other tests must not see."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@cache
def problem_with_opengl() -> str:
    """Why 3-D scenes cannot be drawn here, or an empty text. A try takes a second, so there is one per process."""
    try:
        backend.find("auto")
    except backend.NoBackend as error:
        return str(error)
    return ""


def needs_opengl(name: str) -> None:
    """Skip where a task with a 3-D scene cannot be drawn."""
    if name not in FLAT and (problem := problem_with_opengl()):
        pytest.skip(problem)


@pytest.fixture(scope="module", params=task_names())
def name(request: pytest.FixtureRequest) -> str:
    """The name of a task. Arm tasks take a second each, so the tests of one name share theirs."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def plain(name: str) -> Task:
    """A task without a render mode."""
    return shared_task(name)


@pytest.fixture(scope="module")
def drawn(name: str) -> Iterator[gymnasium.Env[Any, Any]]:
    """gymnasium's environment of the task, which draws images."""
    needs_opengl(name)
    env = gymnasium.make(TASKS[name].gymnasium_id, render_mode="rgb_array")
    yield env
    env.close()
    env.close()


def run(program: str, gymnasium_id: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, gymnasium_id],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_images_follow_the_task(name: str, drawn: gymnasium.Env[Any, Any]) -> None:
    drawn.reset(seed=1)
    first = drawn.render()
    assert isinstance(first, np.ndarray)
    assert first.dtype == np.uint8
    assert first.shape == (task_renderer.HEIGHT, task_renderer.HEIGHT if name in FLAT else 640, 3)
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 3, "the image is blank"
    assert np.array_equal(drawn.render(), first), "the same state must give the same image"
    action = np.full(drawn.action_space.shape or (), 0.5, np.float32)
    for _ in range(5):
        drawn.step(action)
    assert (np.asarray(drawn.render()) != first).any(), "the image shows no motion"
    drawn.reset(seed=1)
    assert np.array_equal(drawn.render(), first), "images must not depend on the past"


def test_a_render_mode_changes_no_state(drawn: gymnasium.Env[Any, Any], plain: Task) -> None:
    assert plain.render_mode is None
    drawn.reset(seed=2), plain.reset(seed=2)
    action = np.full(plain.action_space.shape or (), 0.3, np.float32)
    for _ in range(5):
        drawn.render()
        assert np.array_equal(drawn.step(action)[0], plain.step(action)[0])
    task = drawn.unwrapped
    assert isinstance(task, Task)
    assert task.snapshot() == plain.snapshot()


def test_gymnasiums_checker_gives_no_warning(name: str) -> None:
    needs_opengl(name)
    run(CHECK, TASKS[name].gymnasium_id, SDL_VIDEODRIVER="dummy")


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("name", ["line_following", "push_t", "hammer", "lift"])
def test_the_window_shows_every_step(name: str, display: str) -> None:
    needs_opengl(name)
    run(SHOW, TASKS[name].gymnasium_id, DISPLAY=display, SDL_VIDEODRIVER="x11")


def test_gymnasiums_time_limit_is_the_tasks_own(name: str, plain: Task) -> None:
    limit = plain.max_steps
    env = gymnasium.make(TASKS[name].gymnasium_id)
    assert env.spec is not None
    assert env.spec.max_episode_steps == gymnasium.spec(TASKS[name].gymnasium_id).max_episode_steps == limit
    env.reset(seed=3)
    still = np.zeros(env.action_space.shape or (), np.float32)
    ends = [env.step(still)[2:4] for _ in range(limit)]
    assert ends == [(False, False)] * (limit - 1) + [(False, True)]


@pytest.mark.parametrize("limit", [3, 1010])
def test_gymnasiums_time_limit_may_be_another(limit: int) -> None:
    env = gymnasium.make("hitl_clic/LineFollowing-v0", max_episode_steps=limit)
    env.reset(seed=3)
    assert [env.step(np.zeros(2, np.float32))[3] for _ in range(limit)] == [False] * (limit - 1) + [True]


def test_render_fps_is_the_control_rate(name: str, plain: Task) -> None:
    assert plain.metadata["render_fps"] == plain.control_hz == load(overrides={"task": name}).loop.rate_hz


def test_unknown_render_modes_are_refused() -> None:
    for name in ("ansi", "", "rgb_array_list"):
        with pytest.raises(ValueError, match=f"render_mode must be None, 'rgb_array' or 'human', got '{name}'"):
            LineFollowing(render_mode=name)  # type: ignore[arg-type]


def test_a_session_refuses_a_render_mode() -> None:
    with pytest.raises(ValueError, match=r"render_mode is for gymnasium\.make"):
        load(overrides={"task": "push_t", "task_options": {"render_mode": "human"}})


def test_rendering_without_a_mode_warns_and_draws_nothing() -> None:
    task = LineFollowing()
    task.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert task.render() is None


def test_a_task_without_a_mode_imports_no_drawing_library() -> None:
    program = (
        "import sys, numpy as np\n"
        "from hitl_clic.tasks import make_task\n"
        "task = make_task('line_following')\n"
        "task.reset(seed=0), task.step(np.zeros(2, np.float32)), task.close()\n"
        "assert not {'pygame', 'hitl_clic.render', 'mujoco'} & set(sys.modules)\n"
    )
    run(program, "")


def test_without_opengl_the_error_says_what_to_do() -> None:
    program = (
        "import sys, gymnasium, hitl_clic.tasks\n"
        "env = gymnasium.make(sys.argv[1], render_mode='rgb_array')\n"
        "env.reset(seed=0)\n"
        "from hitl_clic.render.backend import NoBackend\n"
        "try:\n"
        "    env.render()\n"
        "except NoBackend as error:\n"
        "    said = str(error)\n"
        "assert said == 'OpenGL does not work here (tried nonsense): unset MUJOCO_GL.', said\n"
        "env.close()\n"
    )
    # Set after MuJoCo is imported, which would refuse it.
    setup = "import os, hitl_clic.tasks.metaworld.hammer\nos.environ['MUJOCO_GL'] = 'nonsense'\n"
    run(setup + program, TASKS["hammer"].gymnasium_id)
