"""Demonstrations as sessions: each episode becomes ticks that the human drove, and pairs. Pure; any thread.

A demonstration says what is right; no robot was corrected in it. A desired set needs both chunks: its radius is a share
of their distance ([CC] Eq. 5). So the robot's chunk is the demonstrated one, moved by a fixed distance in a random
direction. Every demonstrated chunk then has a desired set of the same size, and the energy is raised around it on all
sides. Implicit behavioural cloning uses random counter-examples in the same way (Florence et al., 2021).
The present policy gives no such size: there is none at first, and a good one would make the sets empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hitl_clic.correction.padding import Padding, final_mask, pad_chunk
from hitl_clic.exchange.episode import ACTION, STATE, Column, Episode
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import TickRecord

DISTANCE = 0.3
"""Default distance of the robot's chunk from the demonstrated one: root mean square, units of action."""


def perturbed(human: NDArray[np.float32], distance: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """A chunk at this root-mean-square distance, in a random direction; [H, dim_a] in [-1, 1].

    A number that would leave [-1, 1] moves the other way, so the distance stays.
    """
    direction = generator.normal(size=human.shape)
    moved = direction * (distance / np.sqrt(np.mean(direction**2)))
    outside = np.abs(human + moved) > 1
    return np.clip(np.where(outside, human - moved, human + moved), -1, 1).astype(np.float32)


def demonstrated_pairs(
    episode: Episode,
    number: int,
    first_tick: int,
    horizon: int,
    padding: Padding,
    stride: int,
    distance: float,
    generator: np.random.Generator,
) -> Iterator[ChunkPair]:
    """Pairs of a demonstrated episode, one every `stride` ticks, with ids from 0.

    Args:
        number: of the episode, from 0. first_tick: of it. horizon: H. padding: of chunks that the episode's end cuts.
        distance: see `perturbed`.
    """
    states = episode.columns[STATE].reshape(len(episode), -1)
    actions = episode.columns[ACTION].reshape(len(episode), -1)
    for pair, row in enumerate(range(0, len(episode), stride)):
        known = actions[row : row + horizon]
        held = np.concatenate([known, np.repeat(known[-1:], horizon - len(known), axis=0)])
        robot = perturbed(held, distance, generator)
        taught = np.zeros_like(robot)
        taught[: len(known)] = 1
        yield ChunkPair(
            id=pair,
            episode=number,
            tick=first_tick + row,
            correction_mode="absolute",
            state=states[row],
            robot=robot,
            human=pad_chunk(known, robot, known[:0], padding),
            mask=final_mask(taught, "absolute", padding),
            weight_version=0,
            device_age_ns=0,
            made_ns=0,
        )


def ticks_of(
    episode: Episode, number: int, first_tick: int, rate_hz: float, robot: Mapping[int, Column]
) -> Iterator[TickRecord]:
    """The ticks of an episode: as its columns say, or driven by the human where they say nothing.

    Args:
        number: of the episode, from 0. first_tick: of it. robot: the robot's action at a row, where known.
    """
    columns, length = episode.columns, len(episode)
    states, actions = columns[STATE].reshape(length, -1), columns[ACTION].reshape(length, -1)
    ours = "robot_action" in columns
    for row in range(length):
        human = not ours or bool(columns["intervention"][row])
        last = row == length - 1
        version = int(columns["weights_version"][row]) if ours else 0
        taught = columns["taught"][row].reshape(-1) if ours else np.ones_like(actions[row])
        nobody = np.zeros_like(actions[row])
        yield TickRecord(
            tick=first_tick + row,
            episode=number,
            step=row,
            time_ns=round((first_tick + row) * 1e9 / rate_hz),
            observation=states[row],
            state="correcting" if human else "autonomous",
            correction_mode="absolute",
            robot_action=columns["robot_action"][row].reshape(-1) if ours else robot.get(row, nobody),
            human_action=(columns["human_action"][row].reshape(-1) if ours else actions[row]) if human else None,
            executed=actions[row],
            taught=taught,
            plan_tick=-1,
            step_in_chunk=0,
            weight_version=version,
            device_age_ns=0,
            connected=True,
            lateness_ns=0,
            work_ns=0,
            overrun=False,
            sections_ns={},
            reward=float(columns["next.reward"][row]) if "next.reward" in columns else 0.0,
            success=episode.success and last,
            terminated=episode.success and last,
            truncated=not episode.success and last,
        )
