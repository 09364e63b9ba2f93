"""The Teacher contract: a scripted expert for one task. Pure: never touches the environment."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hitl_clic.tasks.task import Array


class Teacher(ABC):
    """A scripted expert.

    Deterministic: equal observation and phase give equal actions. `action` takes at most 20 ms (99th percentile).
    """

    @abstractmethod
    def reset(self) -> None:
        """Return to the first phase, at the start of an episode."""

    @abstractmethod
    def action(self, observation: Array) -> Array:
        """The expert action a*(s), float32 [dim_a] in [-1, 1], for any observation; advances the phase."""

    @abstractmethod
    def snapshot(self) -> bytes:
        """The exact phase."""

    @abstractmethod
    def restore(self, snapshot: bytes) -> None:
        """Return to a phase. Raises ValueError if the bytes are not a phase of this teacher."""


class MemorylessTeacher(Teacher):
    """A teacher without a phase: the action depends on the observation alone."""

    name: str
    """Name and version, used as the snapshot."""

    def reset(self) -> None:
        """Do nothing: there is no phase."""

    def snapshot(self) -> bytes:
        return self.name.encode()

    def restore(self, snapshot: bytes) -> None:
        if snapshot != self.name.encode():
            raise ValueError(f"not a snapshot of {self.name}: {snapshot[:40]!r}")
