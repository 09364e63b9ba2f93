"""Which keys or buttons are held. Pure bookkeeping for one reader thread; time is handed in."""

from __future__ import annotations

from collections.abc import Collection


class Held:
    """Held controls by name. A tap shorter than `tap_hold_ns` counts as held for that long, so no tick misses it."""

    def __init__(self, tap_hold_ns: int) -> None:
        self._tap_hold_ns = tap_hold_ns
        self._until: dict[str, int] = {}
        """End of the least hold of each recent press, nanoseconds."""
        self._down: set[str] = set()

    def press(self, name: str, now_ns: int) -> bool:
        """A control went down, seen at `now_ns` (the reader's time: a press that waited in a queue still counts).

        Returns:
            whether it was up before: a key that repeats is one press.
        """
        if name in self._down:
            return False
        self._down.add(name)
        self._until[name] = now_ns + self._tap_hold_ns
        return True

    def release(self, name: str) -> None:
        """A control came up."""
        self._down.discard(name)

    def clear(self, keep_taps_of: Collection[str] = ()) -> None:
        """Forget everything, but not the short presses of the named controls (a stop once pressed must be heard)."""
        self._down.clear()
        self._until = {name: until for name, until in self._until.items() if name in keep_taps_of}

    def active(self, name: str, now_ns: int) -> bool:
        """Whether the control is held, or was tapped a moment ago."""
        return name in self._down or now_ns < self._until.get(name, 0)

    def names(self, now_ns: int) -> tuple[str, ...]:
        """All controls that are active, in the order of their names."""
        return tuple(sorted(name for name in {*self._down, *self._until} if self.active(name, now_ns)))

    def any(self, names: Collection[str], now_ns: int) -> bool:
        """Whether one of the controls is active."""
        return any(self.active(name, now_ns) for name in names)
