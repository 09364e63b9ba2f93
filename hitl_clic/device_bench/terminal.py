"""The device bench in the terminal: what it shows, the keys it hears, and the lines and the JSON it leaves.

Main thread, between two looks at the device.
"""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hitl_clic.cockpit.drawing.palette import BAD, HUMAN, STOPPED, TEXT, TEXT_SOFT, web
from hitl_clic.device_bench.meter import shaped
from hitl_clic.device_bench.trial import Trial, facts, rate, state, trouble
from hitl_clic.devices.core.axes import base
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.shaping import Profile

_NAMES: Mapping[str, str] = {"\t": "tab"}
"""Characters whose keys are called otherwise."""
_COLORS = {"away": BAD, "stop": STOPPED, "drives": HUMAN, "rest": TEXT_SOFT}


class Keys:
    """The terminal's keyboard, where it `hears`."""

    def __init__(self, hears: bool) -> None:
        self._hears = hears

    def read(self) -> list[str]:
        """Keys pressed since the last call, by the window's names for them. Never blocks."""
        pressed: list[str] = []
        while self._hears and select.select([sys.stdin], [], [], 0.0)[0]:
            # past Python's own buffer, in which keys would wait unseen
            characters = os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
            self._hears = bool(characters)
            pressed += [_NAMES.get(character, character.lower()) for character in characters]
        return pressed


@contextmanager
def typed() -> Iterator[Keys]:
    """Keys as they are pressed, not line by line; none where this is no terminal or the system has another kind."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: the window has the keys
        yield Keys(False)
        return
    if not sys.stdin.isatty():
        yield Keys(False)
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield Keys(True)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def picture(trial: Trial, sample: DeviceSample) -> RenderableType:
    """What the device does now: one row for each axis, then how it is, then what can be changed."""
    device, profile, inputs = trial.device, trial.profile, trial.device.inputs
    between = shaped(inputs.raw, profile) if profile is not None else {}
    table = Table(
        "axis", "read from", "raw", "shaped", "scaled", "", title=f"{device.name} · {device.status_text()}".rstrip(" ·")
    )
    for axis, value in zip(device.axes, sample.motion, strict=True):
        name = base(axis)
        source = profile.source(name) if profile is not None and name in profile.axes else ""
        raw = f"{inputs.raw[source]:+.3f}" if source in inputs.raw else ""
        middle = f"{between[name]:+.3f}" if name in between else ""
        chosen = trial.tuning is not None and name == trial.tuning.axis
        table.add_row(axis, source, raw, middle, f"{value:+.3f}", _bar(value), style="bold" if chosen else "")
    now, sentence = state(device, sample)
    lines = [Text(sentence, web(_COLORS[now])), Text(f"down: {', '.join(inputs.held) or 'nothing'}")]
    lines += [Text(f"{name}: {value}") for name, value in facts(trial, sample)]
    return Group(table, *lines, *_tuning(trial))


def _tuning(trial: Trial) -> Iterator[Text]:
    tuning = trial.tuning
    if tuning is None:
        yield Text(trial.fixed, web(TEXT_SOFT))
        return
    knobs = [f"{'/'.join(dict.fromkeys((knob.less, knob.more)))} {knob.name} {knob.value}" for knob in trial.knobs()]
    yield Text(f"axis {tuning.axis}: " + " · ".join(knobs), web(TEXT))
    yield Text(" · ".join(f"{key} {does}" for key, does in trial.hints()), web(TEXT_SOFT))
    if trial.message:
        yield Text(trial.message, web(HUMAN))


def _bar(value: float, half: int = 12) -> Text:
    """A deflection as a bar to the left or right of the middle."""
    length = round(min(1.0, abs(value)) * half)
    left, right = ("█" * length).rjust(half) if value < 0 else " " * half, "█" * length if value > 0 else ""
    return Text(f"{left}│{right.ljust(half)}", web(HUMAN))


def tell(trial: Trial, last: DeviceSample, console: Console) -> None:
    """The test in a few lines."""
    figures, device = trial.meter.figures(), trial.device
    if not last.connected:
        console.print(state(device, last)[1], markup=False)
    console.print(rate(figures), markup=False)
    pairs = zip(device.axes, trial.meter.motion, strict=True)
    moved = [f"{axis} {seen.low:+.2f} to {seen.high:+.2f}" for axis, seen in pairs if seen.low or seen.high]
    console.print(
        f"moved: {', '.join(moved) or 'nothing'}; pressed: {', '.join(figures.pressed) or 'nothing'}", markup=False
    )
    if trial.calibrates and trial.profile is not None:
        console.print("\n".join(_rests(trial.profile)), markup=False)
    if trial.kept:
        console.print(f"saved {trial.kept}; use it with {trial.use}", markup=False)
    elif trial.changed:
        console.print("nothing is kept; --save NAME keeps it")


def _rests(profile: Profile) -> Iterator[str]:
    for axis, setting in profile.axes.items():
        deadzone = profile.deadzone if setting.deadzone is None else setting.deadzone
        yield f"{axis}: offset {setting.offset:+.4f}, deadzone {deadzone:.3f}"


def report(trial: Trial, last: DeviceSample) -> str:
    """The test as one JSON object."""
    device, meter = trial.device, trial.meter
    pairs = zip(device.axes, meter.motion, strict=True)
    axes = {axis: {"low": seen.low, "high": seen.high} for axis, seen in pairs}
    raw = {name: {"low": e.low, "high": e.high, "mean": e.total / e.count} for name, e in meter.raw.items()}
    said = {"device": device.name, "connected": last.connected, "trouble": trouble(device), **asdict(meter.figures())}
    fitted = None if trial.profile is None else trial.profile.model_dump(exclude_defaults=True)
    return json.dumps({**said, "axes": axes, "raw": raw, "saved": str(trial.kept or ""), "profile": fitted})
