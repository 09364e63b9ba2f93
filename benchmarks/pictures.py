"""Rendering speed: pictures a second of each task's 3D scene, by quality.

    python -m benchmarks.pictures [--seconds 10] [--tasks hammer] [--height 529]

The poses come from one episode of the scripted teacher, seed 0. There is one JSON line for each task and quality.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import parser, percentiles, tell
from hitl_clic.render import backend
from hitl_clic.tasks import make_task, make_teacher, task_names
from hitl_clic.tasks.task import Task
from hitl_clic.types.scene3d import Pose, proportions

HEIGHT = 529
"""Height of two images in a window of 1280 x 720, pixels."""


def main() -> None:
    """Draw each task with a 3D scene for `--seconds` in each quality."""
    options = parser("Rendering speed of the 3D scenes.")
    options.add_argument("--tasks", nargs="*", default=task_names(), help="names of tasks (default all)")
    options.add_argument("--height", type=int, default=HEIGHT, help=f"of a picture, pixels (default {HEIGHT})")
    given = options.parse_args()
    name = backend.find("auto")
    backend.use(name)
    from hitl_clic.render.renderer import (
        Renderer,
    )  # importing MuJoCo selects the OpenGL backend, so it comes after `backend.use`

    for task_name in given.tasks:
        task = make_task(task_name)
        with TemporaryDirectory() as folder:
            scene3d = task.scene3d(Path(folder))
            if scene3d is None:
                continue
            poses, cameras = _poses(task, task_name), scene3d.views()[0]
            for quality in ("fast", "full"):
                renderer = Renderer(scene3d, quality, given.height, name)
                size = round(given.height * proportions(len(cameras))), given.height
                renderer.draw(poses[0], cameras, size)
                took_ms: list[float] = []
                began, cpu = time.perf_counter(), time.process_time()
                while time.perf_counter() - began < given.seconds:
                    before = time.perf_counter()
                    renderer.draw(poses[len(took_ms) % len(poses)], cameras, size)
                    took_ms.append((time.perf_counter() - before) * 1e3)
                rate = len(took_ms) / (time.perf_counter() - began)
                cpu_ms = (time.process_time() - cpu) * 1e3 / len(took_ms)
                renderer.close()
                what = {"task": task_name, "quality": quality, "views": len(cameras), "height": given.height}
                found = {"per_s": round(rate, 1), "cpu_ms": round(cpu_ms, 1), "ms": percentiles(took_ms, 50, 99)}
                tell("pictures", {**what, "gl": name, **found})
        task.close()


def _poses(task: Task, name: str) -> list[Pose]:
    """Poses of an episode of the scripted teacher, every fifth step."""
    teacher = make_teacher(name)
    teacher.reset()
    observation, _ = task.reset(seed=0)
    poses: list[Pose] = []
    for step in range(task.max_steps):
        if step % 5 == 0 and (pose := task.scene().pose) is not None:
            poses.append(pose)
        observation, _, terminated, truncated, _ = task.step(teacher.action(observation))
        if terminated or truncated:
            break
    return poses


if __name__ == "__main__":
    main()
