"""Transfer of a MuJoCo simulation to a renderer: the model once as a file, the pose at every tick as bytes.

`write_model` and `pack_pose` run in the thread that owns the simulation, `apply_pose` in the renderer's process.
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

_DRAWN = int(mujoco.mjtState.mjSTATE_QPOS | mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT)
"""The state components that fix all poses."""


def write_model(model: mujoco.MjModel, folder: Path) -> str:
    """Write the compiled model (some tens of MB) into a folder; returns the file's path."""
    file = str(folder / "model.mjb")
    mujoco.mj_saveModel(model, file, None)
    return file


def pack_pose(model: mujoco.MjModel, data: mujoco.MjData, *, moved_bodies: bool = False) -> bytes:
    """All positions as little-endian float32, enough to draw.

    `moved_bodies`: with the places of the bodies in the model, which some environments change at a reset.
    """
    numbers = np.empty(mujoco.mj_stateSize(model, _DRAWN))
    mujoco.mj_getState(model, data, numbers, _DRAWN)
    if moved_bodies:
        numbers = np.concatenate([numbers, model.body_pos.ravel(), model.body_quat.ravel()])
    return numbers.astype("<f4").tobytes()


def apply_pose(model: mujoco.MjModel, data: mujoco.MjData, packed: bytes) -> None:
    """Set the pose that `pack_pose` read from the same model.

    Raises:
        ValueError: the bytes belong to another model.
    """
    numbers = np.frombuffer(packed, "<f4").astype(np.float64)
    expected, places = mujoco.mj_stateSize(model, _DRAWN), model.body_pos.size
    if numbers.size == expected + places + model.body_quat.size:
        model.body_pos[:] = numbers[expected : expected + places].reshape(-1, 3)
        model.body_quat[:] = numbers[expected + places :].reshape(-1, 4)
        numbers = numbers[:expected]
    if numbers.size != expected:
        raise ValueError(f"a pose of {numbers.size} numbers does not fit a model of {expected}")
    mujoco.mj_setState(model, data, numbers, _DRAWN)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
