"""The keyboard, from window events: held keys are deflections. Runs in its reader thread; never imports pygame."""

from __future__ import annotations

from hitl_clic.devices.hardware.window import WindowDevice


class KeyboardDevice(WindowDevice):
    """The keys that the profile binds. Arguments: see `WindowDevice`."""

    name = "keyboard"
