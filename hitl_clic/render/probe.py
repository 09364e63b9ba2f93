"""A process that tests one OpenGL backend: it draws a sphere and exits with status 0 if the image shows it.

`backend` starts it. Errors go to stderr.
"""

from __future__ import annotations

import sys

import mujoco
import numpy as np

from hitl_clic.render.backend import open_context

_SIDE = 16
_MODEL = '<mujoco><worldbody><light pos="0 0 3"/><geom size="1" rgba="1 0 0 1"/></worldbody></mujoco>'


def main(name: str) -> int:
    """Draw with this backend; the exit status, 1 if the image is empty."""
    model = mujoco.MjModel.from_xml_string(_MODEL)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    gl = open_context(name, _SIDE, _SIDE)
    try:
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
        scene = mujoco.MjvScene(model, 10)
        camera = mujoco.MjvCamera()
        camera.distance = 2.0
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), None, camera, every, scene)
        area = mujoco.MjrRect(0, 0, _SIDE, _SIDE)
        image = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        mujoco.mjr_render(area, scene, context)
        mujoco.mjr_readPixels(image, None, area, context)
        if not image.any():
            sys.stderr.write("its image is empty\n")
            return 1
        return 0
    finally:
        gl.free()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
