"""A tiny task and a loop without threads, to make recordings for the tests of `hitl_clic.session`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from hitl_clic.session.recorder import Recorder
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.tasks.task import Array, Task
from hitl_clic.types.messages import ChunkPair, LearnerStatus, LinkStatus
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, SnapshotRecord, SwapRecord, TickRecord
from hitl_clic.types.scene import ActionFrame, Scene, Shape

MS = 1_000_000


class Swirl(Task):
    """A point drawn round by a nonlinear map, so that a small error grows and never goes away."""

    action_frame = ActionFrame(axes=("x", "y"), scale=(1.0, 1.0), unit=("px", "px"))
    control_hz = 10.0
    max_steps = 12

    def __init__(self, drift: float = 0.0, forgets: bool = False) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._drift = drift
        self._forgets = forgets
        self._state = np.zeros(2)
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = self.np_random.uniform(-1, 1, 2)
        self._steps = 0
        return self.observe(), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        x, y = self._state
        self._state = np.array([np.sin(3 * y + x) + action[0], np.cos(2 * x - y) + action[1] + self._drift])
        self._steps += 1
        success = bool(self._steps > 3 and np.linalg.norm(self._state) < 0.2)
        return self.observe(), float(-self._state @ self._state), success, self._steps >= 12, {"success": success}

    def observe(self) -> Array:
        return np.array([*self._state, self._steps], dtype=np.float32)

    def snapshot(self) -> bytes:
        state = np.round(self._state, 3) if self._forgets else self._state
        return b"swirl" + struct.pack("<2di", *state, self._steps)

    def restore(self, snapshot: bytes) -> Array:
        if not snapshot.startswith(b"swirl"):
            raise ValueError("not a snapshot of Swirl")
        x, y, self._steps = struct.unpack("<2di", snapshot[5:])
        self._state = np.array([x, y])
        return self.observe()

    def scene(self) -> Scene:
        hand = (float(self._state[0]), float(self._state[1]))
        return Scene(size=(4.0, 4.0), shapes=(Shape("robot", (hand,), 0.1),), hand=hand, step=1.0)


def settings_record() -> SettingsRecord:
    return SettingsRecord(
        started_ns=0,
        task="swirl",
        method="clic",
        device="oracle",
        horizon=4,
        execute=2,
        seed=7,
        tick_hz=10.0,
        values={"loop": {"rate_hz": 10.0}, "limit": float("inf")},
    )


def session_records(task: Task, episodes: int = 3, snapshot_every: int = 5, longest: int = 40) -> Iterator[Any]:
    """What an actor would record of random driving; one tick takes 100 ms, a plan 5 ms."""
    rng = np.random.default_rng(1)
    dim_a = int(np.prod(task.action_space.shape or (0,)))
    yield settings_record()
    tick, pair, plan_tick = 0, 0, -1
    for episode in range(episodes):
        observation, _ = task.reset(seed=100 + episode)
        step, ended, success = 0, False, False
        while not ended and step < longest:
            now = (tick + 1) * 100 * MS
            if step % snapshot_every == 0:
                yield SnapshotRecord(tick, episode, step, now, task.snapshot(), 100 + episode)
            if step % 2 == 0:
                chunk = rng.uniform(-1, 1, (4, dim_a)).astype(np.float32)
                yield Plan(tick, chunk, -1.5, tick // 10, tick - 3, now, now + 5 * MS)
                plan_tick = tick
            action = rng.uniform(-1, 1, dim_a).astype(np.float32)
            human = action if step % 3 == 0 else None
            before = observation
            observation, reward, terminated, truncated, info = task.step(action)
            success = bool(info["success"])
            yield TickRecord(
                tick=tick,
                episode=episode,
                step=step,
                time_ns=now,
                observation=before,
                state="correcting" if human is not None else "autonomous",
                correction_mode="absolute",
                robot_action=-action,
                human_action=human,
                executed=action,
                taught=np.full(dim_a, float(human is not None), dtype=np.float32),
                plan_tick=plan_tick,
                step_in_chunk=step % 2,
                weight_version=tick // 10,
                device_age_ns=3 * MS,
                connected=True,
                lateness_ns=1000 * (tick % 7),
                work_ns=2 * MS,
                overrun=tick % 20 == 19,
                sections_ns={"observe": 500, "step": 1000},
                reward=float(reward),
                success=success,
                terminated=bool(terminated),
                truncated=bool(truncated),
            )
            if human is not None:
                ones = np.ones((4, dim_a), dtype=np.float32)
                yield ChunkPair(pair, episode, tick, "absolute", before, chunk, -chunk, ones, 0, 3 * MS, now + MS)
                pair += 1
            if tick % 10 == 9:
                yield SwapRecord(tick, now, tick // 10 + 1, tick // 10, tick * 4, pair - 1)
                learner = LearnerStatus(tick * 4, 15.0 + tick, pair, pair, 1, 0, tick // 10 + 1, {"clic": 0.25})
                yield LinkStatus("connected", "", 0.1, pair, pair, 0, 0, learner)
            tick += 1
            step += 1
            ended = bool(terminated or truncated)
        error = float("nan") if episode == 0 else 0.1 * episode
        yield EpisodeRecord(episode, 100 + episode, success, step, 1 / 3, error, tick * 100 * MS + 50 * MS, tick // 10)
        yield EventRecord(tick, tick * 100 * MS + 60 * MS, "reset", {"by": "key", "score": float("nan"), "lap": 2})


def write(path: Path, records: Iterator[Any], change: Callable[[Any], Any] = lambda record: record) -> Path:
    """Record everything into a file through the real recorder; `change` may alter a record or return None."""
    recorder = Recorder(path, RecordingSettings(flush_s=0.05))
    recorder.start()
    for record in records:
        changed = change(record)
        if changed is not None:
            recorder.put(changed)
    recorder.close()
    assert recorder.error is None
    assert recorder.dropped == 0
    return path
