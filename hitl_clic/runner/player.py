"""Shows a recorded session as the teacher saw it: in the window at the recorded pace, or as one sheet of pictures.

Main thread of the replay's process. The window's link has a thread of its own, which only takes the newest state. The
policy probe has one too: it evaluates the energy of the session's policies while the window shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hitl_clic.cockpit.drawing.camera_feed import CameraFeed
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.state.status_text import SHOWN_CORRECTIONS
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.runner.display import scene3d_for
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.runner.policy_probe import PolicyProbe, slice_axes
from hitl_clic.runner.recorded_policies import RecordedPolicies
from hitl_clic.session.reader import Session
from hitl_clic.session.replay import ReplayedTick, Replayer
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.messages import LinkStatus
from hitl_clic.types.records import SnapshotRecord, TickRecord
from hitl_clic.types.view import LoopView

SEEK_S = {"left": -2.0, "right": 2.0, "up": 20.0, "down": -20.0}
"""Seconds that each arrow key skips."""
LONGEST_GAP_S = 1.0
"""Longer pauses between two recorded ticks are cut to this."""
SHEET, COLUMNS = 12, 4
"""Pictures on a contact sheet, and in one of its rows."""
SHEET_SIZE = (960, 540)
"""Size of the cockpit's picture from which a scene is cut, pixels."""


class Projector:
    """Turns recorded ticks into the cockpit's states.

    Args:
        recorded: the session. settings: its own. task: one of its kind, for the projector alone.

    Raises:
        ValueError: the recording holds no ticks, or this version cannot read it.
    """

    def __init__(self, recorded: Session, settings: SessionSettings, task: Task) -> None:
        self._recorded, self._settings, self._task = recorded, settings, task
        self._replayer = Replayer(recorded, task)
        self.views: Slot[LoopView] = Slot()
        """The instant shown."""
        self._shown = -1
        self._feed: CockpitFeed
        self._rewind()

    def __len__(self) -> int:
        """Ticks there are."""
        return len(self._replayer)

    def tick(self, index: int) -> TickRecord:
        """The index-th recorded tick."""
        return self._recorded.ticks[index]

    def state(self, index: int) -> CockpitState:
        """The cockpit at the index-th recorded tick; quickest in the order of the recording."""
        if index < self._shown:
            self._rewind()
        self._shown = index
        frame = self._replayer.frame(index)
        self._read_until(frame.record.tick)
        self.views.publish(_view(frame, self._task))
        state = self._feed.state(frame.record.time_ns)
        assert state is not None
        return state

    def _rewind(self) -> None:
        self._shown = -1
        self._records = self._recorded.records()
        self._link = FixedStatus(LinkStatus("connecting"))
        began_ns = self._recorded.settings.started_ns
        self._feed = CockpitFeed(self._settings, self._task, self.views, self._link, began_ns=began_ns)

    def _read_until(self, tick: int) -> None:
        """Take in the records up to a tick's own."""
        for record in self._records:
            if isinstance(record, LinkStatus):
                self._link.newest = record
            elif not isinstance(record, SettingsRecord | SnapshotRecord):
                self._feed.add(record)
            if isinstance(record, TickRecord) and record.tick >= tick:
                return


def in_window(recorded: Session, settings: SessionSettings, task: Task) -> None:
    """Show a session in the cockpit's window until it is closed: Space or P pauses, the arrows go back and forth.

    Raises:
        WindowError: the window cannot be opened. ValueError: as `Projector`.
    """
    projector = Projector(recorded, settings, task)
    with TemporaryDirectory(prefix="scene3d-") as folder:
        window = WindowLink(settings.window, scene3d_for(task, settings.window, Path(folder)))
        axes = slice_axes(settings.window.energy_axes, task.action_frame.axes)
        kept = RecordedPolicies(recorded.path.parent)
        probe = PolicyProbe(
            _inbox(projector.tick(0), settings),
            kept,
            settings,
            SHOWN_CORRECTIONS,
            projector.views,
            axes,
            lambda: window.shows_energy,
            lambda: torch.set_num_threads(settings.loop.planner_threads),
        )
        try:
            _play(projector, settings, window, probe)
        finally:
            probe.close()


def _inbox(tick: TickRecord, settings: SessionSettings) -> PolicyInbox:
    """Makes policies of a session's weights, on the CPU, whatever device the session used."""
    method = settings.policy.model_copy(update={"device": "cpu"})
    return PolicyInbox(tick.observation.size, tick.executed.size, settings.horizon, method, settings.seed)


def _play(projector: Projector, settings: SessionSettings, window: WindowLink, probe: PolicyProbe) -> None:
    feed, newest = EventFeed(), Slot[CockpitState]()

    def shown() -> CockpitState | None:
        """The energy arrives later than its tick, also while the replay is paused."""
        state = newest.latest()
        return None if state is None else replace(state, energy_slice=probe.energy_slice())

    window.add_feed(feed)
    window.show(shown)
    newest.publish(projector.state(0))
    window.start()
    probe.start()
    try:
        player = _Player(projector, settings)
        while window.alive():
            left_s = player.due_s - time.monotonic()
            keys = [event.name for event in feed.drain(max(0.0, min(left_s, 0.05))) if event.kind == "key_down"]
            commands = window.take_commands()
            if "quit" in commands:
                return
            if player.apply(keys, commands) or player.go_on():
                newest.publish(player.state())
    finally:
        window.close()


class _Player:
    """The position of a replay and when it advances; `now_s` is the time in seconds."""

    def __init__(
        self, projector: Projector, settings: SessionSettings, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._projector, self._settings, self._now_s = projector, settings, now_s
        self._keymap = Keymap(settings.window.keys)
        self.index, self.paused = 0, False
        self.due_s = self._now_s() + self._pause_s()

    def apply(self, keys: list[str], commands: list[str]) -> bool:
        """Carry out keys and commands; whether the picture changes."""
        before = (self.index, self.paused)
        if self._keymap.find("space") is not None:  # then it is the window's
            keys = [key for key in keys if key != "space"]
        for _ in range(commands.count("pause") + keys.count("space")):
            self.paused = not self.paused
        ticks = sum(SEEK_S.get(key, 0.0) for key in keys) * self._settings.loop.rate_hz
        if ticks:
            self.index = min(max(0, self.index + round(ticks)), len(self._projector) - 1)
        if (self.index, self.paused) == before:
            return False
        self.due_s = self._now_s() + self._pause_s()
        return True

    def go_on(self) -> bool:
        """Go to the next tick if it is due; whether the picture changes."""
        if self.paused or self._now_s() < self.due_s or self.index + 1 >= len(self._projector):
            return False
        self.index += 1
        self.due_s = max(self.due_s, self._now_s() - 0.1) + self._pause_s()
        return True

    def state(self) -> CockpitState:
        """What to show now."""
        state = self._projector.state(self.index)
        ended = self.index + 1 == len(self._projector)
        where = f"Replay · {self.index + 1} of {len(self._projector)}"
        status = ", the end" if ended else ", paused" if self.paused else ""
        space = "Space" if self._keymap.find("space") is None else self._keymap.label("pause")
        views = ("view",) if state.scene.pose is not None else ()
        key_rows = (
            ((space, "play" if self.paused else "pause"), ("Left Right", "skip 2 s"), ("Up Down", "skip 20 s")),
            self._keymap.hints("energy", *views, "screenshot"),
            ((self._keymap.label("quit"), "close"),),
        )
        return replace(state, message=where + status, key_rows=key_rows)

    def _pause_s(self) -> float:
        """Time from this tick to the next: the recorded one, or the nominal one where ticks ran unpaced."""
        nominal = 1.0 / self._settings.loop.rate_hz
        if self._settings.pace == "max" or self.index + 1 >= len(self._projector):
            return nominal
        here, there = self._projector.tick(self.index), self._projector.tick(self.index + 1)
        return min(max((there.time_ns - here.time_ns) * 1e-9, 0.0), LONGEST_GAP_S)


def contact_sheet(recorded: Session, settings: SessionSettings, task: Task, path: Path, pictures: int = SHEET) -> None:
    """Write the scenes at evenly spaced ticks, as the cockpit draws them, as one picture.

    Raises:
        ValueError: as `Projector`. OSError: it cannot be written.
    """
    projector = Projector(recorded, settings, task)
    with TemporaryDirectory(prefix="scene3d-") as folder:
        scene3d = scene3d_for(task, settings.window, Path(folder))
        camera_feed = None if scene3d is None else CameraFeed(scene3d, settings.window)
        try:
            _sheet(projector, camera_feed, path, pictures)
        finally:
            if camera_feed is not None:
                camera_feed.close()


def _sheet(projector: Projector, camera_feed: CameraFeed | None, path: Path, pictures: int) -> None:
    last = len(projector) - 1
    chosen = sorted({round(last * number / max(1, pictures - 1)) for number in range(pictures)})
    rows = -(-len(chosen) // COLUMNS)
    figure = Figure(figsize=(4.5 * COLUMNS, 4.5 * rows), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, COLUMNS, squeeze=False)
    left = Layout.of(SHEET_SIZE).left.width
    for axis in axes.flat:
        axis.axis("off")
    part = path.with_name(path.stem + ".part.png")
    try:
        for axis, index in zip(axes.flat, chosen, strict=False):
            write_picture(projector.state(index), part, SHEET_SIZE, camera_feed=camera_feed)
            axis.imshow(image.imread(part)[:, :left])
            axis.set_title(f"tick {projector.tick(index).tick}", fontsize=9, loc="left")
    finally:
        part.unlink(missing_ok=True)
    figure.savefig(path)


def _view(frame: ReplayedTick, task: Task) -> LoopView:
    """The loop's newest instant as it was at a recorded tick."""
    record, plan = frame.record, frame.plan
    follows = plan is not None and 0 <= record.step_in_chunk < len(plan.chunk)
    return LoopView(
        tick=record.tick,
        episode=record.episode,
        step=record.step,
        state=record.state,
        correction_mode=record.correction_mode,
        scene=frame.scene,
        robot_chunk=plan.chunk[record.step_in_chunk :] if plan is not None and follows else None,
        step_in_chunk=max(0, record.step_in_chunk),
        record=record,
        progress=task.progress(),
        command_frame=record.command_frame,
        correction_axes=record.correction_axes,
    )
