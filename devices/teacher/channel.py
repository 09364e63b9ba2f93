"""The channel between the loop and a scripted teacher: what the teacher sees, and which tick it has answered.

The teacher's motion does not go through here: it drives through its device and the gate, as a hand does.

Threads. The loop's thread calls `show`, `ask_for_help`, `wanted` and `wait_answer`. The device's reader thread calls
`wait_for_view`, `view`, `publish_wanted`, `answered` and `end`. The thread that makes and closes the device calls
`join` and `end`. Each of the two slots has one writer, so neither needs a lock. The planner thread writes nothing here:
`view` reads the view first and then the planner's newest plan. A view without a plan is shown only after the planner
forgot the plans of the old scene, so the plan that `view` finds belongs to the view's scene. The condition guards which
instant is answered and whether the teacher ended. Only `wait_answer` waits on it; a real-time session never does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hitl_clic.devices.core.slot import Slot
from hitl_clic.types.records import CorrectionMode, Plan

Instant = tuple[int, int]
"""(episode, tick). A person may end an episode before its tick T runs; the next episode then begins with tick T too."""


@dataclass(frozen=True, slots=True)
class TeacherView:
    """What the teacher sees at one tick.

    Attributes:
        tick: number in the session, growing; episode: from 0; step: number in the episode, from 0.
        observation: s_t, float32 [dim_o].
        plan: what is left of the robot's running chunk, a^r_t first, float32 [k, dim_a], k >= 1; None while there is
            no plan yet.
        step_in_chunk: place of `robot_action` in the robot's running chunk, from 0.
        kind: how a correction is read at this tick: the gate says.
        asks: the robot stands still and asks for help: the teacher is to step in, whatever it thinks of the plan.
        part: the robot's part of the last action, [dim_a], where the policy filter is on (it follows plans slowly).
        share: how much of the way from `part` to its plan the robot goes at a tick.
    """

    tick: int
    episode: int
    step: int
    observation: NDArray[np.float32]
    plan: NDArray[np.float32] | None
    step_in_chunk: int
    kind: CorrectionMode = "absolute"
    asks: bool = False
    part: NDArray[np.float32] | None = None
    share: float = 1.0

    @property
    def instant(self) -> Instant:
        """Which instant it is."""
        return self.episode, self.tick

    @property
    def robot_action(self) -> NDArray[np.float32] | None:
        """What the robot does by itself, or its part while it is pushed, [dim_a]; None while there is no plan."""
        if self.plan is None:
            return None
        if self.part is None:
            return self.plan[0]
        return self.part + np.float32(self.share) * (self.plan[0] - self.part)


class TeacherChannel:
    """Carries views to a scripted teacher, and back the actions it wants and the ticks it has answered.

    Args:
        newest_plan: the planner's newest plan of the present scene. Any thread may call it, and it never blocks.
    """

    def __init__(self, newest_plan: Callable[[], Plan | None] = lambda: None) -> None:
        self.name = ""
        """Name of the teacher that answers; empty where a person teaches."""
        self._newest_plan = newest_plan
        self._shown: Slot[TeacherView] = Slot()
        self._wanted: Slot[tuple[Instant, tuple[float, ...]]] = Slot()
        self._look = threading.Event()
        self._condition = threading.Condition()
        self._answered: Instant = (-1, -1)
        self._ended = False
        self._error: Exception | None = None

    # ---- the loop's side

    @property
    def tick(self) -> int:
        """Tick of the newest view; -1 before the first."""
        view = self._shown.latest()
        return -1 if view is None else view.tick

    def show(self, view: TeacherView) -> None:
        """The newest instant; where its plan is None the teacher gets the planner's as soon as it is there."""
        self._shown.publish(view)

    def ask_for_help(self) -> None:
        """Show the newest view once more: the robot stands still and asks."""
        view = self._shown.latest()
        if view is not None:
            self._shown.publish(replace(view, asks=True))

    def wanted(self, tick: int) -> tuple[float, ...] | None:
        """a*, [dim_a], at `tick` if that is the newest tick the teacher has seen; without the samples' latency."""
        newest, view = self._wanted.latest(), self._shown.latest()
        return newest[1] if newest is not None and view is not None and newest[0] == (view.episode, tick) else None

    def wait_answer(self, tick: int, timeout_s: float) -> bool:
        """Wait until the sample that answers `tick` is the device's newest. At once where no script teaches.

        Returns:
            False when `timeout_s` seconds passed or the device was closed.

        Raises:
            RuntimeError: the teacher failed; its error is the cause.
        """
        if not self.name:
            return True
        view = self._shown.latest()
        instant = (0 if view is None else view.episode, tick)
        with self._condition:
            self._look.set()
            self._condition.wait_for(lambda: self._answered >= instant or self._ended, timeout_s)
            if self._error is not None:
                raise RuntimeError(f"the scripted teacher failed at tick {tick}: {self._error}") from self._error
            return self._answered >= instant

    # ---- the teacher's side

    def join(self, name: str) -> None:
        """A teacher of this name will answer: from now on `wait_answer` waits."""
        self.name = name

    def wait_for_view(self, timeout_s: float) -> None:
        """Wait until the loop waits for an answer, at most `timeout_s` seconds."""
        self._look.wait(timeout_s)
        self._look.clear()

    def view(self) -> TeacherView | None:
        """The newest instant, with the plan that was asked for at it if that is there by now."""
        view = self._shown.latest()
        if view is None or view.plan is not None:
            return view
        plan = self._newest_plan()  # after the view: see the module's note on threads
        if plan is None or plan.tick != view.tick:
            return view
        return replace(view, plan=plan.chunk, step_in_chunk=0)

    def publish_wanted(self, instant: Instant, wanted: tuple[float, ...]) -> None:
        """The teacher has seen this instant and would do a* there."""
        self._wanted.publish((instant, wanted))

    def answered(self, instant: Instant) -> None:
        """The sample that answers this instant is now the device's newest."""
        if instant <= self._answered:  # written by this thread alone
            return
        with self._condition:
            self._answered = instant
            self._condition.notify_all()

    def end(self, error: Exception | None = None) -> None:
        """Nobody answers any more; `error` is what ended the teacher."""
        self._look.set()
        with self._condition:
            self._ended, self._error = True, self._error or error
            self._condition.notify_all()
