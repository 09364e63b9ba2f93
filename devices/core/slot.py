"""The newest-wins slot in which threads meet.

Any thread may call any method; nothing here blocks, waits or allocates more than one reference.
Publishing replaces the reference in one bytecode, which CPython makes atomic, so no lock is needed.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds the newest published value and counts how many were published."""

    __slots__ = ("_entry",)

    def __init__(self) -> None:
        self._entry: tuple[int, T | None] = (0, None)

    def publish(self, value: T) -> None:
        """Replace whatever is held (one writer thread per slot)."""
        self._entry = (self._entry[0] + 1, value)

    def latest(self) -> T | None:
        """Newest value, or None before the first `publish`."""
        return self._entry[1]

    def entry(self) -> tuple[int, T | None]:
        """(serial number of the newest value, the value), read together."""
        return self._entry
