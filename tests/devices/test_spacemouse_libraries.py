"""hidapi and pyspacemouse: what their absence says, and that our table and decoder agree with pyspacemouse."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
from fake_hid import RECEIVER, moved, pressed

from hitl_clic.devices.hardware import spacemouse as module
from hitl_clic.devices.hardware.spacemouse import HidTransport, interfaces
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import Reports


def test_without_hidapi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hid", None)
    monkeypatch.setitem(sys.modules, "hidraw", None)
    with pytest.raises(OSError, match="spacemouse"):
        module.hid_module()


def test_the_real_hidapi_reports_that_none_is_connected() -> None:
    pytest.importorskip("hid", reason="needs the extra spacemouse")
    if interfaces(module.hid_module().enumerate()):
        pytest.skip("a SpaceMouse is connected")
    with pytest.raises(OSError, match="no SpaceMouse is connected"):
        HidTransport().open()


@pytest.fixture
def theirs() -> Any:
    """pyspacemouse, if it is installed and can be imported."""
    pytest.importorskip("pyspacemouse", reason="needs the extra spacemouse", exc_type=ImportError)
    return importlib.import_module("pyspacemouse")


def test_the_models_are_those_of_pyspacemouse(theirs: Any) -> None:
    specs = {spec.hid_id: spec for spec in theirs.get_device_specs().values()}
    assert MODELS.keys() - specs.keys() == {(0x256F, product) for product in (0xC62F, 0xC631, 0xC636)}, "added here"
    assert specs.keys() <= MODELS.keys()
    for ids, spec in specs.items():
        model = MODELS[ids]
        assert spec.axis_scale == 350.0
        assert model.combined == (spec.mappings["yaw"].channel == 1), model.name
        if not spec.button_specs:
            continue  # its list names no button; the table has the two that every model has
        their_bits = sorted((button.byte, button.bit) for button in spec.button_specs)
        assert sorted(model.buttons.values()) == their_bits, model.name
        names = {
            name.lower().replace("btn_", "").replace("_", " ").replace("iso1", "iso 1") for name in spec.button_names
        }
        renamed = {"menu": "left", "fit": "right"} if model is RECEIVER else {}
        assert set(model.buttons) == {renamed.get(name, name) for name in names}, model.name


THEIR_MODELS = [model for ids, model in MODELS.items() if ids[1] not in (0xC62F, 0xC631, 0xC636, 0xC641)]


@pytest.mark.parametrize("model", THEIR_MODELS, ids=lambda model: model.name)
def test_both_sources_give_the_same_readings(theirs: Any, model: Model) -> None:
    from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource

    ids = next(ids for ids, one in MODELS.items() if one is model)
    spec = next(spec for spec in theirs.get_device_specs().values() if spec.hid_id == ids)
    hid = FakeEasyHid()
    mouse = theirs.SpaceMouseDevice(info=theirs.apply_axis_convention(spec, "hid_z_up"), device=hid)
    source = PySpaceMouseSource(opens=lambda: mouse)
    source.open()
    reports = [*moved(model, 350, 175, -500, 70, -35, 7), pressed(model, *list(model.buttons)[:1])]
    assert not source.read(0.01).alive, "it has said nothing yet"
    hid.reports = [bytes([1]) + bytes(12), *reports]
    ours = Reports(model)
    changes = [change for report in reports for change in ours.feed(report)]
    reading = source.read(0.01)
    assert hid.reports == [], "drained"
    assert reading.axes == pytest.approx(ours.axes)
    assert list(reading.changes) == changes
    hid.gone = True
    with pytest.raises(OSError, match="unplugged"):
        source.read(0.01)


class FakeEasyHid:
    """The reader below pyspacemouse: a zero-padded buffer, one report per call."""

    product_string = manufacturer_string = serial_number = ""
    release_number = 0

    def __init__(self) -> None:
        self.reports: list[bytes] = []
        self.gone = False

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, size: int) -> bytearray:
        if self.gone:
            raise importlib.import_module("easyhid").HIDException("Failed to read from HID device: -1")
        return bytearray(self.reports.pop(0)[:size].ljust(size, b"\0")) if self.reports else bytearray()


def test_without_its_library_the_error_names_what_to_install(theirs: Any) -> None:
    from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource

    with pytest.raises(OSError, match="libhidapi-hidraw0"):
        PySpaceMouseSource().open()
