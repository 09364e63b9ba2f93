"""`app.py practice`: drive a task alone, to learn the device. The loop of a session without policy and learner.

The main thread ticks; device and window have threads of their own, as in `actor`. Nothing is recorded.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

from hitl_clic.cockpit.dashboard import Dashboard
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
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.cockpit_feed import CockpitFeed, NoLearner
from hitl_clic.runner.device_registry import bound, choices, choose, chosen_device, key_maps
from hitl_clic.runner.window_setup import open_window, scene3d_of
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.records import EpisodeRecord
from hitl_clic.types.view import LoopView

PRACTICE_SEED = 500_000
"""Of the first start: far from those of sessions and evaluations."""
NO_SNAPSHOTS = 1_000_000_000
"""Ticks between two snapshots: practice is never that long, and nothing of it is recorded."""


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
        times = [episode.timesteps / self._rate_hz for episode in self.episodes if episode.success]
        if not self.episodes:
            return "Drive it to the goal"
        reached = f"Reached {len(times)} of {len(self.episodes)}"
        return f"{reached} · last {times[-1]:.1f} s · best {min(times):.1f} s" if times else reached

    @property
    def marks(self) -> tuple[EpisodeMark, ...]:
        """For the curve: the share of its time that each episode took."""
        return tuple(
            EpisodeMark(e.episode, e.success, min(1.0, e.timesteps / self._max_steps), e.timesteps)
            for e in list(self.episodes)
        )


def run(settings: SessionSettings) -> int:
    """Practise until the episodes are done or the person ends it. The exit status.

    Raises:
        SettingsError: a setting that cannot be had here. ValueError: the device does not fit the task.
    """
    settings = choose(settings)
    spec = chosen_device(settings)
    with ExitStack() as stack:
        task = make_task(settings.task, **settings.task_options)
        stack.callback(task.close)
        task.reset(seed=PRACTICE_SEED + settings.seed)
        dim_a = len(task.action_frame.axes)
        views: Slot[LoopView] = Slot()
        planner = Planner(StandStill(settings.horizon, dim_a))
        teacher = TeacherChannel(planner.latest)
        feed = EventFeed()
        device = spec.make(settings, task.action_frame.axes, teacher, feed)
        keys = key_maps(settings, task.action_frame.axes)
        cockpit = CockpitFeed(
            settings, spec, task.max_steps, task.action_frame, views, NoLearner(), note=device.note, keys=keys
        )
        score = Score(settings.loop.rate_hz, task.max_steps)

        def state() -> CockpitState | None:
            shown = cockpit.state()
            if shown is None:
                return None
            return replace(
                shown,
                practice=score.sentence,
                history=score.marks,
                corrections=(),
                robot_chunk=None,
                desired_radius=None,
            )

        window = open_window(
            settings, scene3d_of(task, settings, stack), feed, stack, lambda line: print(line, file=sys.stderr)
        )
        if window is None:
            draws = stack.enter_context(Dashboard(state)).draws
        else:
            window.show(state)
            draws = True
        quits = threading.Event()
        previous = signal.signal(signal.SIGINT, lambda *_: quits.set())
        stack.callback(lambda: signal.signal(signal.SIGINT, previous))

        waited = -1

        def commands() -> list[str]:
            nonlocal waited
            asked = ["quit"] if quits.is_set() else []
            view = views.latest()
            if spec.control and view is not None and view.step == 0 and view.episode != waited:
                waited = view.episode
                asked.append("ask")  # the time runs from when the person first drives
            return asked if window is None else [*asked, *window.asked()]

        queue = ChunkQueue(settings.horizon, settings.horizon, 0, dim_a)
        planning = Planning(
            planner, queue, teacher, pair_stride=settings.horizon, timeout_s=settings.loop.planner_timeout_s
        )
        outlets = Outlets(
            record=cockpit.add,
            send=lambda pair: None,
            withdraw=lambda pair: None,
            fetch_policy=lambda: None,
            commands=commands,
            view=views,
            draws=draws,
        )
        realtime = settings.pace == "realtime"
        loop = ControlLoop(
            task=task,
            arbitration=Arbitration(
                device=device,
                gate=Gate(settings.gate, choices(settings, task)),
                binding=bound(settings, device, task),
                hand_over=HandOver(settings.gate.max_step, dim_a),
                policy_filter=PolicyFilter(0.0, settings.loop.rate_hz),
                exploration=Exploration(settings.loop.exploration, settings.seed, dim_a),
                help=HelpRequest(),
            ),
            planning=planning,
            corrections=CorrectionLog(
                PairBuilder(settings.horizon, settings.horizon, "hold"), UndoBuffer(0.0), outlets
            ),
            outlets=outlets,
            clock=RealTimeClock(settings.loop.rate_hz) if realtime else MaxPaceClock(planning.wait_ready),
            schedule=LiveSchedule(),
            snapshot_every=NO_SNAPSHOTS,
        )
        stack.callback(planner.close)
        planner.start()
        device.start()
        stack.callback(device.close)
        for episode in count():
            finished = len(score.episodes)
            if finished == settings.episodes or loop.quit:
                break
            result = loop.run_episode(episode, PRACTICE_SEED + settings.seed + finished)
            if result is not None:
                score.add(result)
    _report(score, settings)
    return 0


def _report(score: Score, settings: SessionSettings) -> None:
    for episode in score.episodes:
        seconds = episode.timesteps / settings.loop.rate_hz
        print(f"episode {episode.episode + 1}: {'reached' if episode.success else 'not reached'} in {seconds:.1f} s")
    print(score.sentence)
    print(f"teach it with  python app.py teach --task {settings.task} --device {settings.device}")
