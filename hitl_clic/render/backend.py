"""Which OpenGL backend works on this machine.

Each is tried in a process of its own, because a failing backend may crash its process. Any thread may call this. A try
takes about a second, so never call it in a tick.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

Choice = Literal["auto", "egl", "osmesa", "glfw"]

_CANDIDATES: Mapping[str, tuple[str, ...]] = {"darwin": ("cgl",), "win32": ("glfw",)}
_OTHER_PLATFORMS = ("egl", "glfw", "osmesa")
"""EGL uses the graphics card with and without a display, and the processor where there is no card."""
_TRY_TIMEOUT_S = 30.0
_log = logging.getLogger(__name__)


class NoBackend(RuntimeError):
    """No OpenGL backend works; the message is one sentence that says what to do."""


def find(choice: Choice) -> str:
    """MuJoCo's name of a working backend: the chosen one, else that of MUJOCO_GL, else the first that draws.

    Raises:
        NoBackend: none works. The log says why each failed.
    """
    chosen = os.environ.get("MUJOCO_GL", "").strip().lower() if choice == "auto" else choice
    names = (chosen,) if chosen else _CANDIDATES.get(sys.platform, _OTHER_PLATFORMS)
    for name in names:
        problem = _try(name)
        if not problem:
            return name
        _log.warning("cannot draw with %s: %s", name, problem)
    if chosen:
        remedy = "unset MUJOCO_GL" if choice == "auto" else "choose window.gl = auto and unset MUJOCO_GL"
    elif sys.platform == "linux":
        remedy = "install libegl1, libegl-mesa0 and libgl1-mesa-dri, or a driver for the graphics card"
    else:
        remedy = "install a driver for the graphics card"
    raise NoBackend(f"OpenGL does not work here (tried {', '.join(names)}): {remedy}.")


def environment(name: str) -> dict[str, str]:
    """The environment variables that make MuJoCo use this backend."""
    kept = {key: value for key, value in os.environ.items() if key != "PYOPENGL_PLATFORM"}  # may contradict MUJOCO_GL
    # On a processor: drawing threads would slow the control loop, and drawing is no faster with them.
    return {"LP_NUM_THREADS": "0"} | kept | {"MUJOCO_GL": name}


def use(name: str) -> None:
    """Set this process's environment for a backend. Call it before MuJoCo is imported."""
    wanted = environment(name)
    for removed in set(os.environ) - set(wanted):
        del os.environ[removed]
    os.environ.update(wanted)


def open_context(name: str, width: int, height: int) -> Any:
    """MuJoCo's `GLContext` of this backend, made current in the calling thread, which alone may use it.

    Call its `free` at the end. If a library is missing, the error's type depends on MuJoCo, PyOpenGL and GLFW.
    """
    context = import_module(f"mujoco.{name}").GLContext(width, height)
    context.make_current()
    return context


def _try(name: str) -> str:
    """Draw a test image with a backend; what went wrong, or an empty text."""
    command = [sys.executable, "-m", "hitl_clic.render.probe", name]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        done = subprocess.run(command, env=environment(name), timeout=_TRY_TIMEOUT_S, check=False, **pipes)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with status {done.returncode}"
