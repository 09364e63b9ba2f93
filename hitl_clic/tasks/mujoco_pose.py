"""How a MuJoCo simulation gets from a task to a renderer: its model as a file once, its pose as bytes at every tick.

The task's side runs in the thread that owns the simulation, the renderer's side in another process.
"""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

_DRAWN = int(mujoco.mjtState.mjSTATE_QPOS | mujoco.mjtState.mjSTATE_MOCAP_POS | mujoco.mjtState.mjSTATE_MOCAP_QUAT)
"""The part of a state that says where everything is."""


def write_model(model: mujoco.MjModel, folder: Path) -> str:
    """Write the compiled model, some tens of megabytes, into a folder; the file's path."""
    file = str(folder / "model.mjb")
    mujoco.mj_saveModel(model, file, None)
    return file


def joints(model: mujoco.MjModel, data: mujoco.MjData) -> bytes:
    """Where everything is, in half the precision of the simulation: enough to draw."""
    numbers = np.empty(mujoco.mj_stateSize(model, _DRAWN))
    mujoco.mj_getState(model, data, numbers, _DRAWN)
    return numbers.astype("<f4").tobytes()


def place(model: mujoco.MjModel, data: mujoco.MjData, packed: bytes) -> None:
    """Put everything where `joints` of the same model found it.

    Raises:
        ValueError: the bytes are of another model.
    """
    numbers = np.frombuffer(packed, "<f4").astype(np.float64)
    expected = mujoco.mj_stateSize(model, _DRAWN)
    if numbers.size != expected:
        raise ValueError(f"a pose of {numbers.size} numbers does not fit a model of {expected}")
    mujoco.mj_setState(model, data, numbers, _DRAWN)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
