"""A place for OpenGL to draw in, by MuJoCo's name of the way there. The thread that opens one is the one to use it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def open_context(name: str, width: int, height: int) -> Any:
    """MuJoCo's `GLContext` of this backend, current in the calling thread; `free` ends it.

    Raises:
        ImportError, and whatever else MuJoCo, PyOpenGL or GLFW raise where a library is missing: no two fail alike.
    """
    context = import_module(f"mujoco.{name}").GLContext(width, height)
    context.make_current()
    return context
