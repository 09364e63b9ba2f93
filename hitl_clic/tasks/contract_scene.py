"""The part of the Task contract that concerns drawing; `contract.check_task` calls it.

Pure functions that raise AssertionError. Never used while a session runs.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hitl_clic.tasks.task import Task
from hitl_clic.types.scene import Scene
from hitl_clic.types.scene3d import proportions


def check_scene(scene: Scene) -> None:
    """Check the size, step, shapes and hand of a 2-D scene."""
    assert scene.size[0] > 0 < scene.size[1], "scene().size must be positive"
    assert scene.step > 0, "scene().step must be positive: scene units per unit of action"
    assert scene.shapes, "scene().shapes must not be empty"
    assert any(shape.role == "robot" for shape in scene.shapes), 'scene().shapes must hold a shape of role "robot"'
    for shape in scene.shapes:
        circle = len(shape.points) == 1 and shape.radius > 0
        polygon = len(shape.points) >= 3 and shape.radius == 0
        assert circle or polygon, f"shape {shape.role} must be a circle (1 point, radius) or a polygon (3 points)"
        assert np.isfinite(shape.points).all(), f"shape {shape.role} has points that are not finite"
    assert scene.hand in [shape.points[0] for shape in scene.shapes if shape.role == "robot"], (
        "scene().hand must be the first point of a robot shape"
    )


def check_scene3d(task: Task) -> None:
    """Check the 3-D scene of a task, if it has one, and the pose within its 2-D scene."""
    task.reset(seed=9)
    before = task.snapshot()
    with TemporaryDirectory() as folder:
        scene3d = task.scene3d(Path(folder))
        assert scene3d is None or scene3d.mirror or Path(scene3d.model).stat().st_size, (
            "scene3d() must write its model file"
        )
    assert task.snapshot() == before, "scene3d() changed the state"
    pose = task.scene().pose
    assert (scene3d is None) == (pose is None), "scene().pose must be set if, and only if, scene3d() is"
    if scene3d is None or pose is None or scene3d.mirror:  # a mirror's own camera is not known
        return
    names = [camera.name for camera in scene3d.cameras]
    assert len(set(names)) == len(names), f"camera names must differ, got {names}"
    assert len(scene3d.shown) in (1, 2), "scene3d().shown must name one or two cameras"
    assert 3 * len(pose.hands) == len(task.action_frame.moves), (
        "pose.hands needs one point for each hand of action_frame"
    )
    for camera in scene3d.views()[0]:
        where = camera.project(pose.hands, proportions(len(scene3d.shown)))
        assert ((where > 0) & (where < 1)).all(), (
            f"camera {camera.name} does not see the hands at the start (at {where}); move it"
        )
    task.step(np.ones(len(task.action_frame.axes), np.float32))
    after = task.scene().pose
    assert after != pose, "scene().pose did not change after a step"
    task.restore(before)
    assert task.scene().pose == pose, "scene().pose after restore() differs"
