"""The device bench in the window: the state of its page. Runs in the window link's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hitl_clic.cockpit.state.bench_state import BenchAxis, BenchView
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.key_reading import Labels
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.device_bench.meter import shaped_deflections
from hitl_clic.device_bench.trial import Trial, live_figures, state
from hitl_clic.devices.core.axes import base
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.shaping import Profile, shape
from hitl_clic.types.scene import Scene

STEPS = 80
"""Number of intervals of a response curve."""
_EMPTY_SCENE = Scene(size=(1.0, 1.0), shapes=(), hand=(0.5, 0.5), step=0.1)


class BenchFeed:
    """Makes the page of a trial. Called on one thread; caches the curves until the profile changes."""

    def __init__(self, trial: Trial, key_labels: Callable[[], Labels] = tuple) -> None:
        self._trial, self._key_labels = trial, key_labels
        self._profile: Profile | None = None
        self._curves: dict[str, tuple[float, ...]] = {}

    def state(self) -> CockpitState:
        """The present page."""
        trial = self._trial
        device, profile, sample = trial.device, trial.profile, trial.device.latest()
        if profile is not self._profile and profile is not None:
            self._profile, self._curves = profile, {name: _curve(profile, name) for name in profile.axes}
        now, sentence = state(device, sample)
        note = device.status_text()
        view = BenchView(
            device=trial.label,
            state=now,
            sentence=f"{sentence} · {note}" if note and sample.connected else sentence,
            axes=self._axes(sample.motion, profile),
            profile="" if profile is None else profile.name,
            chosen="" if trial.tuning is None else trial.tuning.axis,
            knobs=trial.knobs(),
            keys=(*trial.hints(dict(self._key_labels())), ("F12", "picture"), ("F10", "end")),
            fixed=trial.fixed,
            facts=live_figures(trial, sample),
            down=device.inputs.held,
            message=trial.message,
        )
        return CockpitState(task="", scene=_EMPTY_SCENE, bench=view)

    def _axes(self, motion: Sequence[float], profile: Profile | None) -> tuple[BenchAxis, ...]:
        """One row per base axis, since only one of two arms is controlled."""
        raw = self._trial.device.inputs.raw
        shaped_values = {} if profile is None else shaped_deflections(raw, profile)
        moved: dict[str, float] = {}
        for axis, value in zip(self._trial.device.axes, motion, strict=True):
            moved[base(axis)] = max(value, moved.get(base(axis), 0.0), key=abs)
        axes = []
        for name, value in moved.items():
            if profile is None or name not in profile.axes:
                axes.append(BenchAxis(name, value))
                continue
            source, gain = profile.source(name), profile.axes[name].scale
            # a missing raw axis is at rest
            at = max(-1.0, min(1.0, shaped_values[name] * gain))
            axes.append(BenchAxis(name, value, source, raw.get(source, 0.0), at, self._curves[name]))
        return tuple(axes)


def _curve(profile: Profile, name: str) -> tuple[float, ...]:
    source = profile.source(name)
    return tuple(shape({source: 2.0 * step / STEPS - 1.0}, profile, (name,))[0] for step in range(STEPS + 1))


def open_window(settings: WindowSettings, trial: Trial, feeds: Sequence[EventFeed]) -> WindowLink:
    """Open the window on a trial, with its events to the feeds.

    Raises:
        WindowError: the window could not open.
    """
    window = WindowLink(settings, keys=trial.key_use())
    for feed in feeds:
        window.add_feed(feed)
    show: Callable[[], CockpitState] = BenchFeed(trial, lambda: window.key_labels).state
    window.show(show)
    window.start()
    return window
