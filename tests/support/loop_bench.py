"""A control loop with a scripted operator, a recording of all it sends, and a policy with recognisable chunks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from fake_session import Swirl

from hitl_clic.control.arbitration import Arbitration
from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import Clock, MaxPaceClock
from hitl_clic.control.correction_log import CorrectionLog
from hitl_clic.control.exploration import Exploration, ExplorationSettings
from hitl_clic.control.gate import CorrectionOptions, Gate, GateSettings
from hitl_clic.control.help_request import HelpRequest, HelpSettings
from hitl_clic.control.loop import ControlLoop
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.overlap import OVERLAPS, OverlapName
from hitl_clic.control.planner import Planner
from hitl_clic.control.planning import Planning
from hitl_clic.control.schedule import Schedule
from hitl_clic.correction.first_push import FirstPush
from hitl_clic.correction.mapping import HandOver, bind
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import (
    Array,
    EpisodeRecord,
    EventRecord,
    Proposal,
    TickRecord,
)
from hitl_clic.types.view import LoopView, Record

HAND = (0.75, -0.75)


class Track(Swirl):
    """Swirl without a goal; counts its steps over all episodes and truncates after `longest`."""

    def __init__(self, longest: int = 12) -> None:
        super().__init__()
        self.longest, self.executed = longest, list[Array]()
        self.reached_at = -1

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        observation, reward, _, _, _ = super().step(action)
        self.executed.append(action.copy())
        reached = self._steps == self.reached_at
        return observation, reward, reached, self._steps >= self.longest, {"success": reached}

    def forecast(self, actions: Array) -> Array:
        executed = list(self.executed)
        try:
            return super().forecast(actions)
        finally:
            self.executed = executed


class TellTale:
    """Step i of a chunk is (step of the observation planned from / 100, i / 100); what is committed is kept."""

    def __init__(self, horizon: int, version: int = 0) -> None:
        self.horizon, self.version, self.newest_pair = horizon, version, -1
        self.asked: list[tuple[Array, Array, Array | None]] = []
        self.made: dict[bytes, Array] = {}

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        self.asked.append((observation, committed, previous))
        chunk = np.zeros((self.horizon, 2), np.float32)
        chunk[:, 0] = observation[2] / 100
        chunk[:, 1] = np.arange(self.horizon) / 100
        chunk[: len(committed)] = committed
        self.made[observation.tobytes()] = chunk
        return Proposal(chunk, 0.0)


class Restless(TellTale):
    """Every plan depends on how many were made before, as with a sampler that has one generator."""

    rng = np.random.default_rng(0)

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        time.sleep(float(np.random.default_rng().uniform(0, 5e-4)))  # threads meet in ever new orders
        super().plan(observation, committed, previous)
        return Proposal(self.rng.uniform(-1, 1, (self.horizon, 2)).astype(np.float32), 0.0)


class Hand(Device):
    """Holds what the script says at each reading; no thread."""

    name = "hand"
    axes = ("x", "y")

    def __init__(self, script: Callable[[int], DeviceSample]) -> None:
        super().__init__(100.0)
        self.script, self.readings, self.felt = script, 0, 0
        self.let_gos: list[int] = []

    def robot_stopped(self) -> None:
        self.felt += 1

    def read(self, timeout_s: float) -> DeviceSample:
        raise NotImplementedError

    def correction_ended(self) -> None:
        self.let_gos.append(self.readings)

    def latest(self) -> DeviceSample:
        sample = self.script(self.readings)
        self.readings += 1
        return replace(sample, time_ns=time.perf_counter_ns() - sample.time_ns)


def near(action: Array, *expected: float) -> bool:
    """Whether an action is this one, up to rounding to float32."""
    return bool(np.allclose(action, expected, atol=1e-6))


def hold(*readings: int, motion: tuple[float, float] = HAND, **more: object) -> Callable[[int], DeviceSample]:
    """A hand that holds the control at these readings and else lets go."""

    def script(reading: int) -> DeviceSample:
        held = reading in readings
        return DeviceSample(0, motion if held else (0.0, 0.0), engage=held, **(more if held else {}))  # type: ignore[arg-type]

    return script


@dataclass
class Bench:
    """A loop with everything it talks to."""

    script: Callable[[int], DeviceSample] = field(default_factory=hold)
    commands: dict[int, list[str]] = field(default_factory=dict)
    horizon: int = 4
    execute: int = 2
    lead: int = 0
    overlap: OverlapName = "sync"
    stride: int = 1
    reaction: int = 0
    padding: str = "hold"
    undo_s: float = 0.0
    gate: GateSettings = field(default_factory=GateSettings)
    correction: CorrectionSettings = field(default_factory=CorrectionSettings)
    longest: int = 12
    snapshot_every: int = 5
    policy: TellTale | None = None
    schedule: Schedule = field(default_factory=Schedule)
    clock: Clock | None = None
    timeout_s: float = 20.0
    exploration: ExplorationSettings = field(default_factory=ExplorationSettings)
    help: HelpSettings = field(default_factory=HelpSettings)
    choices: CorrectionOptions = field(default_factory=CorrectionOptions)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    draws: bool = False
    listener: Callable[[object], None] = lambda record: None
    """Takes every record too."""
    asks: Callable[[], list[str]] = list
    """Commands at any time, beside those of `commands`."""
    device: Device | None = None
    """Takes the scripted hand's place; with a thread of its own, which the test starts."""
    person: bool = True
    """Whether the scripted hand counts as a person's."""

    def __post_init__(self) -> None:
        changes = {"padding": self.padding, "reaction_time_s": self.reaction / 10}
        self.correction = self.correction.model_copy(update=changes)
        self.task = Track(self.longest)
        self.hand = Hand(self.script)
        self.hand.person = self.person
        self.policy = self.policy or TellTale(self.horizon)
        self.records: list[Any] = []
        self.sent: list[ChunkPair] = []
        self.withdrawn: list[int] = []
        self.news: list[tuple[TellTale, Weights]] = []
        self.view: Slot[LoopView] = Slot()
        self._asked = 0
        self.planner = Planner(self.policy)
        self.teacher = TeacherChannel(self.planner.latest)
        queue = ChunkQueue(self.horizon, self.execute, self.lead, 2)
        planning = Planning(self.planner, queue, self.teacher, OVERLAPS[self.overlap], self.stride, self.timeout_s)
        outlets = Outlets(
            record=self._record,
            send=self.sent.append,
            withdraw=self.withdrawn.append,
            fetch_policy=lambda: self.news.pop(0) if self.news else None,
            commands=self._commands,
            view=self.view,
            draws=self.draws,
        )
        device = self.device or self.hand
        pairs = PairBuilder(self.horizon, self.execute, self.correction, 10.0)
        self.loop = ControlLoop(
            task=self.task,
            arbitration=Arbitration(
                device=device,
                gate=Gate(self.gate, self.correction, self.choices, device.person),
                binding=bind(device.axes, self.task.action_frame.axes, groups=self.groups),
                hand_over=HandOver(self.correction.max_step, 2),
                policy_filter=PolicyFilter(self.correction.policy_filter_s, 10.0),
                exploration=Exploration(self.exploration, 0, 2),
                help=HelpRequest(self.help),
                first_push=FirstPush(device.person),
            ),
            planning=planning,
            corrections=CorrectionLog(pairs, UndoBuffer(self.undo_s), outlets),
            outlets=outlets,
            clock=self.clock or MaxPaceClock(planning.wait_ready),
            schedule=self.schedule,
            snapshot_every=self.snapshot_every,
        )

    def _commands(self) -> list[str]:
        """What is asked for at this reading of the device (the device is read first)."""
        return [*self.commands.get(self.hand.readings - 1, []), *self.asks()]

    def _record(self, record: Record) -> None:
        self.records.append(record)
        self.listener(record)

    def run(self, episodes: int = 1) -> list[EpisodeRecord | None]:
        self.planner.start()
        try:
            return [self.loop.run_episode(episode, 10 + episode) for episode in range(episodes)]
        finally:
            self.planner.close()

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]

    @property
    def ticks(self) -> list[TickRecord]:
        return self.of(TickRecord)

    @property
    def states(self) -> str:
        return "".join(record.state[0] for record in self.ticks)

    @property
    def events(self) -> list[str]:
        return [event.name for event in self.of(EventRecord)]
