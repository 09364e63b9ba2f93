"""Makes the cockpit's state from the records of the loop and the status of the link.

`CockpitFeed.state` runs in the window's or the dashboard's thread; it only reads newest-wins slots and takes copies.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hitl_clic.clic.settings import ClicSettings
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState, Correction, EpisodeMark, SessionEnd
from hitl_clic.cockpit.window import keymap
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.runner.device_registry import device_in_use, device_spec, key_maps
from hitl_clic.runner.policy_probe import PolicyProbe
from hitl_clic.runner.section_figures import SectionFigures
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.commands import WITHDRAWALS
from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.types.records import (
    EVERYTHING,
    Array,
    CommandFrame,
    EpisodeRecord,
    EventRecord,
    Plan,
    SwapRecord,
    TickRecord,
)
from hitl_clic.types.scene import EMPTY_SCENE
from hitl_clic.types.view import LoopView, Record

NO_PROBE = "The energy is not computed here"
RECENT_TICKS = 2000
"""Ticks behind the lateness shown."""
SENTENCES: Mapping[str, str] = {
    "discard": "Last correction discarded ({withdrawn})",
    "learner_lost": "Learner lost: the robot keeps its last policy",
    "learner_back": "Learner is back",
    "device_lost": "Device lost: {why}",
    "device_back": "Device is back",
    "search_changed": "{search}",
    "weights_refused": "New weights failed their check; the robot keeps the last good ones",
    "asks_for_help": "The robot asks for help: show it what to do",
    "stop": "Emergency stop: {clear_stop} clears it",
    "clear_stop": "Stop cleared: {pause} continues",
    "pause": "",
    "slow_motion": "{speed}",
    "next_command_frame": "There is only one command frame here",
    "next_correction_axes": "There is only one group of axes here",
    "success": "You ended the episode: success",
    "failure": "You ended the episode: failure",
    "reset": "Started again; what you taught in this episode is discarded ({withdrawn})",
    "reset_keep": "Started again: what you taught is kept",
}
"""The message of each event; empty if the badge shows it. {action} is the key of a window action."""


def _counted(event: EventRecord) -> dict[str, str]:
    """How many pairs a command withdrew, in words."""
    pairs = int(event.detail.get("pairs", 0))
    return {"withdrawn": f"{pairs or 'no'} pair{'' if pairs == 1 else 's'}"}


def _speed(event: EventRecord) -> dict[str, str]:
    """The speed that a command chose, in words."""
    speed = float(event.detail.get("speed", 1.0))
    return {"speed": f"Now at {status_text.SPEEDS.get(speed) or 'full speed'}"}


def _search(event: EventRecord) -> dict[str, str]:
    """The new size of the planner's search and the reason, in words."""
    if event.name != "search_changed":
        return {}
    share, took, allowed = (float(event.detail[name]) for name in ("search", "plan_ms", "allowed_ms"))
    changed = "Search is full again" if share == 1 else f"Search {event.detail['direction']} to 1/{round(1 / share)}"
    return {"search": f"{changed}: plans took {took:.0f} ms of {allowed:.0f} allowed"}


def _why(event: EventRecord) -> dict[str, str]:
    """Why the device was lost, as it says itself."""
    return {"why": str(event.detail.get("why", "")) or "it sends nothing"}


def _now_read(record: EventRecord, flat: bool) -> str:
    """The message for a new correction mode, frame or group of axes. A flat scene has one frame."""
    frame: CommandFrame = record.detail["command_frame"]  # type: ignore[assignment]
    about = record.detail["correction_axes"]
    only = "" if about == EVERYTHING else f", only {about}"
    axes = "" if flat else f", {status_text.FRAMES[frame]}"
    return f"Now {record.detail['correction_mode']}{axes}{only}"


class HasStatus(Protocol):
    """The part of the actor's link that the cockpit needs."""

    def status(self) -> LinkStatus: ...


@dataclass(slots=True)
class FixedStatus:
    """Stands in for the link in a replay, which sets the recorded status, and in a practice, which has no learner."""

    newest: LinkStatus = field(default_factory=lambda: LinkStatus("connected"))

    def status(self) -> LinkStatus:
        return self.newest


class CockpitFeed:
    """Collects records and gives the newest `CockpitState`.

    Args:
        settings: of the session. task: the session's. views: the loop's newest instant. link: to the learner.
        device: the teacher's; None in a replay, which shows no key map.
        probe: answers whether the policy complies with past corrections, and the energy; None: neither is known.
        began_ns: when the session began; now by default.
        key_labels: what is printed on the keys in the layout in use, where that is not their name.
    """

    def __init__(
        self,
        settings: SessionSettings,
        task: Task,
        views: Slot[LoopView],
        link: HasStatus,
        device: Device | None = None,
        probe: PolicyProbe | None = None,
        began_ns: int | None = None,
        key_labels: Callable[[], keymap.Bindings] = tuple,
    ) -> None:
        self._settings, self._max_steps, self._views, self._link = settings, task.max_steps, views, link
        self._device, self._probe = device, probe
        self._window_keys, self._key_labels = tuple(settings.window.keys.items()), key_labels
        self._axes = task.action_frame.axes
        self._read_labels()
        self._moves = list(task.action_frame.moves)
        self._began_ns = time.perf_counter_ns() if began_ns is None else began_ns
        self._lateness: deque[int] = deque(maxlen=RECENT_TICKS)
        self._times: deque[int] = deque(maxlen=50)
        self._sections = SectionFigures(RECENT_TICKS)
        self._worst_ns = self._overruns = 0
        self._speed = 1.0
        self._history: list[EpisodeMark] = []
        self._corrections: deque[tuple[int, int]] = deque(maxlen=status_text.SHOWN_CORRECTIONS)
        """(first, last) pair id of the newest corrections."""
        self._discarded: set[int] = set()
        self._last_pair_tick = -(10**9)
        self._learnt_pair = -1
        self._swap: SwapRecord | None = None
        self._message = ""
        self.end: SessionEnd | None = None

    def add(self, record: Record) -> None:
        """Main thread: take in a record. Quick: it runs in the tick."""
        if isinstance(record, TickRecord):
            self._lateness.append(record.lateness_ns)
            if record.speed != self._speed:  # the rate of both together would be that of neither
                self._speed = record.speed
                self._times.clear()
            self._times.append(record.time_ns)
            self._sections.add(record.sections_ns)
            self._worst_ns = max(self._worst_ns, record.lateness_ns)
            self._overruns += record.overrun
        elif isinstance(record, ChunkPair):
            new = record.tick > self._last_pair_tick + 1
            first = record.id if new or not self._corrections else self._corrections.pop()[0]
            self._corrections.append((first, record.id))
            self._last_pair_tick = record.tick
        elif isinstance(record, Plan):
            self._learnt_pair = max(self._learnt_pair, record.newest_pair)
        elif isinstance(record, SwapRecord):
            self._swap = record
        elif isinstance(record, EpisodeRecord):
            mark = EpisodeMark(record.episode, record.success, record.feedback_per_step, record.timesteps)
            self._history = [*self._history, mark]
        elif isinstance(record, EventRecord):
            if record.name in WITHDRAWALS:
                self._discarded.update(
                    range(int(record.detail.get("first", -1)), int(record.detail.get("last", -1)) + 1)
                )
            if record.name == "switched":
                view = self._views.latest()
                self._message = _now_read(record, view is not None and view.scene is not None and not view.scene.pose)
            elif record.name in SENTENCES:
                words = self._labels | _counted(record) | _speed(record) | _why(record) | _search(record)
                self._message = SENTENCES[record.name].format_map(words)

    def _read_labels(self) -> None:
        """Make the texts that name keys, in the layout in use."""
        self._printed, settings = self._key_labels(), self._settings
        printed = dict(self._printed)
        self._spec = device_spec(settings.device) if self._device is None else device_in_use(settings, printed)
        self._keys = {} if self._device is None else key_maps(settings, self._axes, printed)
        self._labels = keymap.table(self._window_keys, self._printed).labels()

    def state(self, now_ns: int | None = None) -> CockpitState | None:
        """The newest instant as of `now_ns` (by default the present); None before the first."""
        if self._key_labels() != self._printed:
            self._read_labels()
        view = self._views.latest()
        if view is None:
            return None
        now = time.perf_counter_ns() if now_ns is None else now_ns
        link, swap, record = self._link.status(), self._swap, view.record
        late = np.array(self._lateness or [0]) * 1e-6
        periods = np.diff(list(self._times)) * 1e-9
        driving = view.state == "correcting" and record is not None and record.human_action is not None
        arrow = self._correction_arrow(record)[self._moves].tolist() if driving and record is not None else None
        chunk = None if view.robot_chunk is None else tuple(map(tuple, view.robot_chunk[:, self._moves].tolist()))
        realtime, speed = self._settings.pace == "realtime", 1.0 if record is None else record.speed
        return CockpitState(
            task=self._settings.task.replace("_", " "),
            scene=view.scene or EMPTY_SCENE,
            time_s=max(0, now - self._began_ns) * 1e-9,
            robot_chunk=chunk,
            execute=max(0, self._settings.execute - view.step_in_chunk),
            step_in_chunk=0,
            human_chunk=None if arrow is None else (tuple(arrow),),
            gate=view.state,
            correction_mode=view.correction_mode,
            command_frame=view.command_frame,
            correction_axes=view.correction_axes,
            desired_radius=self._radius(record) if driving and record is not None else None,
            hint=self._spec.hint(self._settings.gate.mode, view.state == "correcting"),
            help_requested=view.asks,
            approving=view.approving,
            hand=view.hand,
            device_note="" if self._device is None else self._device.status_text(),
            device_trouble="" if self._device is None else self._device.trouble,
            device_keys=self._keys.get(view.command_frame, ()),
            window_keys=self._window_keys,
            key_labels=self._printed,
            device=self._spec.label,
            device_age_s=0.0 if record is None else record.device_age_ns * 1e-9,
            device_connected=record is None or record.connected,
            weight_version=0 if swap is None or not swap.step else swap.version,
            weights_age_s=0.0 if swap is None else max(0, now - swap.time_ns) * 1e-9,
            pairs_made=link.made,
            pairs_queued=max(0, link.made - link.acknowledged - link.dropped),
            pairs_learnt=max(0, min(link.made, self._learnt_pair + 1)),
            pairs_dropped=link.dropped,
            updates_per_s=link.learner.updates_per_s,
            episode=view.episode,
            step=view.step,
            max_steps=self._max_steps,
            progress=", ".join(f"{name} {value:.2f}" for name, value in view.progress.items()),
            history=tuple(self._history),
            corrections=tuple(self._flag(first, last) for first, last in list(self._corrections)),
            loop_hz=1.0 / max(1e-9, float(np.median(periods))) if len(periods) else 0.0,  # a pause is not slow
            target_hz=self._settings.loop.rate_hz * speed if realtime else 0.0,
            speed=speed,
            lateness_p99_ms=float(np.percentile(late, 99)),
            lateness_worst_ms=self._worst_ns * 1e-6,
            overruns=self._overruns,
            sections=self._sections.figures(now),
            link=link.state,
            link_detail=link.detail if link.state != "connected" else "",
            message=self._message,
            energy_slice=NO_PROBE if self._probe is None else self._probe.energy_slice(),
            end=self.end,
        )

    def _correction_arrow(self, record: TickRecord) -> Array:
        """The correction to draw, [dim_a]: the executed action; in relative mode the command, 1 at full motion."""
        if record.correction_mode == "absolute" or record.human_action is None:
            return record.executed
        pushed = record.human_action - record.robot_action if record.push is None else record.push
        return pushed / self._settings.correction.relative_step

    def _radius(self, record: TickRecord) -> float | None:
        """Radius of the desired set of this step, gamma * ||a^r - a^h|| ([CC] Eq. 5).

        None for a relative correction, and for a baseline, which has no desired sets.
        """
        method = self._settings.policy
        if record.human_action is None or record.correction_mode != "absolute" or not isinstance(method, ClicSettings):
            return None
        return method.radius_ratio * float(np.linalg.norm(record.robot_action - record.human_action))

    def _flag(self, first: int, last: int) -> Correction:
        if last in self._discarded:
            return "discarded"
        if self._learnt_pair < last:
            return "queued"
        followed = None if self._probe is None else self._probe.compliance(first)
        return "learnt" if followed is None else "followed" if followed else "unfollowed"
