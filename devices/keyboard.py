"""The keyboard, as the window hears it: held keys are deflections. Read by its own thread; never imports pygame."""

from __future__ import annotations

from collections.abc import Mapping

from devices.window import WindowDevice


class KeyboardDevice(WindowDevice):
    """Each bound key is full deflection of its raw axis; opposite keys cancel. Arguments: see `WindowDevice`."""

    name = "keyboard"

    def raw(self, now_ns: int) -> Mapping[str, float]:
        """Deflection -1, 0 or 1 per bound raw axis."""
        pushed = {target for key, target in self._profile.keys.items() if self._keys.active(key, now_ns)}
        axes = {target[1:] for target in pushed}
        return {axis: float((f"+{axis}" in pushed) - (f"-{axis}" in pushed)) for axis in axes}
