"""`practice`: drive a task alone, to get to know the device. A session's loop without policy and learner.

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
from hitl_clic.control.clock import RealTimeClock
from hitl_clic.control.help_request import HelpSettings
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.plan import StandStill
from hitl_clic.control.planner import Planner
from hitl_clic.control.schedule import Schedule
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.runner.device_registry import device_in_use, resolve_device
from hitl_clic.runner.display import Display, Say, scene3d_of
from hitl_clic.runner.loop_builder import build_loop
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.process_state import on_interrupt, real_time_process
from hitl_clic.runner.results import PracticeResult
from hitl_clic.runner.session_settings import Nested, Overrides, settings_and_parts
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.view import LoopView

PRACTICE_SEED = 500_000
"""Of the first start: far from those of sessions and evaluations."""

log = logging.getLogger(__name__)


def score_sentence(episodes: Sequence[EpisodeRecord], rate_hz: float) -> str:
    """How many episodes succeeded, and how fast, in a sentence."""
    times = [episode.timesteps / rate_hz for episode in episodes if episode.success]
    if not episodes:
        return "Drive it to the goal"
    score = f"Success in {len(times)} of {len(episodes)}"
    return f"{score} · last {times[-1]:.1f} s · best {min(times):.1f} s" if times else score


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
    **chosen: Unpack[Overrides],
) -> PracticeResult:
    """Drive a task alone, to get to know a device. Nothing is learnt or recorded; nothing is printed.

    Args:
        on_episode: called with each finished episode. The other arguments are those of `teach`.

    Raises:
        UserError: a name or value that is not allowed, or a device that does not fit the task.
    """
    made, parts = settings_and_parts(task, device, None, chosen, preset, config, settings)
    return PracticeSession(resolve_device(made), parts, on_episode).run(say, dashboard)


def without_learning(settings: SessionSettings) -> SessionSettings:
    """The settings of the loop where no pair is learnt and the robot stands still unless the operator drives."""
    nothing_to_learn = {"pair_stride": settings.horizon, "policy_filter_s": 0.0, "reaction_time_s": 0.0, "undo_s": 0.0}
    correction = settings.correction.model_copy(
        update=nothing_to_learn | {"label_average_s": 0.0, "implicit_approval": False}
    )
    loop = settings.loop.model_copy(update={"overlap": "sync", "plan_lead": 0, "snapshot_every_s": 3600.0})
    return settings.model_copy(
        update={"correction": correction, "loop": loop, "execute": settings.horizon, "help_request": HelpSettings()}
    )


def score_marks(episodes: Sequence[EpisodeRecord], max_steps: int) -> tuple[EpisodeMark, ...]:
    """For the curve: the share of its time that each episode took."""
    return tuple(EpisodeMark(e.episode, e.success, min(1.0, e.timesteps / max_steps), e.timesteps) for e in episodes)


class PracticeSession:
    """One practice. The arguments are those of `TaughtSession` and `practice`."""

    def __init__(self, settings: SessionSettings, parts: Parts, on_episode: Callable[[EpisodeRecord], object]) -> None:
        self.settings, self.parts, self.on_episode = settings, parts, on_episode
        self._spec = device_in_use(settings)
        self._views: Slot[LoopView] = Slot()
        self._quit = threading.Event()
        self._waited = -1
        self._finished: list[EpisodeRecord] = []

    def run(self, say: Say, dashboard: bool) -> PracticeResult:
        """Practise until the episodes are done or the operator quits. Raises the errors of `practice`."""
        settings = self.settings
        with ExitStack() as stack:
            if settings.pace == "realtime":
                stack.enter_context(real_time_process(settings.loop.planner_threads))
            self._task = self.parts.make_task(settings)
            stack.callback(self.parts.close, self._task)
            self._task.reset(seed=PRACTICE_SEED + settings.seed)
            planner, feed = Planner(StandStill(settings.horizon, len(self._task.action_frame.axes))), EventFeed()
            teacher = TeacherChannel(planner.latest)
            device = self.parts.make_device(settings, self._task, teacher, feed, self._views)
            display = self._display = Display(settings, self._state, say, dashboard)
            self._cockpit = CockpitFeed(
                settings, self._task, self._views, FixedStatus(), device, key_labels=display.key_labels
            )
            draws = self._display.open(scene3d_of(self._task, settings, stack), feed, stack, None)
            if settings.pace == "realtime":
                stack.enter_context(on_interrupt(self._quit.set))
            clock = RealTimeClock(settings.loop.rate_hz) if settings.pace == "realtime" else None
            loop_settings, outlets = without_learning(settings), self._outlets(draws)
            loop = build_loop(loop_settings, self._task, device, planner, teacher, outlets, Schedule(), clock)
            stack.callback(planner.close)
            planner.start()
            device.start()
            stack.callback(device.close)
            for episode in count():
                finished = len(self._finished)
                if finished == settings.episodes or loop.quit:
                    break
                result = loop.run_episode(episode, PRACTICE_SEED + settings.seed + finished)
                if result is not None:
                    self._finished.append(result)
                    self.on_episode(result)
        return PracticeResult(tuple(self._finished), settings.loop.rate_hz)

    def _outlets(self, draws: bool) -> Outlets:
        return Outlets(
            record=self._cockpit.add,
            send=lambda pair: None,
            withdraw=lambda pair: None,
            fetch_policy=lambda: None,
            commands=self._commands,
            view=self._views,
            draws=draws,
        )

    def _state(self) -> CockpitState | None:
        """The cockpit's state without anything about learning."""
        shown = self._cockpit.state()
        if shown is None:
            return None
        finished, most = list(self._finished), self._task.max_steps
        return replace(
            shown,
            practice=score_sentence(finished, self.settings.loop.rate_hz),
            history=score_marks(finished, most),
            corrections=(),
            robot_chunk=None,
            desired_radius=None,
        )

    def _commands(self) -> list[str]:
        """Called by the loop, in the tick: the commands since the last call."""
        asked = ["quit"] if self._quit.is_set() else []
        view = self._views.latest()
        if self._spec.control and view is not None and view.step == 0 and view.episode != self._waited:
            self._waited = view.episode
            asked.append("ask")  # the time runs from when the person first drives
        return [*asked, *self._display.asked()]
