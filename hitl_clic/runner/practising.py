"""`practice`: drive a task alone, to learn the device. The loop of a session without policy and learner.

Main thread, or any other of a caller's; device and window have threads of their own. Nothing is recorded.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Unpack

from hitl_clic.cockpit.state.state import CockpitState, EpisodeMark
from hitl_clic.control.arbitration import Arbitration
from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import MaxPaceClock, RealTimeClock
from hitl_clic.control.correction_log import CorrectionLog
from hitl_clic.control.exploration import Exploration
from hitl_clic.control.gate import Gate
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.control.loop import ControlLoop
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.planner import Planner
from hitl_clic.control.planning import Planning
from hitl_clic.control.schedule import LiveSchedule
from hitl_clic.control.stand_still import StandStill
from hitl_clic.correction.mapping import HandOver
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.cockpit_feed import CockpitFeed, NoLearner
from hitl_clic.runner.device_registry import bound, choices, choose, chosen_device, key_maps
from hitl_clic.runner.display import Display, Say
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.process_state import on_interrupt, real_time_process
from hitl_clic.runner.results import PracticeResult
from hitl_clic.runner.session_settings import Choices, Nested, settings_and_parts
from hitl_clic.runner.window_setup import scene3d_of
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.view import LoopView

PRACTICE_SEED = 500_000
"""Of the first start: far from those of sessions and evaluations."""
NO_SNAPSHOTS = 1_000_000_000
"""Ticks between two snapshots: practice is never that long, and nothing of it is recorded."""

log = logging.getLogger(__name__)


class Score:
    """Episodes driven, and how long they took."""

    def __init__(self, rate_hz: float, max_steps: int) -> None:
        self._rate_hz, self._max_steps = rate_hz, max_steps
        self.episodes: list[EpisodeRecord] = []

    def add(self, episode: EpisodeRecord) -> None:
        """A finished episode."""
        self.episodes.append(episode)

    @property
    def sentence(self) -> str:
        """How well it goes."""
        return score_sentence(self.episodes, self._rate_hz)

    @property
    def marks(self) -> tuple[EpisodeMark, ...]:
        """For the curve: the share of its time that each episode took."""
        return tuple(
            EpisodeMark(e.episode, e.success, min(1.0, e.timesteps / self._max_steps), e.timesteps)
            for e in list(self.episodes)
        )


def score_sentence(episodes: Sequence[EpisodeRecord], rate_hz: float) -> str:
    """How well driving goes, in a sentence; times in seconds."""
    times = [episode.timesteps / rate_hz for episode in episodes if episode.success]
    if not episodes:
        return "Drive it to the goal"
    reached = f"Reached {len(times)} of {len(episodes)}"
    return f"{reached} · last {times[-1]:.1f} s · best {min(times):.1f} s" if times else reached


def practice(
    task: str | Task | None = None,
    device: str | Device | None = None,
    *,
    on_episode: Callable[[EpisodeRecord], object] = lambda episode: None,
    preset: str | None = None,
    config: Path | str | None = None,
    settings: Nested | SessionSettings | None = None,
    say: Say = log.info,
    dashboard: bool = False,
    **chosen: Unpack[Choices],
) -> PracticeResult:
    """Drive a task alone, to get to know a device. Nothing is learned or recorded; nothing is printed.

    Args:
        on_episode: called with each finished episode. The other arguments are those of `teach`.

    Raises:
        UserError: a name or value that is not allowed, or a device that does not fit the task.
    """
    made, parts = settings_and_parts(task, device, None, chosen, preset, config, settings)
    return PracticeSession(choose(made), parts, on_episode).run(say, dashboard)


class PracticeSession:
    """One practice, until its episodes are done or the person ends it.

    Args:
        settings: complete, with `auto` and the window decided. parts: the caller's objects.
        on_episode: called with each finished episode.
    """

    def __init__(self, settings: SessionSettings, parts: Parts, on_episode: Callable[[EpisodeRecord], object]) -> None:
        self.settings, self.parts, self.on_episode = settings, parts, on_episode
        self._spec = chosen_device(settings)
        self._views: Slot[LoopView] = Slot()
        self._quit = threading.Event()
        self._waited = -1

    def run(self, say: Say, dashboard: bool) -> PracticeResult:
        """Practise.

        Raises:
            UserError: as `practice`.
        """
        settings = self.settings
        with ExitStack() as stack:
            if settings.pace == "realtime":
                stack.enter_context(real_time_process(settings.loop.planner_threads))
            self._task = self.parts.make_task(settings)
            stack.callback(self.parts.close, self._task)
            self._task.reset(seed=PRACTICE_SEED + settings.seed)
            planner, feed = Planner(StandStill(settings.horizon, len(self._task.action_frame.axes))), EventFeed()
            teacher = TeacherChannel(planner.latest)
            device = self.parts.make_device(settings, self._task, teacher, feed)
            self._score = Score(settings.loop.rate_hz, self._task.max_steps)
            self._cockpit = self._new_cockpit(device)
            self._display = Display(settings, self._state, say, dashboard)
            draws = self._display.open(scene3d_of(self._task, settings, stack), feed, stack, None)
            if settings.pace == "realtime":
                stack.enter_context(on_interrupt(self._quit.set))
            loop = self._new_loop(device, planner, teacher, draws)
            stack.callback(planner.close)
            planner.start()
            device.start()
            stack.callback(device.close)
            for episode in count():
                finished = len(self._score.episodes)
                if finished == settings.episodes or loop.quit:
                    break
                result = loop.run_episode(episode, PRACTICE_SEED + settings.seed + finished)
                if result is not None:
                    self._score.add(result)
                    self.on_episode(result)
        return PracticeResult(tuple(self._score.episodes), settings.loop.rate_hz)

    def _new_cockpit(self, device: Device) -> CockpitFeed:
        task, settings = self._task, self.settings
        keys = key_maps(settings, task.action_frame.axes)
        return CockpitFeed(
            settings,
            self._spec,
            task.max_steps,
            task.action_frame,
            self._views,
            NoLearner(),
            note=device.status_text,
            keys=keys,
        )

    def _new_loop(self, device: Device, planner: Planner, teacher: TeacherChannel, draws: bool) -> ControlLoop:
        settings, task, rate_hz = self.settings, self._task, self.settings.loop.rate_hz
        dim_a, horizon = len(task.action_frame.axes), settings.horizon
        queue = ChunkQueue(horizon, horizon, 0, dim_a)
        planning = Planning(planner, queue, teacher, pair_stride=horizon, timeout_s=settings.loop.planner_timeout_s)
        outlets = Outlets(
            record=self._cockpit.add,
            send=lambda pair: None,
            withdraw=lambda pair: None,
            fetch_policy=lambda: None,
            commands=self._commands,
            view=self._views,
            draws=draws,
        )
        pairs = PairBuilder(horizon, horizon, CorrectionSettings(), rate_hz)
        return ControlLoop(
            task=task,
            arbitration=Arbitration(
                device=device,
                gate=Gate(settings.gate, settings.correction, choices(settings, task)),
                binding=bound(settings, device, task),
                hand_over=HandOver(settings.correction.max_step, dim_a),
                policy_filter=PolicyFilter(0.0, rate_hz),
                exploration=Exploration(settings.loop.exploration, settings.seed, dim_a),
                help=HelpRequest(),
            ),
            planning=planning,
            corrections=CorrectionLog(pairs, UndoBuffer(0.0), outlets),
            outlets=outlets,
            clock=RealTimeClock(rate_hz) if settings.pace == "realtime" else MaxPaceClock(planning.wait_ready),
            schedule=LiveSchedule(),
            snapshot_every=NO_SNAPSHOTS,
        )

    def _state(self) -> CockpitState | None:
        """What is shown: the cockpit without anything about learning."""
        shown = self._cockpit.state()
        if shown is None:
            return None
        return replace(
            shown,
            practice=self._score.sentence,
            history=self._score.marks,
            corrections=(),
            robot_chunk=None,
            desired_radius=None,
        )

    def _commands(self) -> list[str]:
        """Called by the loop, in the tick: what was asked for since the last call."""
        asked = ["quit"] if self._quit.is_set() else []
        view = self._views.latest()
        if self._spec.control and view is not None and view.step == 0 and view.episode != self._waited:
            self._waited = view.episode
            asked.append("ask")  # the time runs from when the person first drives
        return [*asked, *self._display.asked()]
