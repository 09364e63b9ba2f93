"""The scripted teacher as a device: same thread, slot, rate and latency as a hand. Knows no tasks and no policies.

The loop publishes a `TeacherView` per tick; the reader thread asks the teacher and answers with a `DeviceSample`.
`settle` and `wanted` are called by the loop's thread, everything else happens in the reader thread. The teacher is
touched by the reader thread only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.teacher.oracle import Kind, Oracle, OracleSettings

__all__ = ["Foresee", "OracleSettings", "ScriptedDevice", "TeacherView"]

Foresee = Callable[[NDArray[np.float32], NDArray], NDArray]
"""What a teacher would want after an observation and the actions that follow it, [k, dim_a]."""


@dataclass(frozen=True, slots=True)
class TeacherView:
    """What the teacher sees at one tick.

    Attributes:
        tick: number in the session, growing; episode: from 0; step: number in the episode, from 0.
        observation: s_t, float32 [dim_o].
        plan: what is left of the robot's running chunk, a^r_t first, float32 [k, dim_a], k >= 1; None while there is
            no plan yet (publish again when there is).
        step_in_chunk: place of `robot_action` in the robot's running chunk, from 0.
        kind: how a correction is read at this tick: the gate says.
        asks: the robot stands still and asks for help: the teacher is to step in, whatever it thinks of the plan.
        part: its part of the last action, [dim_a], of a robot that is pushed and then follows its plans slowly.
        share: how much of the way from there to its plan it goes at a tick.
    """

    tick: int
    episode: int
    step: int
    observation: NDArray[np.float32]
    plan: NDArray[np.float32] | None
    step_in_chunk: int
    kind: Kind = "absolute"
    asks: bool = False
    part: NDArray[np.float32] | None = None
    share: float = 1.0

    @property
    def robot_action(self) -> NDArray[np.float32] | None:
        """What the robot does by itself, or its part while it is pushed, [dim_a]; None while there is no plan."""
        if self.plan is None:
            return None
        if self.part is None:
            return self.plan[0]
        return self.part + np.float32(self.share) * (self.plan[0] - self.part)


class ScriptedDevice(Device):
    """Answers each view that has a robot action with a sample whose `answers_tick` is the view's tick."""

    name = "oracle"

    def __init__(
        self,
        axes: Sequence[str],
        teacher: Callable[[NDArray[np.float32]], NDArray],
        reset: Callable[[], None],
        view: Slot[TeacherView],
        execute: int,
        settings: OracleSettings | None = None,
        relative_step: float = 2.0,
        foresee: Foresee | None = None,
        behind: int = 0,
    ) -> None:
        """
        Args:
            axes: names of the action's axes, in its order.
            teacher: a*(s), float [dim_a]; called once for each tick seen, in order, because it keeps a phase.
            reset: the teacher forgets its phase; called before the first tick of each episode.
            view: where the loop publishes what the teacher sees.
            execute: Ta, steps of a chunk that are executed before the next plan.
            settings: how it behaves. relative_step: e, how far a full push is read to go, units of action.
            foresee: what the teacher would want after some actions; needed for foresight. behind: ticks from a decision
                to the tick at which its motion is carried out.

        Raises:
            ValueError: the settings name an axis that is not there, or want foresight, and there is none.
        """
        self.settings = settings or OracleSettings()
        if self.settings.foresight and foresee is None:
            raise ValueError("oracle.foresight = true needs a teacher that can foresee")
        super().__init__(self.settings.rate_hz)
        self.axes = tuple(axes)
        self.missed = 0
        """Ticks of an episode that passed unseen because the teacher was still busy."""
        self._teacher = teacher
        self._reset = reset
        self._view = view
        self._oracle = Oracle(self.settings, execute, axes, relative_step, behind)
        self._foresee = foresee if self.settings.foresight else None
        self._wake = threading.Event()
        self._answered = threading.Condition()
        self._answers_tick = -1
        self._seen = -1
        """Tick of the newest view whose a* is known."""
        self._decided = False
        """Whether that tick is decided; it is not while its view has no robot action."""
        self._answered_call = False
        """Whether it is decided with the robot asking for help."""
        self._episode = -1
        self._wanted: Slot[tuple[int, tuple[float, ...]]] = Slot()
        self._due: deque[tuple[int, DeviceSample]] = deque()
        """Decided and not yet published: (when to publish, sample), oldest first."""
        self._now_shown = self.idle()

    def settle(self, tick: int, timeout_s: float) -> bool:
        """Wait until `tick` is answered; False when `timeout_s` seconds passed or the device was closed.

        Raises:
            RuntimeError: the teacher failed; its error is the cause.
        """
        with self._answered:
            self._wake.set()
            self._answered.wait_for(
                lambda: self._answers_tick >= tick or self.failure is not None or self._closing.is_set(), timeout_s
            )
        if self.failure is not None:
            raise RuntimeError(f"the oracle's teacher failed at tick {self._seen + 1} or later") from self.failure
        return self._answers_tick >= tick

    def wanted(self, tick: int) -> tuple[float, ...] | None:
        """a* at `tick` if that is the newest tick the teacher has seen, without the latency of the samples."""
        entry = self._wanted.latest()
        return entry[1] if entry is not None and entry[0] == tick else None

    def close(self) -> None:
        """Stop the reader thread and wake whoever waits for an answer. Safe to call twice."""
        self._closing.set()
        self._wake.set()
        super().close()
        with self._answered:
            self._answered.notify_all()

    def read(self, timeout_s: float) -> DeviceSample:
        """Answer the newest view, if there is a new one, and return the sample that is due by now."""
        if self._due:
            timeout_s = min(timeout_s, max(0.0, (self._due[0][0] - time.perf_counter_ns()) * 1e-9))
        self._wake.wait(timeout_s)
        self._wake.clear()
        view = self._view.latest()
        if view is not None:
            self._look(view)
        now_ns = time.perf_counter_ns()
        while self._due and self._due[0][0] <= now_ns:
            self._now_shown = self._due.popleft()[1]
        # a hand that holds still is still there: every reading confirms the motion
        return replace(self._now_shown, time_ns=now_ns)

    def _look(self, view: TeacherView) -> None:
        if view.episode != self._episode:
            self._reset()
            self._oracle.begin(view.episode)
            self._episode, self._seen = view.episode, view.tick - 1
            self._due.clear()
            self._now_shown = self.idle()  # lets go: the old motion means nothing in a new scene
        if view.tick > self._seen:
            self.missed += view.tick - self._seen - 1
            wanted = self._ask(view.observation)
            self._seen = view.tick
            self._decided = self._answered_call = False
            self._wanted.publish((view.tick, wanted))
        entry = self._wanted.latest()
        decided = self._decided and not view.asks
        if view.plan is None or view.tick != self._seen or decided or entry is None or self._answered_call:
            return
        robot = view.robot_action
        assert robot is not None
        self._decided = True
        self._answered_call = view.asks
        then = None
        if self._foresee is not None:
            plan = np.concatenate([robot[None], view.plan[1:]])
            then = self._checked(self._foresee(view.observation, self._oracle.until_then(plan, view.kind)))
        answer = self._oracle.decide(
            view.step,
            view.step_in_chunk,
            np.asarray(entry[1]),
            robot,
            view.kind,
            view.asks,
            np.sum([sample.motion for _, sample in self._due], axis=0),
            then,
        )
        now_ns = time.perf_counter_ns()
        sample = DeviceSample(
            now_ns,
            answer.motion,
            engage=answer.engage,
            answers_tick=view.tick,
            wanted=entry[1],
            teaches=answer.teaches,
        )
        self._due.append((now_ns + round(self.settings.latency_s * 1e9), sample))

    def _ask(self, observation: NDArray[np.float32]) -> tuple[float, ...]:
        """a* in [-1, 1]: divided by its largest entry if that exceeds 1, which keeps its direction."""
        return tuple(float(value) for value in self._checked(self._teacher(observation)))

    def _checked(self, wanted: NDArray) -> NDArray[np.float64]:
        action = np.asarray(wanted, np.float64)
        if action.shape != (len(self.axes),) or not np.all(np.isfinite(action)):
            raise ValueError(f"the teacher gave {action!r}; needed are {len(self.axes)} finite numbers")
        return np.asarray(action / max(1.0, float(np.max(np.abs(action)))))

    def _publish(self, sample: DeviceSample) -> None:
        super()._publish(sample)
        if sample.answers_tick > self._answers_tick or not sample.connected:
            with self._answered:
                self._answers_tick = max(self._answers_tick, sample.answers_tick)
                self._answered.notify_all()
