"""Task, device and teacher of a session: made by the names in the settings, or the caller's objects.

Main thread of the actor, before the loop begins.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import make_device, reads_scene, scripted_device
from hitl_clic.runner.policy_teacher import PolicyTeacher
from hitl_clic.settings import SessionSettings, is_object_name
from hitl_clic.tasks import registry
from hitl_clic.tasks.foreign.finding import as_teacher
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError
from hitl_clic.types.scene import Scene
from hitl_clic.types.view import LoopView

TeacherFunction = Callable[..., Any]
"""Observation to the action the teacher would take, or observation and info. Of a `Task` object: float32 [dim_o] to
[dim_a] in [-1, 1]. Of an environment: its own observation to its own action."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the caller gave as objects; None: made by the name in the settings.

    Attributes:
        task: stays open at the end. device: is started and closed. teacher: the scripted teacher of the task.
    """

    task: Task | None = None
    device: Device | None = None
    teacher: Teacher | TeacherFunction | None = None

    def make_task(self, settings: SessionSettings) -> Task:
        """The task.

        Raises:
            UserError: no such task or option, a missing simulator, or the settings name an object.
        """
        if self.task is not None:
            return self.task
        if is_object_name(settings.task) and not settings.environment.complete:
            raise UserError(f"task = {settings.task} was an object; in Python, give task= an object of that class")
        if settings.loop.overlap == "future_state" and settings.environment.exact == "none":
            raise UserError(
                f"loop.overlap = future_state is not allowed with task = {settings.task}: it does not repeat itself, "
                "so it cannot be tried out; allowed: sync, async, prefix_conditioned"
            )
        try:
            return registry.make_task(settings.task, settings.environment, **settings.task_options)
        except UserError:
            raise
        except ValueError as error:
            raise UserError(str(error)) from error

    def copy_task(self, settings: SessionSettings) -> Task:
        """A new task, or a deep copy of the caller's object; the caller of this closes it.

        Raises:
            UserError: as `make_task`, or the caller's object cannot be copied.
        """
        if self.task is None:
            return self.make_task(settings)
        try:
            return copy.deepcopy(self.task)
        except Exception as error:  # a caller's object may raise anything
            raise UserError(f"task = {object_name(self.task)} cannot be copied: {error}") from error

    def close(self, task: Task) -> None:
        """Close a task, unless it is the caller's."""
        if task is not self.task:
            task.close()

    def find_teacher(self, settings: SessionSettings, task: Task) -> Teacher | None:
        """The scripted teacher of a task; None if it has none.

        Raises:
            UserError: the settings name a teacher that cannot be made.
        """
        if self.teacher is not None:
            return as_teacher(object_name(self.teacher), self.teacher, task)
        told = settings.environment.teacher
        if told not in (None, "", "task", "metaworld") and Path(told).exists():
            return PolicyTeacher(Path(told), task)
        return registry.find_teacher(settings.task, settings.environment, task)

    def make_device(
        self,
        settings: SessionSettings,
        task: Task,
        channel: TeacherChannel,
        feed: EventFeed,
        views: Slot[LoopView],
    ) -> Device:
        """The device, not started.

        Args:
            settings: with `auto` resolved. channel: between the loop and a scripted teacher.
            feed: the window's input events. views: the loop's newest instant.

        Raises:
            UserError: the device is not available, or does not fit the task.
        """
        if self.device is not None:
            return self.device
        axes = task.action_frame.axes

        def scene() -> Scene | None:
            view = views.latest()
            return None if view is None else view.scene

        try:
            if reads_scene(settings.device) and task.scene().pose is not None:
                raise UserError(
                    f"device = {settings.device} needs a flat scene, and {settings.task} is drawn in three dimensions: "
                    "use mouse instead of pointer, whose drag acts as a stick"
                )
            if settings.device != "oracle":
                return make_device(settings, axes, channel, feed, scene)
            teacher = self.find_teacher(settings, task)
            if teacher is None:
                raise UserError(
                    f"device = oracle needs a scripted teacher of {settings.task}, which has none; allowed: a person's "
                    "device, or environment.teacher, which names one (in Python teacher=)"
                )
            return scripted_device(settings, axes, channel, teacher)
        except UserError:
            raise
        except ValueError as error:
            raise UserError(str(error)) from error


def object_name(given: object) -> str:
    """The name of an object in the settings: "module:Class", or "module:name" of a function."""
    kind = given if hasattr(given, "__qualname__") else type(given)
    return f"{kind.__module__}:{getattr(kind, '__qualname__', type(given).__qualname__)}"
