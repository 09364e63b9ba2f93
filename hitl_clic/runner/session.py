"""The actor: every part of a session wired together, run from first to last.

Main thread of the actor process. Beside it run the device's reader, the planner, the link, the recorder, and the
window's link or the dashboard, each in a thread of its own.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median

import torch

import hitl_clic
from hitl_clic.cockpit.dashboard import Dashboard
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.report import write_curves
from hitl_clic.cockpit.state.state import CockpitState, SessionEnd
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.control.arbitration import Arbitration
from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import MaxPaceClock, RealTimeClock, ticks_behind, ticks_of
from hitl_clic.control.correction_log import CorrectionLog
from hitl_clic.control.exploration import Exploration
from hitl_clic.control.gate import Gate
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.control.loop import ControlLoop
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.overlap import OVERLAPS
from hitl_clic.control.planner import Planner
from hitl_clic.control.planning import Planning
from hitl_clic.control.schedule import KeptUpSchedule, LiveSchedule, LockstepSchedule, Schedule
from hitl_clic.correction.mapping import HandOver
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.learner import checkpoint
from hitl_clic.learner.launcher import BIND, LearnerChild
from hitl_clic.link.actor import ActorLink
from hitl_clic.os_scheduling import ACTOR_SLICE_S, LOOP_SLICE_S, request_slice
from hitl_clic.runner.cockpit_feed import NOT_LOOKED, SHOWN, CockpitFeed
from hitl_clic.runner.device_registry import bound, choices, chosen_device, key_maps
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.runner.policy_probe import PolicyProbe, chosen_axes, newest
from hitl_clic.runner.window_setup import open_window, scene3d_of
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.summary import Summary, Tally, write_summary
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.messages import ChunkPair, Hello, LinkStatus, Weights
from hitl_clic.types.records import EpisodeRecord, EventRecord
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.view import LoopView, Record

STATUS_EVERY_NS = 1_000_000_000
CONNECT_S = 60.0
DRAIN_S = 10.0
LINGER_S = 3.0
"""How long the window shows the summary page at the end, unless it is closed or told to quit before."""
WINDOW_PICTURE = "window.png"


class Actor:
    """One session, from the settings to its folder.

    Args:
        settings: with `auto` and the window decided (`hands.choose`). say: takes a line for the person.
    """

    def __init__(self, settings: SessionSettings, say: Callable[[str], None]) -> None:
        assert settings.out is not None
        self.settings, self.out, self.say = settings, settings.out, say
        self.tally = Tally()
        self._episodes: list[EpisodeRecord] = []
        self._link_state, self._status_ns, self._refused = "connected", 0, 0
        self._quit = threading.Event()
        self.views: Slot[LoopView] = Slot()
        self.newest: Slot[Weights] = Slot()
        self.window: WindowLink | None = None

    def run(self) -> Summary:
        """Teach; returns what `summary.json` holds.

        Raises:
            ValueError: learner or recording refuse something the person can change.
            RuntimeError: learner or window did not start, or the loop could not go on.
        """
        settings = self.settings
        request_slice(ACTOR_SLICE_S)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
        torch.set_num_threads(settings.loop.planner_threads)
        with ExitStack() as stack:
            self.task = make_task(settings.task, **settings.task_options)
            first, _ = self.task.reset(seed=settings.seed)
            scene3d = scene3d_of(self.task, settings, stack)
            dim_o, dim_a = first.size, len(self.task.action_frame.axes)
            self.real_time = RealTimeClock(settings.loop.rate_hz) if settings.pace == "realtime" else None
            yield_to_tick = self.real_time.yield_to_tick if self.real_time is not None else None
            self.inbox = PolicyInbox(dim_o, dim_a, settings.horizon, settings.clic, settings.seed, yield_to_tick)
            self.probe = self._examiner(stack, dim_o, dim_a) if self.real_time is not None else None
            child = None if settings.learner else self._learner(stack)
            address = child.start() if child is not None else settings.learner
            self.agreed = handshake_settings(settings, dim_o, dim_a, self.task.symmetries)
            hello = Hello(run_id=uuid.uuid4().hex, actor_id=f"{settings.task}-{settings.seed}", settings=self.agreed)
            self.link = ActorLink(address, hello, settings.link, self._receive)
            self.link.start()
            stack.callback(lambda: self.link.close(DRAIN_S))
            self._wait_for_learner()
            self.recorder = Recorder(self.out / "session.mcap", settings.recording)
            self.recorder.start()
            stack.callback(self.recorder.close)
            self._record(
                SettingsRecord(
                    started_ns=time.perf_counter_ns(),
                    task=settings.task,
                    method=settings.method,
                    device=settings.device,
                    horizon=settings.horizon,
                    execute=settings.execute,
                    seed=settings.seed,
                    tick_hz=settings.loop.rate_hz,
                    values=settings.model_dump(mode="json"),
                )
            )
            try:
                self._teach(stack, scene3d, dim_a)
            finally:
                self._finish(child)
            return self.tally.summary()

    # ---- before

    def _learner(self, stack: ExitStack) -> LearnerChild:
        app = Path(hitl_clic.__file__).resolve().parents[1] / "app.py"
        command = [sys.executable, str(app), "learner", "--bind", BIND, "--out", str(self.out), "--child"]
        command += ["--config", str(self.out / "settings.toml")]
        child = LearnerChild(command, self.out, restart=self.settings.training.restart)
        stack.callback(child.stop)
        return child

    def _examiner(self, stack: ExitStack, dim_o: int, dim_a: int) -> PolicyProbe:
        settings = self.settings
        yield_to_tick = self.real_time.yield_to_tick if self.real_time is not None else None
        inbox = PolicyInbox(dim_o, dim_a, settings.horizon, settings.clic, settings.seed, yield_to_tick)
        threads = settings.loop.planner_threads
        probe = PolicyProbe(
            inbox,
            newest(self.newest),
            settings.clic,
            SHOWN,
            self.views,
            chosen_axes(settings.window.energy_axes, self.task.action_frame.axes),
            lambda: self.window is not None and self.window.shows_energy,
            lambda: torch.set_num_threads(threads),
        )
        probe.start()
        stack.callback(probe.close)
        return probe

    def _wait_for_learner(self) -> None:
        """A session begins connected; later the learner may come and go."""
        deadline = time.monotonic() + CONNECT_S
        while (status := self.link.status()).state != "connected":
            if status.state == "refused":
                raise ValueError(f"the learner refuses this session: {status.detail}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no learner within {CONNECT_S:.0f} s: {status.detail}")
            time.sleep(0.02)

    def _receive(self, weights: Weights) -> None:
        """Link thread."""
        self.newest.publish(weights)
        self.inbox.receive(weights)

    # ---- the session

    def _teach(self, stack: ExitStack, scene3d: Scene3D | None, dim_a: int) -> None:
        settings, loop_settings = self.settings, self.settings.loop
        spec, frame = chosen_device(settings), self.task.action_frame
        planner = Planner(self.inbox.untrained(), lambda: torch.set_num_threads(loop_settings.planner_threads))
        teacher = TeacherChannel(planner.latest)
        feed = EventFeed()
        device = spec.make(settings, frame.axes, teacher, feed)
        self.cockpit = CockpitFeed(
            settings,
            spec,
            self.task.max_steps,
            frame,
            self.views,
            self.link,
            note=device.note,
            keys=key_maps(settings, frame.axes),
            compliance=self.probe.compliance if self.probe is not None else None,
            energy_slice=self.probe.energy_slice if self.probe is not None else lambda: NOT_LOOKED,
        )
        self.window = open_window(settings, scene3d, feed, stack, self.say, self.out / WINDOW_PICTURE)
        if self.window is None:
            draws = stack.enter_context(Dashboard(self.cockpit.state)).draws
        else:
            self.window.show(self.cockpit.state)
            draws = True
        self.inbox.warm(self.task.observe())
        planning = Planning(
            planner,
            ChunkQueue(settings.horizon, settings.execute, loop_settings.plan_lead, dim_a),
            teacher,
            OVERLAPS[loop_settings.overlap],
            loop_settings.pair_stride,
            loop_settings.planner_timeout_s,
        )
        outlets = Outlets(
            record=self._record,
            send=self.link.send_pair,
            withdraw=self.link.withdraw,
            fetch_policy=self.inbox.fetch,
            commands=self._commands,
            view=self.views,
            draws=draws,
        )
        loop = ControlLoop(
            task=self.task,
            arbitration=self._arbitration(device, dim_a),
            planning=planning,
            corrections=CorrectionLog(self._pair_builder(device), UndoBuffer(loop_settings.undo_s), outlets),
            outlets=outlets,
            clock=self.real_time or MaxPaceClock(planning.wait_ready),
            schedule=self._schedule(),
            snapshot_every=ticks_of(loop_settings.snapshot_every_s, loop_settings.rate_hz),
        )
        self.loop = loop
        stack.callback(planner.close)
        planner.start()
        device.start()
        stack.callback(device.close)
        previous = signal.signal(signal.SIGINT, lambda *_: self._quit.set())
        stack.callback(lambda: signal.signal(signal.SIGINT, previous))
        switch = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)  # the tick should not wait long for planner, link or recorder
        stack.callback(lambda: sys.setswitchinterval(switch))
        request_slice(LOOP_SLICE_S)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: a collection within a tick need not look at all of torch
        stack.callback(gc.unfreeze)
        for episode in count():
            finished = len(self._episodes)
            if finished == settings.episodes or loop.quit:
                break
            # start states of a session: its seed and the episode, far from those that evaluations use
            ended = loop.run_episode(episode, settings.seed * 10_000 + finished)
            if ended is None:  # broken off: the same start again
                continue
            self._episodes.append(ended)
            if settings.recording.policy_every and len(self._episodes) % settings.recording.policy_every == 0:
                self._keep_policy(self.out / "policies" / f"episode-{len(self._episodes):04d}")
        loop.flush()

    def _arbitration(self, device: Device, dim_a: int) -> Arbitration:
        settings, rate_hz = self.settings, self.settings.loop.rate_hz
        binding = bound(settings, device, self.task)
        return Arbitration(
            device=device,
            gate=Gate(settings.gate, choices(settings, self.task)),
            binding=binding,
            hand_over=HandOver(settings.gate.max_step, dim_a),
            policy_filter=PolicyFilter(settings.gate.policy_filter_s, rate_hz, binding.absolute),
            exploration=Exploration(settings.loop.exploration, settings.seed, dim_a),
            help=HelpRequest(settings.help_request),
        )

    def _pair_builder(self, device: Device) -> PairBuilder:
        settings, rate_hz = self.settings, self.settings.loop.rate_hz
        return PairBuilder(
            settings.horizon,
            settings.execute,
            settings.clic.padding,
            ticks_behind(settings.gate.reaction_time_s, rate_hz),
            ticks_of(settings.clic.label_average_s, rate_hz),
            bound(settings, device, self.task).absolute,
            settings.clic.implicit_approval,
        )

    def _schedule(self) -> Schedule:
        settings = self.settings
        if settings.schedule == "lockstep":
            training = settings.training
            return LockstepSchedule(
                self.link, training.update_every, training.update_on_pairs, training.episode_updates
            )
        if settings.pace == "max":
            return KeptUpSchedule(self.link, settings.loop.updates_per_tick)
        return LiveSchedule()

    # ---- called from the loop

    def _record(self, record: Record | LinkStatus | SettingsRecord) -> None:
        self.recorder.put(record)
        self.tally.add(record)
        if isinstance(record, ChunkPair) and self.probe is not None:
            self.probe.add(record)
        if not isinstance(record, LinkStatus | SettingsRecord) and hasattr(self, "cockpit"):
            self.cockpit.add(record)

    def _commands(self) -> list[str]:
        commands = ["quit"] if self._quit.is_set() else []
        commands += self._asked()
        now = time.perf_counter_ns()
        if now - self._status_ns >= STATUS_EVERY_NS:
            self._status_ns = now
            self._watch(now)
        return commands

    def _asked(self) -> list[str]:
        """What was asked for in the window since the last call."""
        return [] if self.window is None else self.window.asked()

    def _watch(self, now: int) -> None:
        """Once a second: note how the learner is."""
        status = self.link.status()
        self._record(status)
        if (status.state == "connected") != (self._link_state == "connected"):
            name = "learner_back" if status.state == "connected" else "learner_lost"
            self._record(EventRecord(self.loop.tick, now, name, {"detail": status.detail}))
        self._link_state = status.state
        if self.inbox.refused != self._refused:
            self._refused = self.inbox.refused
            self._record(EventRecord(self.loop.tick, now, "weights_refused", {"why": self.inbox.why_refused}))

    # ---- after

    def _finish(self, child: LearnerChild | None) -> None:
        """Nothing gathered is lost, however the session ended."""
        self.link.close(DRAIN_S)
        self._record(self.link.status())
        self.recorder.close()
        if child is not None:
            child.stop()
        if checkpoint.latest(self.out / "checkpoints") is None:
            # a learner elsewhere keeps its checkpoints there: leave at least the policy in the session's folder
            self._keep_policy(self.out / "checkpoints")
        summary = self.tally.summary()
        summary["recording_dropped"] = self.recorder.dropped
        if self.window is not None and self.window.pictures_per_s:
            summary["pictures_per_s"] = round(median(self.window.pictures_per_s), 1)
        write_summary(self.out / "summary.json", summary)
        if self._episodes:
            title = f"{self.settings.task}, {self.settings.method}, H = {self.settings.horizon}"
            write_curves(self._episodes, self.out / "curves.png", title)
        if not hasattr(self, "cockpit"):
            return
        view = self.views.latest()
        if view is not None and view.scene is None:  # nothing was drawn until now
            self.views.publish(replace(view, scene=self.task.scene(), progress=self.task.progress()))
        state = self.cockpit.state()
        if state is not None:
            self._picture(state, self.out / WINDOW_PICTURE)
        self.cockpit.end = SessionEnd(summary["wall_s"] or 0.0, summary["updates"] or 0, str(self.out))
        if self.window is not None and self.window.alive():
            deadline = time.monotonic() + LINGER_S
            while self.window.alive() and time.monotonic() < deadline:
                if "quit" in self._asked():
                    break
                time.sleep(0.05)

    def _picture(self, state: CockpitState, path: Path) -> None:
        """The last instant as the window showed it; without a window, as one would have."""
        if self.window is not None:
            if path.exists():  # the person closed the window, and it left its last picture
                return
            try:
                self.window.screenshot(path)
                return
            except WindowError as error:
                self.say(f"{error}; {path.name} is drawn without it, so a scene of cameras is there in outlines only")
        write_picture(state, path)

    def _keep_policy(self, folder: Path) -> None:
        """Write the newest weights as a checkpoint without a learner's state: enough to evaluate."""
        weights = self.newest.latest()
        if weights is not None:
            folder.mkdir(parents=True, exist_ok=True)
            checkpoint.write(folder, checkpoint.Checkpoint(weights=weights, state={}, settings=self.agreed, entries=0))
