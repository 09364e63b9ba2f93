"""Ticks by a script, fed to a builder of pairs; every number tells which tick it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hitl_clic.correction.padding import Padding
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EVERYTHING, Array, CorrectionMode, TickRecord

H, TA = 4, 2


def robot_chunk(tick: int, horizon: int = H) -> Array:
    """Planned at `tick`: every number tells which tick and step it is of; far from what the human does."""
    return np.stack([np.array([-0.5 + tick / 1000, -(step + 1) / 100], np.float32) for step in range(horizon)])


def human_action(tick: int) -> Array:
    return np.array([0.5 + tick / 1000, 0.25], np.float32)


def builder(
    padding: Padding = "hold",
    reaction: int = 0,
    average: int = 1,
    horizon: int = H,
    execute: int = TA,
    approval: bool = False,
    commands: Sequence[int] = (),
) -> PairBuilder:
    """A builder of pairs at 10 Hz; reaction and average in ticks."""
    settings = CorrectionSettings(
        padding=padding,
        reaction_time_s=reaction / 10,
        label_average_s=average / 10 if average > 1 else 0.0,
        implicit_approval=approval,
    )
    return PairBuilder(horizon, execute, settings, 10.0, commands)


@dataclass
class Stream:
    """Feeds ticks to a builder: "h" the human drives, "r" the relative human, "c" who holds on without pushing, "." the
    robot."""

    builder: PairBuilder
    reaction: int = 0
    tick: int = 0
    records: list[TickRecord] = field(default_factory=list)

    def go(
        self,
        who: str,
        begins: bool = True,
        ends: str = "",
        taught: tuple[float, float] = (1, 1),
        axes: str = EVERYTHING,
        connected: bool = True,
    ) -> list[ChunkPair]:
        t = self.tick
        mode: CorrectionMode = "relative" if who in "rc" else "absolute"
        robot = np.array([-0.1, t / 1000], np.float32)
        push = np.array([0.2, 0.0], np.float32)
        human = {"h": human_action(t), "r": robot + push}.get(who)
        record = TickRecord(
            tick=t,
            episode=3,
            step=t,
            time_ns=1000 * t,
            observation=np.array([t], np.float32),
            state="autonomous" if who == "." else "correcting",
            correction_mode=mode,
            robot_action=robot,
            human_action=human,
            executed=np.array([0.9, t / 1000], np.float32),
            taught=np.asarray(taught if human is not None else (0, 0), np.float32),
            plan_tick=t,
            step_in_chunk=0,
            weight_version=40 + t,
            device_age_ns=10 * (t % 3),
            connected=connected,
            lateness_ns=0,
            work_ns=7,
            overrun=False,
            sections_ns={},
            reward=0.0,
            success=False,
            terminated=ends == "terminated",
            truncated=ends == "truncated",
            stimulus_tick=max(0, t - self.reaction) if self.reaction else -1,
            push=push if who == "r" else None,
            correction_axes=axes,
        )
        self.records.append(record)
        self.tick += 1
        return self.builder.add(record, robot_chunk(t, self.builder.horizon) if begins else None)

    def run(self, script: str) -> list[list[ChunkPair]]:
        return [self.go(who) for who in script]
