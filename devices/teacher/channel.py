"""The channel between the loop and a scripted teacher: what the teacher sees, and which tick it has answered.

Its motion does not pass through here: the teacher acts through its device and the gate, as every device does.

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
from hitl_clic.waiting import wait_for

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
        correction_mode: how the gate reads a correction at this tick.
        asks: the robot stands still and asks for help; the teacher must step in.
        part: the low-pass filtered policy action of the last tick, [dim_a]; None while the policy filter is off.
        share: gain of that filter per tick, from 0 to 1.
    """

    tick: int
    episode: int
    step: int
    observation: NDArray[np.float32]
    plan: NDArray[np.float32] | None
    step_in_chunk: int
    correction_mode: CorrectionMode = "absolute"
    asks: bool = False
    part: NDArray[np.float32] | None = None
    share: float = 1.0

    @property
    def instant(self) -> Instant:
        """(episode, tick) of the view."""
        return self.episode, self.tick

    @property
    def robot_action(self) -> NDArray[np.float32] | None:
        """The policy's action at this tick, filtered while a correction pushes, [dim_a]; None without a plan."""
        if self.plan is None:
            return None
        if self.part is None:
            return self.plan[0]
        return self.part + np.float32(self.share) * (self.plan[0] - self.part)


class TeacherChannel:
    """Carries views to a scripted teacher, and its wanted actions and answered ticks back.

    Args:
        newest_plan: the planner's newest plan of the present scene. Any thread may call it, and it never blocks.
    """

    def __init__(self, newest_plan: Callable[[], Plan | None] = lambda: None) -> None:
        self.name = ""
        """Name of the scripted teacher; empty if a person teaches."""
        self._newest_plan = newest_plan
        self._shown: Slot[TeacherView] = Slot()
        self._wanted: Slot[tuple[Instant, tuple[float, ...]]] = Slot()
        self._look = threading.Event()
        self._condition = threading.Condition()
        self._answered: Instant = (-1, -1)
        self._ended = False
        self._error: Exception | None = None

    # ---- called by the loop

    @property
    def tick(self) -> int:
        """Tick of the newest view; -1 before the first."""
        view = self._shown.latest()
        return -1 if view is None else view.tick

    def show(self, view: TeacherView) -> None:
        """Publish the newest view. If it has no plan, the teacher reads the planner's plan once it exists."""
        self._shown.publish(view)

    def ask_for_help(self) -> None:
        """Publish the newest view again, with a request for help."""
        view = self._shown.latest()
        if view is not None:
            self._shown.publish(replace(view, asks=True))

    def wanted(self, tick: int) -> tuple[float, ...] | None:
        """a*, [dim_a], at `tick`, without latency; None unless that is the newest tick the teacher has seen."""
        newest, view = self._wanted.latest(), self._shown.latest()
        return newest[1] if newest is not None and view is not None and newest[0] == (view.episode, tick) else None

    def wait_answer(self, tick: int, timeout_s: float) -> bool:
        """Wait until the device's newest sample answers `tick`. Returns at once if a person teaches.

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
            wait_for(self._condition, lambda: self._answered >= instant or self._ended, timeout_s)
            if self._error is not None:
                raise RuntimeError(f"the scripted teacher failed at tick {tick}: {self._error}") from self._error
            return self._answered >= instant

    # ---- called by the teacher's device

    def join(self, name: str) -> None:
        """Register the scripted teacher of this name, so that `wait_answer` waits for it."""
        self.name = name

    def wait_for_view(self, timeout_s: float) -> None:
        """Wait until the loop waits for an answer, at most `timeout_s` seconds."""
        self._look.wait(timeout_s)
        self._look.clear()

    def view(self) -> TeacherView | None:
        """The newest view, with the plan requested at its tick, if that exists by now."""
        view = self._shown.latest()
        if view is None or view.plan is not None:
            return view
        plan = self._newest_plan()  # after the view: see the module's note on threads
        if plan is None or plan.tick != view.tick:
            return view
        return replace(view, plan=plan.chunk, step_in_chunk=0)

    def publish_wanted(self, instant: Instant, wanted: tuple[float, ...]) -> None:
        """Publish a* at an instant, [dim_a]."""
        self._wanted.publish((instant, wanted))

    def answered(self, instant: Instant) -> None:
        """Note that the device's newest sample answers this instant."""
        if instant <= self._answered:  # written by this thread alone
            return
        with self._condition:
            self._answered = instant
            self._condition.notify_all()

    def end(self, error: Exception | None = None) -> None:
        """End waiting for answers; `error` is what ended the teacher."""
        self._look.set()
        with self._condition:
            self._ended, self._error = True, self._error or error
            self._condition.notify_all()
