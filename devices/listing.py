"""What a teacher could hold here, and what each device would need. Looks, opens nothing, prints nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SPACEMICE: Mapping[tuple[int, int], str] = {
    (0x046D, 0xC625): "SpacePilot",
    (0x046D, 0xC626): "SpaceNavigator",
    (0x046D, 0xC627): "SpaceExplorer",
    (0x046D, 0xC62B): "SpaceMouse Pro",
    (0x256F, 0xC62E): "SpaceMouse Wireless",
    (0x256F, 0xC632): "SpaceMouse Pro Wireless",
    (0x256F, 0xC633): "SpaceMouse Enterprise",
    (0x256F, 0xC635): "SpaceMouse Compact",
    (0x256F, 0xC638): "SpaceMouse Pro Wireless",
    (0x256F, 0xC63A): "SpaceMouse Wireless",
    (0x256F, 0xC641): "SpaceMouse USB",
    (0x256F, 0xC652): "3Dconnexion Universal Receiver",
}
"""Names of the known 6-axis devices by (vendor id, product id)."""


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One line of the listing: whether the device can be used for teaching now, and a sentence why or what it needs."""

    name: str
    usable: bool
    sentence: str


def list_devices() -> list[DeviceReport]:
    """Every device this project knows of, usable or not."""
    missing = _window_needs(os.environ, sys.platform, importlib.util.find_spec("pygame") is not None)
    return [
        DeviceReport("oracle", True, "Ready: the scripted teacher needs no hardware and no window."),
        DeviceReport("keyboard", not missing, missing or "Ready: hold Space to drive, arrows or W A S D to move."),
        DeviceReport("mouse", not missing, missing or "Ready: drag in the scene with the left button."),
        _spacemouse(),
        DeviceReport("gamepad", False, "Not supported yet; use keyboard or mouse."),
    ]


def _window_needs(environment: Mapping[str, str], platform: str, has_pygame: bool) -> str:
    """What the window, from which keyboard and mouse are heard, lacks; empty if nothing."""
    if not has_pygame:
        return "Needs the package pygame, which belongs to the installation: run `pip install hitl-clic` again."
    if platform.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "Needs a window: set DISPLAY or WAYLAND_DISPLAY (for example through `xvfb-run`)."
    return ""


def _spacemouse() -> DeviceReport:
    try:
        import hid
    except ImportError:
        return DeviceReport("spacemouse", False, "Needs an extra: pip install 'hitl-clic[spacemouse]'.")
    return _spacemouse_among((entry["vendor_id"], entry["product_id"]) for entry in hid.enumerate())


def _spacemouse_among(ids: Iterable[tuple[int, int]]) -> DeviceReport:
    found = sorted({SPACEMICE[pair] for pair in ids if pair in SPACEMICE})
    if not found:
        return DeviceReport("spacemouse", False, "None is connected.")
    return DeviceReport("spacemouse", False, f"{', '.join(found)} is connected, but cannot be used for teaching yet.")
