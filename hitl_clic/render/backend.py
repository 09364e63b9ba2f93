"""Which of the ways to OpenGL works on this machine.

Each is tried in a process of its own, because one that fails may take its process with it. Any thread; a try takes a
second or so, never within a tick.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Literal

Choice = Literal["auto", "egl", "osmesa", "glfw"]

_CANDIDATES: Mapping[str, tuple[str, ...]] = {"darwin": ("cgl",), "win32": ("glfw",)}
_ELSEWHERE = ("egl", "glfw", "osmesa")
"""EGL reaches the graphics card with and without a display, and draws on the processor where there is none."""
_LONGEST_TRY_S = 30.0
_log = logging.getLogger(__name__)


class NoBackend(RuntimeError):
    """Nothing here can draw; the message is one sentence that says what to do."""


def find(choice: Choice) -> str:
    """MuJoCo's name of the way that works: the one chosen, else that of MUJOCO_GL, else the first that draws.

    Raises:
        NoBackend: none does. Why each failed is in the log.
    """
    wish = os.environ.get("MUJOCO_GL", "").strip().lower() if choice == "auto" else choice
    names = (wish,) if wish else _CANDIDATES.get(sys.platform, _ELSEWHERE)
    for name in names:
        problem = _try(name)
        if not problem:
            return name
        _log.warning("cannot draw with %s: %s", name, problem)
    if wish:
        remedy = "unset MUJOCO_GL" if choice == "auto" else "choose window.gl = auto and unset MUJOCO_GL"
    else:
        remedy = _remedy()
    raise NoBackend(f"OpenGL does not work here (tried {', '.join(names)}): {remedy}.")


def environment(name: str) -> dict[str, str]:
    """The variables under which MuJoCo takes this way."""
    kept = {key: value for key, value in os.environ.items() if key != "PYOPENGL_PLATFORM"}  # says the same, by others
    # On a processor: as many threads as there are cores would only push the loop aside, and are no faster.
    return {"LP_NUM_THREADS": "0"} | kept | {"MUJOCO_GL": name}


def take(name: str) -> None:
    """Make this process draw in this way; before MuJoCo is imported."""
    wanted = environment(name)
    for gone in set(os.environ) - set(wanted):
        del os.environ[gone]
    os.environ.update(wanted)


def _try(name: str) -> str:
    """Draw a test picture in this way; what went wrong, or nothing."""
    command = [sys.executable, "-m", "hitl_clic.render.probe", name]
    try:
        done = subprocess.run(
            command,
            env=environment(name),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"it ended with status {done.returncode}"


def _remedy() -> str:
    if sys.platform == "linux":
        return "install libegl1, libegl-mesa0 and libgl1-mesa-dri, or a driver for the graphics card"
    return "install a driver for the graphics card"
