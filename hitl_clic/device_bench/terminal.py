"""The device bench in the terminal: live table, summary and JSON report. Main thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hitl_clic.cockpit.drawing.palette import BAD, HUMAN, STOPPED, TEXT, TEXT_SOFT, web
from hitl_clic.device_bench.meter import shaped_deflections
from hitl_clic.device_bench.trial import Trial, hardware_facts, live_figures, rate_text, state, trouble
from hitl_clic.devices.core.axes import base
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.shaping import Profile

_COLORS = {"away": BAD, "stop": STOPPED, "drives": HUMAN, "rest": TEXT_SOFT}


def picture(trial: Trial, sample: DeviceSample) -> RenderableType:
    """The live display: one row per axis, then state, figures and tuning keys."""
    device, profile, inputs = trial.device, trial.profile, trial.device.inputs
    shaped_values = shaped_deflections(inputs.raw, profile) if profile is not None else {}
    table = Table(
        "axis", "source", "raw", "shaped", "scaled", "", title=f"{device.name} · {device.status_text()}".rstrip(" ·")
    )
    for axis, value in zip(device.axes, sample.motion, strict=True):
        name = base(axis)
        source = profile.source(name) if profile is not None and name in profile.axes else ""
        raw = f"{inputs.raw[source]:+.3f}" if source in inputs.raw else ""
        middle = f"{shaped_values[name]:+.3f}" if name in shaped_values else ""
        chosen = trial.tuning is not None and name == trial.tuning.axis
        table.add_row(axis, source, raw, middle, f"{value:+.3f}", _bar(value), style="bold" if chosen else "")
    now, sentence = state(device, sample)
    lines = [Text(sentence, web(_COLORS[now])), Text(f"down: {', '.join(inputs.held) or 'nothing'}")]
    lines += [Text(f"{name}: {value}") for name, value in live_figures(trial, sample)]
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
    """A deflection as a bar to the left or right."""
    length = round(min(1.0, abs(value)) * half)
    left, right = ("█" * length).rjust(half) if value < 0 else " " * half, "█" * length if value > 0 else ""
    return Text(f"{left}│{right.ljust(half)}", web(HUMAN))


def print_summary(trial: Trial, last: DeviceSample, console: Console) -> None:
    """Print the result of the test in a few lines."""
    figures, device = trial.meter.figures(), trial.device
    if not last.connected:
        console.print(state(device, last)[1], markup=False)
    console.print(rate_text(figures), markup=False)
    for name, value in hardware_facts(trial).items():
        console.print(f"{name}: {value}", markup=False)
    pairs = zip(device.axes, trial.meter.motion, strict=True)
    moved = [f"{axis} {values.low:+.2f} to {values.high:+.2f}" for axis, values in pairs if values.low or values.high]
    console.print(
        f"moved: {', '.join(moved) or 'nothing'}; pressed: {', '.join(figures.pressed) or 'nothing'}", markup=False
    )
    if trial.calibrates and trial.profile is not None:
        console.print("\n".join(_rests(trial.profile)), markup=False)
    if trial.saved_to:
        console.print(f"saved {trial.saved_to}; use it with {trial.use}", markup=False)
    elif trial.changed:
        console.print("the changes are not saved; --save NAME saves them")


def _rests(profile: Profile) -> Iterator[str]:
    for axis, setting in profile.axes.items():
        deadzone = profile.deadzone if setting.deadzone is None else setting.deadzone
        yield f"{axis}: offset {setting.offset:+.4f}, deadzone {deadzone:.3f}"


def report(trial: Trial, last: DeviceSample) -> str:
    """The result of the test as one JSON object."""
    device, meter = trial.device, trial.meter
    pairs = zip(device.axes, meter.motion, strict=True)
    axes = {axis: {"low": values.low, "high": values.high} for axis, values in pairs}
    raw = {name: {"low": e.low, "high": e.high, "mean": e.total / e.count} for name, e in meter.raw.items()}
    result = {"device": device.name, "connected": last.connected, "trouble": trouble(device), **asdict(meter.figures())}
    profile = None if trial.profile is None else trial.profile.model_dump(exclude_defaults=True)
    return json.dumps(
        {
            **result,
            "facts": hardware_facts(trial),
            "axes": axes,
            "raw": raw,
            "saved": str(trial.saved_to or ""),
            "profile": profile,
        }
    )
