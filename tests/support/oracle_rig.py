"""A scripted teacher as a device, with the loop's side of its channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher import scripted
from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.devices.teacher.oracle import Oracle, OracleSettings
from hitl_clic.devices.teacher.scripted import Script, ScriptedDevice

FAR = np.array([0.8, -0.6])
HERE = np.zeros(2, np.float32)


class Teacher:
    """Its action is the first two numbers of the observation; records every call."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.resets = 0

    def action(self, observation: np.ndarray) -> np.ndarray:
        self.calls.append(float(observation[2]))
        return observation[:2]

    def reset(self) -> None:
        self.resets += 1


class FunctionTeacher(Teacher):
    """Its action is a function of the observation."""

    def __init__(self, wanted: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self.wanted = wanted

    def action(self, observation: np.ndarray) -> np.ndarray:
        return self.wanted(observation)


PATIENCE_S = 60.0
"""Timeout for events that are immediate except on a slow machine, s."""
MS = 1_000_000


class Rig:
    """A started oracle and the loop's side of its channel."""

    def __init__(self, settings: OracleSettings, execute: int = 4, teacher: Script | None = None) -> None:
        self.teacher = Teacher()
        self.channel = TeacherChannel()
        self.device = ScriptedDevice(teacher or self.teacher, Oracle(settings, execute, ("x", "y")), self.channel)

    def show(
        self, tick: int, wanted: np.ndarray = FAR, robot: np.ndarray | None = HERE, episode: int = 0, **more: object
    ) -> None:
        observation = np.array([*wanted, tick], np.float32)
        fields: dict = {"step": tick, "step_in_chunk": 0} | more
        self.channel.show(
            TeacherView(tick, episode, observation=observation, plan=None if robot is None else robot[None], **fields)
        )

    def answer(self, tick: int, wanted: np.ndarray = FAR, **more: object) -> DeviceSample:
        self.show(tick, wanted, **more)  # type: ignore[arg-type]
        assert self.channel.wait_answer(tick, PATIENCE_S)
        return self.device.latest()


class Stepped(Rig):
    """An oracle without a thread: the test calls `read` and sets the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
        super().__init__(OracleSettings(**settings))  # type: ignore[arg-type]
        self.now_ns = 0
        monkeypatch.setattr(scripted, "time", SimpleNamespace(perf_counter_ns=lambda: self.now_ns))

    def read(self, ms: int) -> DeviceSample:
        self.now_ns = ms * MS
        return self.device.read(0.0)


@contextmanager
def rig(execute: int = 4, teacher: Script | None = None, **settings: object) -> Iterator[Rig]:
    made = Rig(OracleSettings(**settings), execute, teacher)  # type: ignore[arg-type]
    made.device.start()
    try:
        yield made
    finally:
        made.device.close()
