"""The keyboard, as the window hears it: held keys are deflections. Read by its own thread; never imports pygame."""

from __future__ import annotations

from hitl_clic.devices.hardware.window import WindowDevice


class KeyboardDevice(WindowDevice):
    """Nothing but the keys that its profile binds. Arguments: see `WindowDevice`."""

    name = "keyboard"
