"""The scripted teacher as a device: same thread, slot, rate and latency as a hand. Knows no tasks and no policies.

The loop shows what there is to see in a `TeacherChannel`; the reader thread asks the teacher, and answers with a
`DeviceSample` as any device. The reader thread alone calls the teacher and the oracle.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher.channel import Instant, TeacherChannel, TeacherView
from hitl_clic.devices.teacher.oracle import Oracle

Foresee = Callable[[NDArray[np.float32], NDArray], NDArray]
"""What a teacher would want after an observation and the actions that follow it, [k, dim_a]."""


class Script(Protocol):
    """What the device needs of a task's scripted teacher."""

    def action(self, observation: NDArray[np.float32]) -> NDArray:
        """a*(s), float [dim_a]; called once for each tick seen, in order, because the teacher keeps a phase."""
        ...

    def reset(self) -> None:
        """Forget the phase; called before the first tick of each episode."""
        ...


class _Answer(NamedTuple):
    """A sample that is decided and not shown yet: when to show it, and which instant it answers."""

    due_ns: int
    instant: Instant
    sample: DeviceSample


class ScriptedDevice(Device):
    """Answers each view that has a robot action with a sample.

    Args:
        teacher: gives a*. oracle: decides when to step in, and how; it names the axes and has the settings.
        channel: to the loop.
        foresee: what the teacher would want after some actions; needed for foresight.

    Raises:
        ValueError: the settings want foresight, and there is none.
    """

    name = "oracle"

    def __init__(
        self, teacher: Script, oracle: Oracle, channel: TeacherChannel, foresee: Foresee | None = None
    ) -> None:
        self.settings = oracle.settings
        if self.settings.foresight and foresee is None:
            raise ValueError("oracle.foresight = true needs a teacher that can foresee")
        super().__init__(self.settings.rate_hz)
        self.axes = oracle.axes
        self.missed = 0
        """Ticks of an episode that passed unseen because the teacher was still busy."""
        self._teacher, self._oracle, self._channel = teacher, oracle, channel
        self._foresee = foresee if self.settings.foresight else None
        channel.join(self.name)
        self._episode = -1
        self._wanted = np.zeros(len(self.axes))
        """a* of the newest view."""
        self._seen = -1
        """Tick of the newest view whose a* is known."""
        self._decided = False
        """Whether that tick is decided; it is not while its view has no robot action."""
        self._answered_help = False
        """Whether it is decided with the robot asking for help."""
        self._due: deque[_Answer] = deque()
        """Decided and not shown yet, oldest first."""
        self._shown = self.idle()
        self._shown_answers: Instant = (-1, -1)
        """The instant that the shown sample answers."""

    def close(self) -> None:
        """Stop the reader thread and wake the loop if it waits for an answer. Safe to call twice."""
        self._closing.set()
        self._channel.end()
        super().close()

    def release(self) -> None:
        """The reader thread ends: the loop must not wait any longer."""
        self._channel.end(self.failure)

    def read(self, timeout_s: float) -> DeviceSample:
        """Answer the newest view, if there is a new one, and return the sample that is due by now."""
        if self._due:
            timeout_s = min(timeout_s, max(0.0, (self._due[0].due_ns - time.perf_counter_ns()) * 1e-9))
        self._channel.wait_for_view(timeout_s)
        view = self._channel.view()
        if view is not None:
            self._look(view)
        now_ns = time.perf_counter_ns()
        while self._due and self._due[0].due_ns <= now_ns:
            _, self._shown_answers, self._shown = self._due.popleft()
        # a hand that holds still is still there: every reading confirms the motion
        return replace(self._shown, time_ns=now_ns)

    def _look(self, view: TeacherView) -> None:
        if view.episode != self._episode:
            self._teacher.reset()
            self._oracle.begin(view.episode)
            self._episode, self._seen = view.episode, view.tick - 1
            self._due.clear()
            self._shown = self.idle()  # lets go: the old motion means nothing in a new scene
        if view.tick > self._seen:
            self.missed += view.tick - self._seen - 1
            self._wanted = self._checked(self._teacher.action(view.observation))
            self._seen = view.tick
            self._decided = self._answered_help = False
            self._channel.publish_wanted(view.instant, tuple(float(value) for value in self._wanted))
        decided = self._decided and not view.asks
        if view.plan is None or view.tick != self._seen or decided or self._answered_help:
            return
        self._decided = True
        self._answered_help = view.asks
        self._decide(view)

    def _decide(self, view: TeacherView) -> None:
        """Put the answer to a view that has a plan among those that are due, with the settings' latency."""
        robot = view.robot_action
        assert robot is not None
        assert view.plan is not None
        then = None
        if self._foresee is not None:
            plan = np.concatenate([robot[None], view.plan[1:]])
            then = self._checked(self._foresee(view.observation, self._oracle.until_then(plan, view.kind)))
        answer = self._oracle.decide(
            view.step,
            view.step_in_chunk,
            self._wanted,
            robot,
            view.kind,
            view.asks,
            np.sum([due.sample.motion for due in self._due], axis=0),
            then,
        )
        now_ns = time.perf_counter_ns()
        sample = DeviceSample(now_ns, answer.motion, engage=answer.engage, teaches=answer.teaches)
        self._due.append(_Answer(now_ns + round(self.settings.latency_s * 1e9), view.instant, sample))

    def _checked(self, wanted: NDArray) -> NDArray[np.float64]:
        """a* in [-1, 1]: divided by its largest entry if that exceeds 1, which keeps its direction."""
        action = np.asarray(wanted, np.float64)
        if action.shape != (len(self.axes),) or not np.all(np.isfinite(action)):
            raise ValueError(f"the teacher gave {action!r}; needed are {len(self.axes)} finite numbers")
        return np.asarray(action / max(1.0, float(np.max(np.abs(action)))))

    def _publish(self, sample: DeviceSample) -> None:
        super()._publish(sample)
        self._channel.answered(self._shown_answers)
