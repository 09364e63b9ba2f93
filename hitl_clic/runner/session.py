"""A taught session: builds all parts, runs the episodes and writes the figures.

Main thread of the actor, or any thread of a calling program. The device's reader, the planner, the link, the recorder,
and the window's link or the dashboard have their own threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import count

import torch

from hitl_clic.cockpit.state.state import SessionEnd
from hitl_clic.cockpit.state.status_text import SHOWN_CORRECTIONS
from hitl_clic.cockpit.window.key_reading import Labels
from hitl_clic.control.clock import RealTimeClock
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.planner import Planner
from hitl_clic.control.schedule import LockstepSchedule, PacedSchedule, Schedule
from hitl_clic.control.search_budget import SearchBudget
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.learner.launcher import LearnerChild
from hitl_clic.os_scheduling import LOOP_SLICE_S, request_slice
from hitl_clic.runner.cockpit_feed import CockpitFeed
from hitl_clic.runner.display import Display, Say, scene3d_of
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.learner_connection import LearnerConnection
from hitl_clic.runner.loop_builder import build_loop
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.runner.policy_probe import PolicyProbe, newest_weights, slice_axes
from hitl_clic.runner.process_state import frozen_heap, on_interrupt, real_time_process
from hitl_clic.runner.results import SessionSummary
from hitl_clic.runner.session_log import SessionLog
from hitl_clic.runner.starting import Start
from hitl_clic.runner.thread_priorities import order_threads
from hitl_clic.settings import SessionSettings
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord, EventRecord
from hitl_clic.types.view import LoopView, Record


@dataclass(frozen=True, slots=True)
class Observers:
    """A session's callbacks. All are called in its thread, between two episodes or before the first.

    Attributes:
        on_episode: takes each finished episode. stop: whether to end after it. say: takes a line for the user.
        dashboard: without a window, show a dashboard in the terminal.
    """

    on_episode: Callable[[EpisodeRecord], object] = lambda episode: None
    stop: Callable[[SessionSummary], bool] | None = None
    say: Say = lambda line: None
    dashboard: bool = False


class TaughtSession:
    """One session, from the settings to its folder.

    Args:
        settings: from `device_registry.resolve_device`; the session's folder holds them already.
        parts: the caller's objects. observers: callbacks. learner: see `own_learner`.
        start: where it begins; by default at nothing.
    """

    def __init__(
        self,
        settings: SessionSettings,
        parts: Parts,
        observers: Observers,
        learner: LearnerChild | None,
        start: Start | None = None,
    ) -> None:
        assert settings.out is not None
        self.settings, self.out = settings, settings.out
        self.parts, self.observers = parts, observers
        self._child, self._start = learner, start or Start()
        self._quit = threading.Event()
        self._probe: PolicyProbe | None = None
        self._display: Display | None = None

    def run(self) -> SessionSummary:
        """Teach.

        Raises:
            UserError: a setting does not fit the task, device, learner or folder.
            RuntimeError: the learner did not start, or the loop failed.
        """
        settings = self.settings
        with ExitStack() as stack:
            if settings.pace == "realtime":
                stack.enter_context(real_time_process(settings.loop.planner_threads))
            self._task = self.parts.make_task(settings)
            stack.callback(self.parts.close, self._task)
            observation, _ = self._task.reset(seed=settings.seed)
            self._dims = observation.size, len(self._task.action_frame.axes)
            scene3d = scene3d_of(self._task, settings, stack)
            self._clock = RealTimeClock(settings.loop.rate_hz) if settings.pace == "realtime" else None
            self._views: Slot[LoopView] = Slot()
            self._inbox = self._new_inbox()
            agreed = handshake_settings(settings, *self._dims, self._task.symmetries)
            if self._start.learner_seed is not None:
                agreed["seed"] = self._start.learner_seed
            self._budget = self._search_budget()
            planner, feed = Planner(self._inbox.untrained(), self._prepare_thread, self._budget), EventFeed()
            teacher = TeacherChannel(planner.latest)
            device = self.parts.make_device(settings, self._task, teacher, feed, self._views)
            self._learner = LearnerConnection(settings, self.out, agreed, self._inbox, self._child)
            self._inbox.warm(observation, say=self.observers.say)  # meanwhile the learner loads
            self._probe = self._start_probe(stack)
            if self._start.weights is not None:
                self._learner.begin_with(self._start.weights)
            self._learner.open(stack)
            self._log = SessionLog(settings, self.out, self._start)
            self._log.start()
            stack.callback(self._log.close)
            try:
                link, labels = self._learner.link, self._key_labels
                self._cockpit = CockpitFeed(
                    settings, self._task, self._views, link, device, self._probe, key_labels=labels
                )
                for earlier in self._start.finished:
                    self._cockpit.add(earlier)
                self._log.observers.append(self._cockpit.add)
                self._display = Display(settings, self._cockpit.state, self.observers.say, self.observers.dashboard)
                draws = self._display.open(scene3d, feed, stack, self.out)
                self._loop = build_loop(
                    settings, self._task, device, planner, teacher, self._outlets(draws), self._schedule(), self._clock
                )
                self._loop.go_on(self._start.tick, self._start.pair)
                stack.callback(planner.close)
                planner.start()
                device.start()
                stack.callback(device.close)
                self._run_episodes(stack)
            finally:
                self._finish()
            return self._summary()

    # ---- the parts

    def _new_inbox(self) -> PolicyInbox:
        settings = self.settings
        yield_hook = self._clock.yield_to_tick if self._clock is not None else None
        return PolicyInbox(*self._dims, settings.horizon, settings.policy, settings.seed, yield_hook)

    def _search_budget(self) -> SearchBudget | None:
        """The planner's budget; only in real time, so that other sessions do not depend on the machine's speed."""
        loop = self.settings.loop
        return SearchBudget(loop.plan_share / loop.rate_hz) if self._clock is not None and loop.plan_share else None

    def _start_probe(self, stack: ExitStack) -> PolicyProbe | None:
        """The policy probe; only in real time, where a person watches."""
        if self._clock is None:
            return None
        settings = self.settings
        probe = PolicyProbe(
            self._new_inbox(),
            newest_weights(self._learner.newest),
            settings,
            SHOWN_CORRECTIONS,
            self._views,
            slice_axes(settings.window.energy_axes, self._task.action_frame.axes),
            lambda: self._display is not None and self._display.shows_energy(),
            self._prepare_thread,
        )
        probe.start()
        stack.callback(probe.close)
        return probe

    def _key_labels(self) -> Labels:
        return () if self._display is None else self._display.key_labels()

    def _prepare_thread(self) -> None:
        """Called once in each computing thread. Only a session in real time sets torch's thread count."""
        if self._clock is not None:
            torch.set_num_threads(self.settings.loop.planner_threads)

    def _outlets(self, draws: bool) -> Outlets:
        return Outlets(
            record=self._record,
            send=self._learner.link.send_pair,
            withdraw=self._learner.link.withdraw,
            fetch_policy=self._inbox.fetch,
            commands=self._commands,
            view=self._views,
            draws=draws,
        )

    def _schedule(self) -> Schedule:
        settings, link = self.settings, self._learner.link
        if settings.schedule == "lockstep":
            training = settings.training
            return LockstepSchedule(link, training.update_every, training.update_on_pairs, training.episode_updates)
        if settings.pace == "max":
            return PacedSchedule(link, settings.loop.updates_per_tick, settings.policy.min_pairs)
        return Schedule()

    # ---- the episodes

    def _run_episodes(self, stack: ExitStack) -> None:
        settings, loop, finished = self.settings, self._loop, self._log.episodes
        if self._clock is not None:
            stack.enter_context(on_interrupt(self._quit.set))
            stack.enter_context(frozen_heap())
            request_slice(LOOP_SLICE_S)
            order_threads()
        before, first_seed = len(self._start.finished), self._start.first_seed(settings.seed)
        for episode in count(self._start.episode):
            if len(finished) == settings.episodes or loop.quit:
                break
            ended = loop.run_episode(episode, first_seed + len(finished))
            if ended is None:  # the operator reset the episode: repeat its start state
                continue
            every = settings.recording.policy_every
            done = before + len(finished)
            if every and done % every == 0:
                self._learner.keep_policy(self.out / "policies" / f"episode-{done:04d}")
            self.observers.on_episode(ended)
            if self.observers.stop is not None and self.observers.stop(self._summary()):
                break
        loop.flush()

    def _record(self, record: Record) -> None:
        """Called by the loop, in the tick."""
        self._log.put(record)
        if isinstance(record, ChunkPair) and self._probe is not None:
            self._probe.add(record)

    def _commands(self) -> list[str]:
        """Called by the loop, in the tick: the commands since the last call."""
        assert self._display is not None
        tick, now_ns = self._loop.tick, time.perf_counter_ns()
        for record in self._learner.changes(tick, now_ns):
            self._log.put(record)
        if self._budget is not None and (change := self._budget.take_change()) is not None:
            self._log.put(EventRecord(tick, now_ns, "search_changed", asdict(change)))
        return [*(["quit"] if self._quit.is_set() else []), *self._display.asked()]

    # ---- the end

    def _finish(self) -> None:
        """Complete the recording and write the figures, also after an error."""
        self._log.put(self._learner.drain())
        self._log.close()
        self._learner.stop()
        figures = self._log.figures() | ({} if self._display is None else self._display.figures())
        self._log.write_figures(figures)
        if self._display is not None:
            self._draw_last_instant()
            self._display.write_picture(self.out)
            self._cockpit.end = SessionEnd(figures["wall_s"] or 0.0, figures["updates"] or 0, str(self.out))
            self._display.linger()

    def _draw_last_instant(self) -> None:
        """Compute the last scene, for the picture of a session without a window."""
        view = self._views.latest()
        if view is not None and view.scene is None:
            self._views.publish(replace(view, scene=self._task.scene(), progress=self._task.progress()))

    def _summary(self) -> SessionSummary:
        return SessionSummary.of(self.out, self._log.figures())
