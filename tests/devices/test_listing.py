"""The device list: what is usable and what is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from hitl_clic.devices.registry import list_devices


def reports() -> dict[str, tuple[bool, str]]:
    return {report.name: (report.usable, report.sentence) for report in list_devices()}


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return monkeypatch


def test_without_a_display_keyboard_and_mouse_are_not_ready(linux: pytest.MonkeyPatch) -> None:
    found = reports()
    assert found["oracle"][0]
    assert not found["keyboard"][0]
    assert not found["mouse"][0]
    assert "DISPLAY" in found["keyboard"][1]


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_display_keyboard_and_mouse_are_ready(linux: pytest.MonkeyPatch, variable: str) -> None:
    pytest.importorskip("pygame")
    linux.setenv(variable, ":0")
    found = reports()
    assert found["keyboard"][0]
    assert found["mouse"][0]


def test_spacemouse_names_its_extra_when_the_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("hid", "hidraw", "pyspacemouse"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "hitl-clic[spacemouse]" in reports()["spacemouse"][1]


def test_spacemouse_is_found_by_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = [{"vendor_id": 0x1234, "product_id": 1, "path": b"1-1"}]
    for name in ("hid", "hidraw"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(enumerate=lambda: connected))
    usable, sentence = reports()["spacemouse"]
    assert not usable
    assert "None is connected" in sentence
    connected.append({"vendor_id": 0x256F, "product_id": 0xC635, "path": b"1-2"})
    usable, sentence = reports()["spacemouse"]
    assert usable
    assert "SpaceMouse Compact (1-2) is connected" in sentence
    connected[1]["path"] = b"/dev/there-is-no-such-hidraw"
    usable, sentence = reports()["spacemouse"]
    assert not usable
    assert "SpaceMouse Compact is connected but cannot be opened" in sentence
    assert "udev" in sentence
