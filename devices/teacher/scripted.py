"""The scripted teacher as a device, with the reader thread, rate and latency of any other device.

The loop publishes views in a `TeacherChannel`. The reader thread asks the teacher and answers with a `DeviceSample`.
Only the reader thread calls the teacher and the oracle.
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
"""(observation [dim_o], next actions [k, dim_a]) to the teacher's action [dim_a] after them."""


class Script(Protocol):
    """The part of a task's scripted teacher that the device uses."""

    def action(self, observation: NDArray[np.float32]) -> NDArray:
        """a*(s), float [dim_a]. Called once per tick seen, in order, because the teacher keeps a phase."""
        ...

    def reset(self) -> None:
        """Reset the phase; called before the first tick of each episode."""
        ...


class _Answer(NamedTuple):
    """A decided sample, the time at which to publish it, and the instant that it answers."""

    due_ns: int
    instant: Instant
    sample: DeviceSample


class ScriptedDevice(Device):
    """Answers each view that has a robot action with a sample.

    Args:
        teacher: computes a*. oracle: decides when and how to correct; has the axes and settings.
        channel: to the loop. foresee: predicts the teacher's action; needed for foresight.

    Raises:
        ValueError: `foresight` is set and `foresee` is missing.
    """

    name = "oracle"
    person = False

    def __init__(
        self, teacher: Script, oracle: Oracle, channel: TeacherChannel, foresee: Foresee | None = None
    ) -> None:
        self.settings = oracle.settings
        if self.settings.foresight and foresee is None:
            raise ValueError("oracle.foresight = true needs a teacher with a model of its task")
        super().__init__(self.settings.rate_hz)
        self.axes = oracle.axes
        self.missed = 0
        """Count of ticks that the teacher did not see because it was busy."""
        self._teacher, self._oracle, self._channel = teacher, oracle, channel
        self._foresee = foresee if self.settings.foresight else None
        channel.join(self.name)
        self._episode = -1
        self._wanted = np.zeros(len(self.axes))
        """a* of the newest view."""
        self._seen = -1
        """Tick of the newest view whose a* is known."""
        self._decided = False
        """Whether that tick is decided, which needs a view with a robot action."""
        self._answered_help = False
        """Whether the decision answered a request for help."""
        self._due: deque[_Answer] = deque()
        """Decided and not published yet, oldest first."""
        self._shown = self.idle()
        self._published_instant: Instant = (-1, -1)
        """The instant that the published sample answers."""

    def close(self) -> None:
        """Stop the reader thread and wake the loop if it waits for an answer. Safe to call twice."""
        self._closing.set()
        self._channel.end()
        super().close()

    def release(self) -> None:
        """The reader thread ends: wake the loop."""
        self._channel.end(self.failure)

    def read(self, timeout_s: float) -> DeviceSample:
        """Answer a new view, and return the sample that is due now."""
        if self._due:
            timeout_s = min(timeout_s, max(0.0, (self._due[0].due_ns - time.perf_counter_ns()) * 1e-9))
        self._channel.wait_for_view(timeout_s)
        view = self._channel.view()
        if view is not None:
            self._look(view)
        now_ns = time.perf_counter_ns()
        while self._due and self._due[0].due_ns <= now_ns:
            _, self._published_instant, self._shown = self._due.popleft()
        # every reading confirms the motion, as with a held device
        return replace(self._shown, time_ns=now_ns)

    def _look(self, view: TeacherView) -> None:
        if view.episode != self._episode:
            self._teacher.reset()
            self._oracle.begin(view.episode)
            self._episode, self._seen = view.episode, view.tick - 1
            self._due.clear()
            self._shown = self.idle()  # the old motion has no meaning in a new scene
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
        """Queue the answer to a view with a plan, with the latency of the settings."""
        robot = view.robot_action
        assert robot is not None
        assert view.plan is not None
        foreseen = None
        if self._foresee is not None:
            plan = np.concatenate([robot[None], view.plan[1:]])
            foreseen = self._checked(
                self._foresee(view.observation, self._oracle.actions_until_executed(plan, view.correction_mode))
            )
        answer = self._oracle.decide(
            view.step,
            view.step_in_chunk,
            self._wanted,
            robot,
            view.correction_mode,
            view.asks,
            np.sum([due.sample.motion for due in self._due], axis=0),
            foreseen,
        )
        now_ns = time.perf_counter_ns()
        sample = DeviceSample(now_ns, answer.motion, engage=answer.engage, teaches=answer.teaches)
        self._due.append(_Answer(now_ns + round(self.settings.latency_s * 1e9), view.instant, sample))

    def _checked(self, wanted: NDArray) -> NDArray[np.float64]:
        """a* scaled into [-1, 1], with its direction kept. Raises ValueError if its shape or a value is wrong."""
        action = np.asarray(wanted, np.float64)
        if action.shape != (len(self.axes),) or not np.all(np.isfinite(action)):
            raise ValueError(f"the teacher gave {action!r}; expected {len(self.axes)} finite numbers")
        return np.asarray(action / max(1.0, float(np.max(np.abs(action)))))

    def _publish(self, sample: DeviceSample) -> None:
        super()._publish(sample)
        self._channel.answered(self._published_instant)
