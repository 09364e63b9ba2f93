"""The real-time loop: one tick after another, episode after episode.

Actor's main thread. A tick has named parts, in this order: observe, authority, act, step, record, learner, ask, publish
(`section_timer`). It never blocks, logs, waits for the network or holds a lock: all results go through `Outlets`, which
are newest-wins slots and bounded queues. Knows no torch, no sockets, no window.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hitl_clic.control.arbitration import Arbitration, Decision, DeviceFeedback
from hitl_clic.control.clock import Clock
from hitl_clic.control.correction_log import CorrectionLog
from hitl_clic.control.effort import EpisodeEffort
from hitl_clic.control.gate import GateOutput
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.planning import Planning
from hitl_clic.control.schedule import Schedule
from hitl_clic.control.section_timer import SectionTimer
from hitl_clic.control.tempo import Tempo
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher.channel import TeacherView
from hitl_clic.tasks.task import Task
from hitl_clic.types.commands import ENDINGS, GATE_COMMANDS
from hitl_clic.types.records import Array, EpisodeRecord, EventRecord, SnapshotRecord, SwapRecord, TickRecord
from hitl_clic.types.view import LoopView


class _Begun(NamedTuple):
    """The beginning of a tick: its time, its lateness, the device's sample and the gate's output."""

    time_ns: int
    lateness_ns: int
    sample: DeviceSample
    output: GateOutput


class _Outcome(NamedTuple):
    """The observation before a step of the simulator, and its answer."""

    before: Array
    reward: float
    success: bool
    terminated: bool
    truncated: bool


class ControlLoop:
    """Runs episodes of one task with one device.

    Args:
        task: the simulator. arbitration: decides the executed action. planning: the robot's chunks.
        corrections: makes and withdraws pairs. outlets: take the results.
        clock: when a tick begins. schedule: when the learner updates. snapshot_every: ticks between two snapshots.
    """

    def __init__(
        self,
        task: Task,
        arbitration: Arbitration,
        planning: Planning,
        corrections: CorrectionLog,
        outlets: Outlets,
        clock: Clock,
        schedule: Schedule,
        snapshot_every: int,
    ) -> None:
        self.task, self.arbitration, self.planning = task, arbitration, planning
        self.corrections, self.outlets = corrections, outlets
        self.clock, self.schedule, self.snapshot_every = clock, schedule, snapshot_every
        self.tick = 0
        """The coming tick of the session."""
        self.quit = False
        self._timer = SectionTimer()
        self._tempo = Tempo(clock, arbitration.device)
        self._feedback = DeviceFeedback(arbitration.device)
        self._episode, self._step, self._seed = 0, 0, 0
        self._observation: Array = np.zeros(0, np.float32)
        self._moving_since = 0
        self._ending: str | None = None
        self._record: TickRecord | None = None
        """The newest tick of this episode."""

    # ---- episodes

    def go_on(self, tick: int, pair: int) -> None:
        """Begin at these numbers of a tick and a pair: the session has earlier parts. Call it before any episode."""
        self.tick = tick
        self.corrections.go_on(pair)

    def run_episode(self, episode: int, seed: int) -> EpisodeRecord | None:
        """Reset, then tick until the task or a person ends the episode; None if it does not count.

        Raises:
            LoopError: planner or teacher failed.
        """
        self._begin_episode(episode, seed)
        effort = EpisodeEffort()
        self.clock.start()
        while self._ending is None:
            self._tick(effort)
        if self._record is not None:  # the person's ending completes open pairs
            self.corrections.finish_episode(self._record)
        self.corrections.send_due()
        self.schedule.after_episode()
        self._take_weights()
        success = ENDINGS[self._ending]
        if success is None:
            return None
        result = effort.result(episode, seed, success, self.planning.planner.policy.version)
        self.outlets.record(result)
        return result

    def flush(self) -> None:
        """Send the pairs that are still in their grace time (the session ends)."""
        self.corrections.flush()

    def _begin_episode(self, episode: int, seed: int) -> None:
        self._observation, _ = self.task.reset(seed=seed)
        self._episode, self._step, self._seed, self._ending, self._record = episode, 0, seed, None, None
        self.planning.begin(self.tick)
        self.arbitration.begin(episode)
        self.corrections.begin_episode(self.tick)
        self._moving_since = self.tick
        self._snapshot()
        self._take_weights()
        self._ask()
        self._publish()

    # ---- one tick

    def _tick(self, effort: EpisodeEffort) -> None:
        """One tick. While the loop is paused or stopped, nothing moves and no tick is recorded."""
        lateness_ns = self.clock.wait()
        timer = self._timer
        began_ns = timer.start()
        sample = self.arbitration.device.latest()
        timer.end("observe")
        output = self._authority(sample, began_ns)
        timer.end("authority")
        if output.driver == "nobody" or self._ending is not None:
            self._moving_since = self.tick  # the scene stands still, so reactions begin afresh
            self._publish()
            self.clock.finish()
            return
        decision, begins_pair = self._act(output)
        timer.end("act")
        before = self._observation
        self._observation, reward, terminated, truncated, info = self.task.step(decision.executed)
        timer.end("step")
        outcome = _Outcome(before, float(reward), bool(info["success"]), terminated, truncated)
        record = self._record_of(_Begun(began_ns, lateness_ns, sample, output), decision, outcome)
        self._record = record
        try:
            self._after_step(record, output.entered, begins_pair, effort)
        finally:  # the action was executed, so it is recorded even if a later part of the tick failed
            overrun = self.clock.finish()
            self._record = replace(record, work_ns=timer.elapsed_ns, overrun=overrun, sections_ns=timer.sections_ns)
            self.outlets.record(self._record)

    def _after_step(self, record: TickRecord, entered: bool, begins_pair: bool, effort: EpisodeEffort) -> None:
        """The parts of a tick after the simulator's step."""
        timer = self._timer
        effort.add(record, self.planning.teacher.wanted(record.tick))
        if entered:
            self.corrections.begin(record.tick)
        self.corrections.add(record, self.planning.queue.chunk_from(record.tick), begins_pair)
        self._tempo.passed()
        self.tick += 1
        self._step += 1
        sent = self.corrections.send_due()
        if record.terminated or record.truncated:
            self._ending = "success" if record.success else "failure"
        elif self.tick % self.snapshot_every == 0:
            self._snapshot()
        timer.end("record")
        self.schedule.after_tick(self.tick, sent)
        self._take_weights()
        timer.end("learner")
        if self._ending is None:
            self._ask()
            timer.end("ask")
            self._publish()
            timer.end("publish")

    def _authority(self, sample: DeviceSample, now_ns: int) -> GateOutput:
        """Who drives at this tick: commands, the help request and the gate."""
        gate, device = self.arbitration.gate, self.arbitration.device
        output = gate.step(sample, now_ns, self._apply_commands() + self._request_help())
        self._tempo.update(sample.slow and not output.stale)
        for event, why in self._feedback.update(output):
            self._event(event, device=device.name, why=why)
        if output.switched:
            self._event(
                "switched",
                correction_mode=output.correction_mode,
                command_frame=output.command_frame,
                correction_axes=output.correction_axes,
            )
        if output.left:  # the human did not follow the chunk: only a newer plan may run
            self.planning.queue.drop(self.tick)
        return output

    def _apply_commands(self) -> list[str]:
        """Carry out the commands given since the last tick; returns those for the gate."""
        for_gate: list[str] = []
        for command in (*self.outlets.commands(), *self.arbitration.device.take_commands()):
            detail: dict[str, int | float] = {}
            if command in GATE_COMMANDS:
                for_gate.append(command)
            elif command in ENDINGS:
                self.quit = self.quit or command == "quit"
                if self._ending is not None:  # the first one counts
                    continue
                self._ending = command
            elif command == "slow_motion":
                detail = {"speed": self._tempo.choose_next()}
            else:
                continue
            if command == "discard":
                correcting = self.arbitration.gate.state == "correcting"
                detail |= self.corrections.discard_last(self.tick, correcting)
            elif command == "reset":
                detail |= self.corrections.discard_episode()
            self._event(command, **detail)
        return for_gate

    def _request_help(self) -> list[str]:
        """The commands for the gate that the uncertainty of the newest plan causes."""
        help_request = self.arbitration.help
        if not help_request.update(self.planning.planner.latest()):
            return []
        self._event("asks_for_help")
        if not help_request.settings.wait:
            return []
        self.planning.teacher.ask_for_help()  # nothing moves until the teacher has answered
        return ["ask"]

    def _act(self, output: GateOutput) -> tuple[Decision, bool]:
        """The action to execute, and whether a pair may begin here: at a new plan or a new correction."""
        self.planning.planner.check()
        self._take_plan()
        queue = self.planning.queue
        if output.entered:  # the human will not follow the chunk that the next plan expects
            queue.drop_ahead(self.tick + 1)
        axes = self.task.axes_of(output.command_frame)
        decision = self.arbitration.decide(output, queue.action(self.tick), axes)
        return decision, queue.plan is not None and (queue.plan.tick == self.tick or decision.begins)

    def _record_of(self, begun: _Begun, decision: Decision, outcome: _Outcome) -> TickRecord:
        """The record of this tick. Its times are completed at the end of the tick."""
        tick, queue, output = self.tick, self.planning.queue, begun.output
        reaction = self._tempo.ticks_behind(self.corrections.reaction_ticks)
        return TickRecord(
            tick=tick,
            episode=self._episode,
            step=self._step,
            time_ns=begun.time_ns,
            observation=outcome.before,
            state=output.state,
            correction_mode=decision.mode,
            robot_action=decision.robot,
            human_action=decision.human,
            executed=decision.executed,
            taught=decision.taught,
            plan_tick=-1 if queue.plan is None else queue.plan.tick,
            step_in_chunk=queue.index(tick),
            weight_version=0 if queue.plan is None else queue.plan.weight_version,
            device_age_ns=max(0, begun.time_ns - begun.sample.time_ns),
            connected=not output.stale,
            lateness_ns=begun.lateness_ns,
            work_ns=self._timer.elapsed_ns,
            overrun=False,
            sections_ns={},
            reward=outcome.reward,
            success=outcome.success,
            terminated=outcome.terminated,
            truncated=outcome.truncated,
            command_frame=output.command_frame,
            correction_axes=output.correction_axes,
            stimulus_tick=max(self._moving_since, tick - reaction) if reaction else -1,
            push=decision.push,
            speed=self._tempo.speed,
        )

    def _ask(self) -> None:
        """Request the plan that the coming tick needs, and show the tick to the scripted teacher."""
        human_drove = self._record is not None and self._record.state == "correcting"
        if not human_drove and self.planning.queue.lead:  # the next request depends on the chunk that begins now
            self._take_plan()
        view = TeacherView(
            self.tick,
            self._episode,
            self._step,
            self._observation,
            plan=None,
            step_in_chunk=0,
            correction_mode=self.arbitration.gate.correction_mode,
            part=self.arbitration.policy_filter.part,
            share=self.arbitration.policy_filter.share,
        )
        self.planning.request_next(view, human_drove, self.task.forecast)

    def _publish(self) -> None:
        """Publish the newest instant for window and dashboard."""
        gate, queue, draws = self.arbitration.gate, self.planning.queue, self.outlets.draws
        self.outlets.view.publish(
            LoopView(
                tick=self.tick,
                episode=self._episode,
                step=self._step,
                state=gate.state,
                correction_mode=gate.correction_mode,
                scene=self.task.scene() if draws else None,
                robot_chunk=queue.rest(self.tick),
                step_in_chunk=max(0, queue.index(self.tick)),
                record=self._record,
                progress=self.task.progress() if draws else {},
                asks=self.arbitration.help.help_request,
                command_frame=gate.command_frame,
                correction_axes=gate.correction_axes,
                approving=self.corrections.approving,
                hand=self.arbitration.hand_note(),
            )
        )

    # ---- records

    def _take_plan(self) -> None:
        plan = self.planning.take_newest(self.tick)
        if plan is not None:
            self.outlets.record(plan)

    def _take_weights(self) -> None:
        fetched = self.outlets.fetch_policy()
        if fetched is None:
            return
        policy, weights = fetched
        self.planning.planner.swap(policy)
        now_ns = time.perf_counter_ns()
        self.outlets.record(
            SwapRecord(self.tick, now_ns, weights.version, weights.parent, weights.step, weights.newest_pair)
        )

    def _snapshot(self) -> None:
        now_ns = time.perf_counter_ns()
        self.outlets.record(
            SnapshotRecord(self.tick, self._episode, self._step, now_ns, self.task.snapshot(), self._seed)
        )

    def _event(self, name: str, **detail: str | int | float | bool) -> None:
        self.outlets.record(EventRecord(self.tick, time.perf_counter_ns(), name, detail))
