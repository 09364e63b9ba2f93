"""A newest-value slot between threads: one writer, any number of readers. Nothing here blocks.

Publishing replaces one reference, which is atomic in CPython, so no lock is needed.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """The newest published value and its serial number."""

    __slots__ = ("_entry",)

    def __init__(self) -> None:
        self._entry: tuple[int, T | None] = (0, None)

    def publish(self, value: T) -> None:
        """Replace the value (one writer thread per slot)."""
        self._entry = (self._entry[0] + 1, value)

    def latest(self) -> T | None:
        """The newest value; None before the first `publish`."""
        return self._entry[1]

    def entry(self) -> tuple[int, T | None]:
        """(serial number, newest value), read together."""
        return self._entry
