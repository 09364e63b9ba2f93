"""MuJoCo inside an environment: its complete state, its hand, its cameras. Thread that owns the environment.

Imports MuJoCo only if the environment has it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium import Env
from numpy.typing import NDArray

from hitl_clic.types.scene3d import Camera, Scene3D

Floats = NDArray[np.float64]
HAND_NAMES = (
    "grip_site",
    "robot0:grip",
    "endeffector",
    "end_effector",
    "fingertip",
    "tips_arm",
    "eef",
    "gripper",
    "hand",
    "tcp",
)
"""Parts of names of sites and bodies at the end of an arm, the likeliest first."""
_HIDDEN_GROUPS = 3
"""Geom groups from this one on are for collisions, by MuJoCo's convention."""


_MODEL = ("body_pos", "body_quat", "site_pos", "site_quat", "eq_data", "eq_obj1id")
"""What environments change of a model at a reset: where fixed things stand."""
_DERIVED = ("xpos", "xquat", "xmat", "site_xpos", "site_xmat", "geom_xpos", "geom_xmat", "cvel", "qacc")
"""What environments read of the data, and MuJoCo leaves one physics step behind."""


class Physics(NamedTuple):
    """A MuJoCo model and its data."""

    model: Any
    data: Any

    def save(self) -> bytes:
        """All from which MuJoCo continues exactly and an environment reads, little-endian float64."""
        import mujoco

        kind = mujoco.mjtState.mjSTATE_INTEGRATION
        numbers = np.empty(mujoco.mj_stateSize(self.model, kind))
        mujoco.mj_getState(self.model, self.data, numbers, kind)
        return np.concatenate([numbers, *(part.ravel() for part in self._further())]).astype("<f8").tobytes()

    def load(self, state: bytes) -> None:
        """Set it again.

        Raises:
            ValueError: it is of another model.
        """
        import mujoco

        kind, further = mujoco.mjtState.mjSTATE_INTEGRATION, self._further()
        size = mujoco.mj_stateSize(self.model, kind)
        numbers = np.frombuffer(state, "<f8").astype(np.float64)
        expected = size + sum(part.size for part in further)
        if numbers.size != expected or not np.isfinite(numbers).all():
            raise ValueError(f"expected are {expected} finite numbers")
        values = np.split(numbers[size:], np.cumsum([part.size for part in further])[:-1])
        for part, value in zip(further[: len(_MODEL)], values, strict=False):
            part[...] = value.reshape(part.shape)
        mujoco.mj_setState(self.model, self.data, numbers[:size], kind)
        mujoco.mj_forward(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, numbers[:size], kind)  # forward changed the warm start
        for part, value in zip(further[len(_MODEL) :], values[len(_MODEL) :], strict=True):
            part[...] = value.reshape(part.shape)

    def _further(self) -> list[Any]:
        model, data = self.model, self.data
        return [*(getattr(model, name) for name in _MODEL), *(getattr(data, name) for name in _DERIVED)]

    def place(self, name: str) -> Floats | None:
        """The position of a site or body, [3]; None if there is none of this name."""
        import mujoco

        for kind, places in ((mujoco.mjtObj.mjOBJ_SITE, "site_xpos"), (mujoco.mjtObj.mjOBJ_BODY, "xpos")):
            index = mujoco.mj_name2id(self.model, kind, name)
            if index >= 0:
                return np.array(getattr(self.data, places)[index])
        return None

    def hands(self) -> tuple[str, ...]:
        """The likeliest names of the ends of the arms, of two arms two; empty if no name looks like one."""
        model = self.model
        names = [model.site(index).name for index in range(model.nsite)]
        names += [model.body(index).name for index in range(model.nbody)]
        for part in HAND_NAMES:
            found = [name for name in names if part in name.lower()]
            if found:
                second = [name for name in found if "1" in name and name.replace("1", "0", 1) in found]
                return (second[0].replace("1", "0", 1), second[0]) if second else (found[0],)
        return ()

    def scene3d(self, folder: Path, env: Env[Any, Any]) -> Scene3D:
        """How to draw the model. `env` may say where its own camera stands."""
        from hitl_clic.tasks import mujoco_pose

        model, extent = self.model, float(self.model.stat.extent)
        centre = tuple(float(value) for value in model.stat.center)
        own = getattr(getattr(env.unwrapped, "mujoco_renderer", None), "default_cam_config", None) or {}
        target = own.get("lookat")
        target = centre if target is None else tuple(float(value) for value in target)
        distance = float(own.get("distance") or 1.5 * extent)
        azimuth, elevation = float(own.get("azimuth") or 120.0), float(own.get("elevation") or -30.0)
        cameras = (
            Camera("side", target, distance, azimuth, elevation),  # type: ignore[arg-type]
            Camera("front", target, distance, azimuth + 90.0, elevation),  # type: ignore[arg-type]
            Camera("top", target, distance, 90.0, -89.0),  # type: ignore[arg-type]
        )
        visual = [group for group in np.unique(model.geom_group).tolist() if group < _HIDDEN_GROUPS]
        groups = getattr(env.unwrapped, "visual_groups", None) or tuple(visual) or (0,)
        floor = float(target[2]) - 0.25 * distance
        return Scene3D(mujoco_pose.write_model(model, folder), groups, cameras, ("side", "top"), floor)


def find(env: Env[Any, Any]) -> Physics | None:
    """The MuJoCo simulation of an environment; None if it has none."""
    if "mujoco" not in sys.modules:
        return None
    import mujoco

    for layer in layers(env):
        model, data = getattr(layer, "model", None), getattr(layer, "data", None)
        if isinstance(model, mujoco.MjModel) and isinstance(data, mujoco.MjData):
            return Physics(model, data)
    return None


def layers(env: Env[Any, Any]) -> list[Any]:
    """The environment inside all wrappers, and the wrappers, outermost first."""
    found: list[Any] = [env]
    while isinstance(getattr(found[-1], "env", None), Env):
        found.append(found[-1].env)
    return found
