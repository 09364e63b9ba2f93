"""The real-time loop: one tick after another, episode after episode.

Actor's main thread. A tick reads the device, asks the gate who drives, steps the task and asks for the next plan. It
never blocks, logs, waits for the network or takes a lock for long: all it hands on goes through `Outlets`, which are
newest-wins slots and bounded queues. Knows no torch, no sockets, no window.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import Clock
from hitl_clic.control.effort import EpisodeEffort
from hitl_clic.control.exploration import Exploration
from hitl_clic.control.gate import Gate, GateOutput
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.control.overlap import Overlap, Running, from_now
from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.control.planner import Planner
from hitl_clic.control.schedule import Schedule
from hitl_clic.correction.mapping import Binding, HandOver, human_action
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.teacher.scripted import TeacherView
from hitl_clic.tasks.task import Task
from hitl_clic.types.commands import COMMANDS
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import (
    Array,
    EpisodeRecord,
    EventRecord,
    Plan,
    SnapshotRecord,
    SwapRecord,
    TickRecord,
)
from hitl_clic.types.view import LoopView, Record

ENDINGS: Mapping[str, bool | None] = {"success": True, "failure": False, "reset": None, "quit": None}
"""Commands that end an episode, and whether it then counts as reached; None: it is broken off and counts as nothing."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the loop's results go and what it asks for. Nothing here may block.

    Attributes:
        record: takes every record (recorder, tally). send: takes a pair for the learner. withdraw: takes back its id.
        fetch_policy: newer weights, ready to plan, or None. commands: what was asked for since the last call.
        view: newest instant for those who draw. teacher: newest instant for a scripted teacher.
    """

    record: Callable[[Record], None]
    send: Callable[[ChunkPair], None]
    withdraw: Callable[[int], None]
    fetch_policy: Callable[[], tuple[ChunkPolicy, Weights] | None]
    commands: Callable[[], list[str]]
    view: Slot[LoopView]
    teacher: Slot[TeacherView]


@dataclass(slots=True)
class _Correction:
    """One stretch of ticks that the human drove: its first tick, and the ids of its pairs complete so far."""

    tick: int
    pairs: list[int] = field(default_factory=list)


class LoopError(RuntimeError):
    """The loop cannot go on: planner or teacher ended with an error, which is its cause."""


class ControlLoop:
    """Runs episodes of one task with one device.

    Args:
        task, device, gate, binding, hand_over, steady, queue, pairs, undo, exploration, outlets: the collaborators.
        pair_stride: ticks between two plans while the human drives.
        snapshot_every: ticks between two snapshots. draws: whether scenes are wanted in the view.
        timeout_s: longest wait for planner or teacher in `ready` (`--pace max`).
        overlap: how the next chunk is asked for while one runs; the queue's lead says when.
        help_call: when the robot asks for help; None never.
    """

    def __init__(
        self,
        task: Task,
        device: Device,
        gate: Gate,
        binding: Binding,
        hand_over: HandOver,
        policy_filter: PolicyFilter,
        queue: ChunkQueue,
        pairs: PairBuilder,
        undo: UndoBuffer,
        exploration: Exploration,
        outlets: Outlets,
        pair_stride: int,
        snapshot_every: int,
        draws: bool,
        timeout_s: float,
        overlap: Overlap = from_now,
        help_call: HelpRequest | None = None,
    ) -> None:
        self.task, self.device, self.gate, self.binding = task, device, gate, binding
        self.hand_over, self.policy_filter = hand_over, policy_filter
        self.queue, self.pairs, self.undo, self.outlets = queue, pairs, undo, outlets
        self.exploration, self.overlap = exploration, overlap
        self.help = help_call or HelpRequest()
        self.pair_stride, self.snapshot_every, self.draws, self.timeout_s = (
            pair_stride,
            snapshot_every,
            draws,
            timeout_s,
        )
        self.planner: Planner
        self.clock: Clock
        self.schedule: Schedule
        self.tick = 0
        self.quit = False
        self._episode, self._step, self._seed = 0, 0, 0
        self._observation: Array = np.zeros(0, np.float32)
        self._moving_since = 0
        self._ending: str | None = None
        self._corrections: list[_Correction] = []
        self._recorded_plan = -1
        self._record: TickRecord | None = None
        self._stale = False
        self._stopped = False
        self._drove = False
        self._view_lock = threading.Lock()
        self._wanted: tuple[float, ...] | None = None

    def attach(self, planner: Planner, clock: Clock, schedule: Schedule) -> None:
        """Give it the collaborators that call back into it."""
        self.planner, self.clock, self.schedule = planner, clock, schedule

    def ready(self) -> None:
        """Wait until the next tick can begin without missing anything (for `MaxPaceClock`).

        Raises:
            LoopFailed: planner or teacher took longer than `timeout_s`.
        """
        if not self.planner.settle(self.timeout_s):
            raise LoopError(f"no plan for tick {self.tick} within {self.timeout_s:.0f} s")
        self._check_planner()
        if not self.device.settle(self.tick, self.timeout_s):
            raise LoopError(f"{self.device.name} gave no answer for tick {self.tick} within {self.timeout_s:.0f} s")

    def on_plan(self, plan: Plan) -> None:
        """Planner thread: a plan is there; a teacher waiting to see it may look."""
        with self._view_lock:  # two threads publish: a late plan must not hide a newer instant
            waiting = self.outlets.teacher.latest()
            if waiting is not None and waiting.tick == plan.tick and waiting.plan is None:
                self.outlets.teacher.publish(replace(waiting, plan=plan.chunk, step_in_chunk=0))

    def run_episode(self, episode: int, seed: int) -> EpisodeRecord | None:
        """Reset, then tick until the task or a person ends the episode; None if it was broken off.

        Raises:
            LoopFailed: planner or teacher cannot go on.
        """
        self._observation, _ = self.task.reset(seed=seed)
        self._episode, self._step, self._seed, self._ending, self._record = episode, 0, seed, None, None
        self.queue.drop(self.tick)
        self.planner.forget()  # a person's ending leaves a plan for this very tick, of the old scene
        self.hand_over.reset()
        self.policy_filter.reset()
        self.exploration.begin(episode)
        self.gate.release()
        self.help.begin()
        self.device.released()
        self._moving_since = self.tick
        self._snapshot()
        effort = EpisodeEffort()
        self._take_weights()
        self._ask_next(None)
        self._publish(None)
        self.clock.start()
        while self._ending is None:
            record = self._one_tick()
            if record is None:
                continue
            effort.add(record, self._wanted)
            done = record.terminated or record.truncated
            sent = self._send_due()
            self.schedule.after_tick(self.tick, sent)
            self._take_weights()
            if done:
                self._ending = "success" if record.success else "failure"
                break
            if self.tick % self.snapshot_every == 0:
                self._snapshot()
            self._ask_next(record)
            self._publish(record)
        if self._record is not None:  # a person's ending cuts pairs short
            self._finish_pairs(self.pairs.finish_episode(self._record))
        sent = self._send_due()
        self.schedule.after_episode()
        self._take_weights()
        success = ENDINGS[self._ending]
        if success is None:
            return None
        result = effort.result(episode, seed, success, self.planner.policy.version)
        self.outlets.record(result)
        return result

    def flush(self) -> None:
        """Send the pairs still in their grace time (the session ends)."""
        for pair in self.undo.flush():
            self.outlets.send(pair)

    def _one_tick(self) -> TickRecord | None:
        """One tick; None if nothing moved (paused or stopped)."""
        lateness = self.clock.wait()
        begun = time.perf_counter_ns()
        tick = self.tick
        sample = self.device.latest()
        output = self.gate.step(sample, begun, self._apply_commands() + self._asks_for_help())
        self._report_stale(output)
        self._notify_stop(output)
        if output.switched:
            self._event(
                "switched",
                correction_mode=output.correction_mode,
                command_frame=output.command_frame,
                correction_axes=output.correction_axes,
            )
        if output.left:  # what the chunk expected is not what the human did: only a plan from here on may run
            self.queue.drop(tick)
        self._notify_release(output)
        if output.driver == "nobody" or self._ending is not None:
            self._moving_since = tick  # the teacher looks at what stands still
            self._publish(self._record, output)
            self.clock.finish()
            return None
        decided = time.perf_counter_ns()
        self._check_planner()
        self._take_plan(tick)
        if output.entered:  # the human will do something else than the next chunk expects
            self.queue.drop_ahead(tick + 1)
        robot = self.queue.action(tick)
        begins_pair = self.queue.plan is not None and (self.queue.plan.tick == tick or output.entered)
        part = self.policy_filter.step(robot, output.driver == "human" and output.correction_mode == "relative")
        human: Array | None = None
        push: Array | None = None
        taught = np.zeros_like(robot)
        wanted, mode = robot, output.correction_mode
        if output.driver == "human":
            wanted, taught, mode, push = human_action(
                part,
                output.motion,
                mode,
                self.gate.correction.relative_step,
                self.binding,
                output.teaches,
                self.task.axes_of(output.command_frame),
                self.binding.groups.get(output.correction_axes),
            )
            if output.stale:  # what goes on after input was lost is nobody's lesson
                taught = np.zeros_like(taught)
            human = wanted if taught.any() else None  # a relative teacher who shows no direction teaches nothing
        anew = output.switched and output.driver == "human"
        executed = self.exploration.perturb(self.hand_over.step(output.driver, wanted, anew))
        chosen = time.perf_counter_ns()
        observation = self._observation
        self._observation, reward, terminated, truncated, info = self.task.step(executed)
        stepped = time.perf_counter_ns()
        overrun = self.clock.finish()
        record = TickRecord(
            tick=tick,
            episode=self._episode,
            step=self._step,
            time_ns=begun,
            observation=observation,
            state=output.state,
            correction_mode=mode,
            robot_action=robot,
            human_action=human,
            executed=executed,
            taught=taught,
            plan_tick=-1 if self.queue.plan is None else self.queue.plan.tick,
            step_in_chunk=self.queue.index(tick),
            weight_version=0 if self.queue.plan is None else self.queue.plan.weight_version,
            device_age_ns=max(0, begun - sample.time_ns),
            connected=not output.stale,
            lateness_ns=lateness,
            work_ns=stepped - begun,
            overrun=overrun,
            sections_ns={"device": decided - begun, "decide": chosen - decided, "step": stepped - chosen},
            reward=float(reward),
            success=bool(info["success"]),
            terminated=terminated,
            truncated=truncated,
            command_frame=output.command_frame,
            correction_axes=output.correction_axes,
            stimulus_tick=max(self._moving_since, tick - self.pairs.reaction) if self.pairs.reaction else -1,
            push=push,
        )
        self._record = record
        self._wanted = sample.wanted if sample.answers_tick == tick else None
        self.outlets.record(record)
        if output.entered:
            self._corrections.append(_Correction(tick))
        self._finish_pairs(self.pairs.add(record, self.queue.chunk_from(tick), begins_pair))
        self.tick += 1
        self._step += 1
        return record

    def _apply_commands(self) -> list[str]:
        """Carry out what was asked for since the last tick; the gate's part of it is returned."""
        for_gate: list[str] = []
        for command in self.outlets.commands():
            if command in COMMANDS:
                for_gate.append(command)
            elif command == "discard":
                self._discard()
                continue
            elif command in ENDINGS:
                self._ending = command
                self.quit = self.quit or command == "quit"
            else:
                continue
            self._event(command)
        return for_gate

    def _asks_for_help(self) -> list[str]:
        """What the doubt of the newest plan asks of the gate."""
        if not self.help.look(self.planner.latest()):
            return []
        self._event("asks_for_help")
        if not self.help.settings.wait:
            return []
        with self._view_lock:  # nothing moves until the teacher has looked once more
            shown = self.outlets.teacher.latest()
            if shown is not None:
                self.outlets.teacher.publish(replace(shown, asks=True))
        return ["ask"]

    def _ask_next(self, record: TickRecord | None) -> None:
        """Ask for the plan that the coming tick needs, and show the teacher where things stand."""
        tick = self.tick
        human = record is not None and record.state == "correcting"
        if human:
            since = tick - (self.queue.plan.tick if self.queue.plan is not None else 0)
            due = self.queue.plan is None or since >= self.pair_stride
        else:
            if self.queue.lead:  # a chunk that begins now may have to be followed by one asked for now
                self._take_plan(tick)
            due = self.queue.due(tick)
        lead = 0 if human else self.queue.remaining(tick)
        plan_first = due and lead == 0  # else it is known what the robot does at this tick
        left = self.queue.rest(tick)
        if left is None:
            left = self.queue.action(tick)[None]
        index = 0 if plan_first else self.queue.index(tick)
        plan = None if plan_first else left
        seen = TeacherView(
            tick,
            self._episode,
            self._step,
            self._observation,
            plan,
            index,
            self.gate.correction_mode,
            part=self.policy_filter.part,
            share=self.policy_filter.share,
        )
        with self._view_lock:
            self.outlets.teacher.publish(seen)
        if due:  # after the view: the planner completes it
            rest = None if human else self.queue.rest(tick)
            steps = np.zeros((0, self.queue.dim_a), np.float32) if rest is None else rest
            if lead:
                self.queue.asked(tick)
            self.planner.request(self.overlap(Running(tick, self._observation, steps, lead, self.task.forecast)))

    def _take_plan(self, tick: int) -> None:
        plan = self.planner.latest()
        if self.queue.take(plan, tick):
            self._record_plan(plan)

    def _take_weights(self) -> None:
        fetched = self.outlets.fetch_policy()
        if fetched is None:
            return
        policy, weights = fetched
        self.planner.swap(policy)
        now = time.perf_counter_ns()
        self.outlets.record(
            SwapRecord(self.tick, now, weights.version, weights.parent, weights.step, weights.newest_pair)
        )

    def _record_plan(self, plan: Plan | None) -> None:
        if plan is not None and plan.tick != self._recorded_plan:
            self._recorded_plan = plan.tick
            self.outlets.record(plan)

    def _finish_pairs(self, pairs: list[ChunkPair]) -> None:
        for pair in pairs:
            self.outlets.record(pair)
            self.undo.push(pair, time.perf_counter_ns())
            # with hindsight a pair may be complete only after the next correction began: it belongs where it began
            of = next((c for c in reversed(self._corrections) if c.tick <= pair.tick), None)
            if of is not None:
                of.pairs.append(pair.id)

    def _send_due(self) -> list[ChunkPair]:
        due = self.undo.due(time.perf_counter_ns())
        for pair in due:
            self.outlets.send(pair)
        return due

    def _discard(self) -> None:
        """Take back the last correction: its pairs still open, those held back, those already sent."""
        ids: list[int] = []
        open_pairs = 0
        while self._corrections and not ids and not open_pairs:
            correction = self._corrections.pop()
            ids, open_pairs = correction.pairs, self.pairs.discard_open(correction.tick)
        for pair_id in ids:
            if self.undo.discard(pair_id) == "sent":
                self.outlets.withdraw(pair_id)
        if self.gate.state == "correcting":  # the human drives on: what is taught from here on is another correction
            self._corrections.append(_Correction(self.tick))
        self._event("discard", pairs=len(ids) + open_pairs, first=min(ids, default=-1), last=max(ids, default=-1))

    def _notify_release(self, output: GateOutput) -> None:
        """Tell the device that the teacher drives no more; not for a gap in its samples, in which nobody let go."""
        if output.driver == "human":
            self._drove = True
        elif self._drove and not output.stale:
            self._drove = False
            self.device.released()

    def _report_stale(self, output: GateOutput) -> None:
        if output.stale != self._stale:
            self._stale = output.stale
            name = "device_lost" if output.stale else "device_back"
            self._event(name, device=self.device.name, why=self.device.trouble)

    def _notify_stop(self, output: GateOutput) -> None:
        """An emergency stop, wherever it came from, is felt in the hand."""
        stopped = output.state == "stopped"
        if stopped and not self._stopped:
            self.device.stopped()
        self._stopped = stopped

    def _snapshot(self) -> None:
        self.outlets.record(
            SnapshotRecord(
                self.tick, self._episode, self._step, time.perf_counter_ns(), self.task.snapshot(), self._seed
            )
        )

    def _publish(self, record: TickRecord | None, output: GateOutput | None = None) -> None:
        self.outlets.view.publish(
            LoopView(
                tick=self.tick,
                episode=self._episode,
                step=self._step,
                state=self.gate.state if output is None else output.state,
                correction_mode=self.gate.correction_mode,
                scene=self.task.scene() if self.draws else None,
                robot_chunk=self.queue.rest(self.tick),
                step_in_chunk=max(0, self.queue.index(self.tick)),
                record=record,
                progress=self.task.progress() if self.draws else {},
                asks=self.help.help_request,
                command_frame=self.gate.command_frame,
                correction_axes=self.gate.correction_axes,
                approving=self.pairs.approving,
            )
        )

    def _event(self, name: str, **detail: str | int | float | bool) -> None:
        self.outlets.record(EventRecord(self.tick, time.perf_counter_ns(), name, detail))

    def _check_planner(self) -> None:
        if self.planner.error is not None:
            raise LoopError(f"the planner ended: {self.planner.error}") from self.planner.error
