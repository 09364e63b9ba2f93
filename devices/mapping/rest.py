"""Offsets of a device at rest, learnt while nobody pushes it. Pure; called by one reader thread.

A worn cap or stick does not return to zero, and its rest moves with temperature and age. Each full second without a
push moves the offset of a raw axis towards its mean in that second, by at most `STEP`. A second counts only if the
reading hardly changed, since a hand that rests on the cap moves it. Nothing is learnt during a push, nor right after.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from hitl_clic.devices.hardware.pulse_stretch import Raw
from hitl_clic.devices.mapping.push import Phase
from hitl_clic.devices.mapping.shaping import centred

BLOCK_NS = 1_000_000_000
"""Readings are judged in blocks of this length, nanoseconds."""
PAUSE_NS = 500_000_000
"""Time after a push in which nothing is learnt: a released cap still swings."""
STEP = 0.02
"""Largest change of an offset per block, share of full."""
STEADY = 0.02
"""Largest difference between two readings of a block at rest, share of full."""
MOVING = 0.04
"""An offset that moves further than this within `HISTORY` blocks drifts."""
HISTORY = 60
STILL_BLOCKS = 3
"""So many blocks of a push without any change are more likely an offset than a hand."""
FURTHEST_REST = 0.4
"""Largest offset of a released stick, share of full."""


class _Block:
    """Lowest, highest and mean reading of one axis in a block."""

    __slots__ = ("count", "high", "low", "total")

    def __init__(self) -> None:
        self.low, self.high, self.total, self.count = 1.0, -1.0, 0.0, 0

    def add(self, value: float) -> None:
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.total += value
        self.count += 1

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def steady(self) -> bool:
        return self.high - self.low <= STEADY


class RestOffsets:
    """The offsets of one device.

    Args:
        limit: largest offset that is learnt, share of full; 0: none.
        zeros: by raw axis, the calibrated reading at rest, from which the offset is counted.

    Attributes:
        offsets: by raw axis, what is subtracted; 0 where nothing was learnt.
    """

    def __init__(self, limit: float, zeros: Mapping[str, float]) -> None:
        self._limit, self._zeros = limit, zeros
        self.reset()

    def reset(self) -> None:
        """Forget everything, because the device is gone: it may find another zero when it is plugged in."""
        self.offsets: Mapping[str, float] = {}
        self._history: dict[str, deque[float]] = {}
        self._far: dict[str, float] = {}
        self._still = 0
        self._pushed_ns: int | None = None
        self._begun_ns = 0
        self._phase: Phase = "rest"
        self._blocks: dict[str, _Block] = {}

    def tune(self, limit: float, zeros: Mapping[str, float]) -> None:
        """Use another limit and other calibrated offsets; what was learnt is forgotten if these changed."""
        if (limit, zeros) != (self._limit, self._zeros):
            self._limit, self._zeros = limit, zeros
            self.reset()

    def apply(self, raw: Raw) -> Raw:
        """The readings without their offsets; full deflection stays 1."""
        if not self.offsets:
            return raw
        return {name: centred(value, self.offsets.get(name, 0.0)) for name, value in raw.items()}

    def learn(self, raw: Raw, phase: Phase, now_ns: int) -> None:
        """Note one reading, before offsets are subtracted, and whether the device is pushed."""
        if self._limit <= 0:
            return
        if phase != "rest":
            self._pushed_ns = now_ns
        elif self._pushed_ns is not None and now_ns - self._pushed_ns < PAUSE_NS:
            return
        if not self._blocks or phase != self._phase:
            self._begin(now_ns, phase)
        for name, zero in self._zeros.items():
            self._blocks.setdefault(name, _Block()).add(raw.get(name, 0.0) - zero)
        if now_ns - self._begun_ns >= BLOCK_NS:
            self._end()
            self._blocks = {}

    def drift(self) -> str:
        """What is wrong with the rest of this device, as a sentence; empty if nothing."""
        near = {name: offset for name, offset in self.offsets.items() if abs(offset) >= 0.8 * self._limit} | self._far
        if near:
            return f"rests far off zero ({_words(near)}); calibrate it"
        moving = {name: past[-1] - past[0] for name, past in self._history.items() if max(past) - min(past) > MOVING}
        if moving:
            return f"drifts: its rest moved within a minute ({_words(moving)})"
        if self._still >= STILL_BLOCKS:
            return "reads the same all the time; if your hand is off it, calibrate it"
        return ""

    def _begin(self, now_ns: int, phase: Phase) -> None:
        self._begun_ns, self._phase, self._blocks = now_ns, phase, {}
        self._still = self._still if phase == "pushed" else 0

    def _end(self) -> None:
        if self._phase != "rest":
            small = all(block.steady and abs(block.mean) < FURTHEST_REST for block in self._blocks.values())
            self._still = self._still + 1 if small else 0
            return
        for name, block in self._blocks.items():
            self._far.pop(name, None)
            if not block.steady:
                continue
            if abs(block.mean) > self._limit:
                if abs(block.mean) < FURTHEST_REST:
                    self._far[name] = block.mean
                continue
            before = self.offsets.get(name, 0.0)
            away = block.mean - before
            # replaced, not changed: another thread may show it
            self.offsets = {**self.offsets, name: before + max(-STEP, min(STEP, away))}
            if abs(away) <= STEP:  # it has caught up, so from now on its changes are the device's
                self._history.setdefault(name, deque(maxlen=HISTORY)).append(self.offsets[name])


def _words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:+.2f}" for name, value in values.items())
