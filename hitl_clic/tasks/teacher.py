"""The Teacher contract: what a scripted expert would do here. Pure: never touches the environment."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from hitl_clic.tasks.task import Array


class Teacher(ABC):
    """A scripted expert for one task.

    Deterministic: the same observation and phase give the same action. Fast enough for a tick (p99 20 ms).
    """

    @abstractmethod
    def reset(self) -> None:
        """Forget the episode: phase back to its beginning."""

    @abstractmethod
    def action(self, observation: Array) -> Array:
        """The action a*(s) in [-1, 1]^dim_a the teacher would take; advances its phase.

        Must answer any observation a person can bring about.
        """

    @abstractmethod
    def snapshot(self) -> bytes:
        """The phase, exactly."""

    @abstractmethod
    def restore(self, snapshot: bytes) -> None:
        """Return to a phase. Raises ValueError when the bytes are not this teacher's."""


class MemorylessTeacher(Teacher):
    """A teacher whose action is a function of the observation alone: its snapshot is only its name."""

    name: str
    """Identifies the teacher and its version in snapshots."""

    def reset(self) -> None:
        """Nothing to forget."""

    def snapshot(self) -> bytes:
        return self.name.encode()

    def restore(self, snapshot: bytes) -> None:
        if snapshot != self.name.encode():
            raise ValueError(f"not a snapshot of {self.name}: {snapshot[:40]!r}")


def clip_action(action: np.ndarray) -> Array:
    """Scale an action into [-1, 1]^n by its largest entry, which keeps its direction; float32."""
    largest = float(np.max(np.abs(action), initial=0.0))
    return np.asarray(action / max(1.0, largest), dtype=np.float32)
