"""The listing says honestly what can be used and what is missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from devices.listing import list_devices


def reports() -> dict[str, tuple[bool, str]]:
    return {report.name: (report.usable, report.sentence) for report in list_devices()}


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return monkeypatch


def test_without_a_display_only_the_oracle_is_ready(linux: pytest.MonkeyPatch) -> None:
    found = reports()
    assert [name for name, (usable, _) in found.items() if usable] == ["oracle"]
    assert "DISPLAY" in found["keyboard"][1]


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_display_keyboard_and_mouse_are_ready(linux: pytest.MonkeyPatch, variable: str) -> None:
    pytest.importorskip("pygame")
    linux.setenv(variable, ":0")
    found = reports()
    assert found["keyboard"][0]
    assert found["mouse"][0]


def test_spacemouse_names_its_extra_when_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hid", None)
    assert "hitl-clic[spacemouse]" in reports()["spacemouse"][1]


def test_spacemouse_is_found_by_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = [{"vendor_id": 0x1234, "product_id": 1}]
    monkeypatch.setitem(sys.modules, "hid", SimpleNamespace(enumerate=lambda: connected))
    assert reports()["spacemouse"] == (False, "None is connected.")
    connected.append({"vendor_id": 0x256F, "product_id": 0xC635})
    assert "SpaceMouse Compact is connected" in reports()["spacemouse"][1]
