"""Devices of others: a `Device` class, or a generator that yields motions. Made on the actor's main thread.

A generator runs in the reader thread. It yields the newest input often, at least every 50 ms, and never waits longer.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.types.errors import UserError
from hitl_clic.types.named_object import in_words, load_object

Yielded = DeviceSample | Sequence[float] | tuple[Sequence[float], bool] | None
"""A sample; a motion, which engages unless it is zero; a motion and whether it engages; or None: nothing new."""


class GeneratorDevice(Device):
    """A generator as a device.

    Args:
        name: for display. start: makes the generator, see `Yielded`. axes: names of the motion's numbers.
    """

    def __init__(self, name: str, start: Callable[[], Iterator[Yielded]], axes: tuple[str, ...]) -> None:
        super().__init__(rate_hz=100.0)
        self.name, self.axes = name, axes
        self._start = start
        self._samples: Iterator[Yielded] | None = None
        self._newest = self.idle()

    def read(self, timeout_s: float) -> DeviceSample:
        """The newest sample; one that ends counts as a lost device."""
        if self._samples is None:
            self._samples = self._start()
        try:
            given = next(self._samples)
        except StopIteration:
            self.trouble = "the generator has ended"
            time.sleep(timeout_s)
            return self.lost()
        if given is not None:
            self._newest = self._sample(given)
        return self._newest

    def _sample(self, given: DeviceSample | Sequence[Any]) -> DeviceSample:
        if isinstance(given, DeviceSample):
            return given
        motion, engage = given if len(given) == 2 and isinstance(given[0], Sequence) else (given, None)
        numbers = tuple(max(-1.0, min(1.0, float(number))) for number in motion)
        if len(numbers) != len(self.axes):
            raise ValueError(f"it yielded {len(numbers)} numbers for the axes {' '.join(self.axes)}")
        return DeviceSample(time.perf_counter_ns(), numbers, any(numbers) if engage is None else bool(engage))


def make_foreign_device(path: str, options: Mapping[str, Any], axes: Sequence[str]) -> Device:
    """The device that "module:name" names.

    Args:
        path: of a `Device` class, of a function that returns one, or of a generator function, whose attribute `axes`
            names its axes. options: its arguments. axes: of the task; given to a device that takes an argument axes.

    Raises:
        UserError: it cannot be imported or made, or is no device.
    """
    make = load_object(path, "device")
    if not callable(make):
        raise UserError(f"device = {path} is not allowed; allowed: a class of Device, or a generator function")
    given = dict(options)
    if inspect.isgeneratorfunction(make):
        named = tuple(getattr(make, "axes", axes))
        return GeneratorDevice(path.rpartition(":")[2], lambda: make(**given), named)
    try:
        if "axes" in inspect.signature(make).parameters:
            given.setdefault("axes", tuple(axes))
        made = make(**given)
    except UserError:
        raise
    except Exception as problem:  # another's class may raise anything
        raise UserError(f"device = {path} cannot be made: {in_words(problem)}") from problem
    if not isinstance(made, Device):
        raise UserError(f"device = {path} made a {type(made).__name__}; allowed: a hitl_clic Device")
    return made
