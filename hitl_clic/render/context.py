"""An off-screen OpenGL context of one of MuJoCo's backends. Only the thread that opens a context may use it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def open_context(name: str, width: int, height: int) -> Any:
    """MuJoCo's `GLContext` of this backend, made current in the calling thread. Call its `free` at the end.

    Raises:
        Exception: a library is missing. Its type depends on MuJoCo, PyOpenGL and GLFW; ImportError is one of them.
    """
    context = import_module(f"mujoco.{name}").GLContext(width, height)
    context.make_current()
    return context
