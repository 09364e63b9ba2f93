"""The chunk in use and the request for the next one. Actor's main thread; waits only at full pace, before a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.overlap import Overlap, Running, from_now
from hitl_clic.control.planner import LoopError, Planner
from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.types.records import Array, Plan


class Planning:
    """Requests plans and starts them, and shows the robot's next actions to the scripted teacher.

    Args:
        planner: makes plans in its own thread. queue: gives the actions of the plan in use.
        teacher: the channel to the scripted teacher.
        overlap: how the next chunk is requested while one runs; the queue's lead decides when.
        pair_stride: ticks between two plans while the human drives.
        timeout_s: longest wait for the planner or the teacher in `wait_ready`.
    """

    def __init__(
        self,
        planner: Planner,
        queue: ChunkQueue,
        teacher: TeacherChannel,
        overlap: Overlap = from_now,
        pair_stride: int = 1,
        timeout_s: float = 60.0,
    ) -> None:
        self.planner, self.queue, self.teacher = planner, queue, teacher
        self._overlap, self._pair_stride, self._timeout_s = overlap, pair_stride, timeout_s
        self._started_tick = -1
        """Tick of the newest plan that was started."""

    def begin(self, tick: int) -> None:
        """A new episode: forget all plans of the old scene."""
        self.queue.drop(tick)
        self.planner.forget()

    def wait_ready(self) -> None:
        """Wait until the coming tick can begin without missing a plan or an answer of the teacher (full pace only).

        Raises:
            LoopError: the planner ended, or planner or teacher took longer than `timeout_s`.
            RuntimeError: the teacher failed.
        """
        tick = self.teacher.tick
        if not self.planner.wait_idle(self._timeout_s):
            raise LoopError(f"no plan for tick {tick} within {self._timeout_s:.0f} s")
        self.planner.check()
        if not self.teacher.wait_answer(tick, self._timeout_s):
            raise LoopError(f"{self.teacher.name} gave no answer for tick {tick} within {self._timeout_s:.0f} s")

    def take_newest(self, tick: int) -> Plan | None:
        """Start the newest plan at this tick if it may begin; the plan, where it was started for the first time."""
        plan = self.planner.latest()
        if not self.queue.take(plan, tick) or plan is None or plan.tick == self._started_tick:
            return None
        self._started_tick = plan.tick
        return plan

    def request_next(self, view: TeacherView, human_drove: bool, forecast: Callable[[Array], Array]) -> None:
        """Show the coming tick to the teacher, and request the plan that it needs.

        Args:
            view: the coming tick as the teacher sees it, still without the robot's plan.
            human_drove: whether the human drove at the tick before.
            forecast: the observation expected after some actions, as `Task.forecast`.
        """
        tick, queue = view.tick, self.queue
        due = self._due(tick, human_drove)
        lead = 0 if human_drove else queue.remaining(tick)
        rest = queue.rest(tick)
        if not due or lead:  # else the robot's action at this tick depends on the new plan
            plan = queue.action(tick)[None] if rest is None else rest
            view = replace(view, plan=plan, step_in_chunk=queue.index(tick))
        self.teacher.show(view)
        if not due:
            return
        steps = np.zeros((0, queue.dim_a), np.float32) if human_drove or rest is None else rest
        if lead:
            queue.requested(tick)
        self.planner.request(self._overlap(Running(tick, view.observation, steps, lead, forecast)))

    def _due(self, tick: int, human_drove: bool) -> bool:
        """Whether a plan is requested with the observation of this tick; always so where no plan is in use."""
        if human_drove and self.queue.plan is not None:
            return tick - self.queue.plan.tick >= self._pair_stride
        return self.queue.due(tick)
