"""What a teacher could hold here, and what each device would need. Looks, opens nothing, prints nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from hitl_clic.devices.hardware.gamepad import connected_pads
from hitl_clic.devices.hardware.spacemouse import RIGHTS, hid_module, interfaces, missing
from hitl_clic.devices.hardware.spacemouse_models import MODELS


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
        _gamepad(),
    ]


def _window_needs(environment: Mapping[str, str], platform: str, has_pygame: bool) -> str:
    """What the window, from which keyboard and mouse are heard, lacks; empty if nothing."""
    if not has_pygame:
        return "Needs the package pygame, which belongs to the installation: run `pip install hitl-clic` again."
    if platform.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "Needs a window: set DISPLAY or WAYLAND_DISPLAY (for example through `xvfb-run`)."
    return ""


def _spacemouse() -> DeviceReport:
    if lacking := missing():
        return DeviceReport("spacemouse", False, lacking)
    try:
        found = interfaces(hid_module().enumerate())
    except OSError:
        found = []  # pyspacemouse alone is there, which tells only by opening one
    if not found:
        return DeviceReport("spacemouse", False, "None is connected; plug one in, also during a session.")
    if closed := [entry for entry in found if not _may_open(entry["path"])]:
        model = MODELS[closed[0]["vendor_id"], closed[0]["product_id"]]
        return DeviceReport("spacemouse", False, f"{model.name} {RIGHTS}")
    names = sorted({MODELS[entry["vendor_id"], entry["product_id"]].name for entry in found})
    return DeviceReport("spacemouse", True, f"Ready: {', '.join(names)} is connected; push the cap to move.")


def _may_open(path: bytes) -> bool:
    """Whether the system's file of a device may be read and written; where devices are no files, opening tells."""
    return not path.startswith(b"/dev/") or os.access(path, os.R_OK | os.W_OK)


def _gamepad() -> DeviceReport:
    try:
        names = connected_pads()
    except OSError as error:
        return DeviceReport("gamepad", False, str(error))
    if not names:
        return DeviceReport("gamepad", False, "None is connected; plug one in, also during a session.")
    return DeviceReport("gamepad", True, f"Ready: {', '.join(names)}; hold the right shoulder to drive.")
