"""The set of keys or buttons that are held. Pure; called by one reader thread."""

from __future__ import annotations

from collections.abc import Collection


class HeldControls:
    """Held controls by name. A press shorter than `tap_hold_ns` counts as held that long, so that no tick misses it."""

    def __init__(self, tap_hold_ns: int) -> None:
        self._tap_hold_ns = tap_hold_ns
        self.speed = 1.0
        """Share of the loop's rate: in slow motion a tick is longer, and so is the least length of a press."""
        self._until: dict[str, int] = {}
        """Earliest end of each recent press, nanoseconds."""
        self._down: set[str] = set()

    def press(self, name: str, now_ns: int) -> bool:
        """Record a press.

        Args:
            now_ns: the reader's time, not the event's, so that an event that waited in a queue has its full length.

        Returns:
            False if the control was already down (key repeat).
        """
        if name in self._down:
            return False
        self._down.add(name)
        self._until[name] = now_ns + round(self._tap_hold_ns / self.speed)
        return True

    def release(self, name: str) -> None:
        """Record a release."""
        self._down.discard(name)

    def clear(self, keep_taps_of: Collection[str] = ()) -> None:
        """Release all controls. Recent presses of the named ones stay: an emergency stop must not be lost."""
        self._down.clear()
        self._until = {name: until for name, until in self._until.items() if name in keep_taps_of}

    def active(self, name: str, now_ns: int) -> bool:
        """Whether the control is down or was pressed less than `tap_hold_ns` ago."""
        return name in self._down or now_ns < self._until.get(name, 0)

    def names(self, now_ns: int) -> tuple[str, ...]:
        """All active controls, sorted."""
        return tuple(sorted(name for name in {*self._down, *self._until} if self.active(name, now_ns)))

    def any(self, names: Collection[str], now_ns: int) -> bool:
        """Whether one of the controls is active."""
        return any(self.active(name, now_ns) for name in names)


class StruckControls(HeldControls):
    """Controls that report no release, as the keys of a terminal. A press counts for a time; a repetition renews it.

    Args:
        press_ns: length of a press. repeat_ns: length of each repetition.
        tap_hold_ns: least length of a press, so that no tick misses it.
    """

    def __init__(self, press_ns: int, repeat_ns: int, tap_hold_ns: int) -> None:
        super().__init__(tap_hold_ns)
        self._press_ns, self._repeat_ns = press_ns, repeat_ns

    def press(self, name: str, now_ns: int) -> bool:
        """Record a press, or a repetition while the last press counts. Returns False for a repetition."""
        if self.active(name, now_ns):
            self._until[name] = max(self._until[name], now_ns + self._repeat_ns)
            return False
        self._until[name] = now_ns + max(self._press_ns, round(self._tap_hold_ns / self.speed))
        return True
