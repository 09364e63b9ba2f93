"""The choice of an OpenGL backend."""

from __future__ import annotations

import sys

import pytest

from hitl_clic.render import backend


def test_all_backends_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    tried: list[str] = []

    def fail(name: str) -> str:
        tried.append(name)
        return "no library"

    monkeypatch.setattr(backend, "_try", fail)
    with pytest.raises(backend.NoBackend, match=r"tried egl, glfw, osmesa.*install libegl1"):
        backend.find("auto")
    assert tried == ["egl", "glfw", "osmesa"]
    monkeypatch.setattr(backend, "_try", lambda name: "" if name == "osmesa" else "no library")
    assert backend.find("auto") == "osmesa"
    with pytest.raises(backend.NoBackend, match=r"window\.gl"):
        backend.find("egl")
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(backend.NoBackend, match="tried glfw"):
        backend.find("auto")
