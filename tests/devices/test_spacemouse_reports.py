"""Reports of 3D mice through the real decoder: axes, buttons, and bytes that are not reports."""

from __future__ import annotations

import pytest
from fake_hid import COMPACT, REST, WIRELESS, moved, pressed, three

from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import Reports


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_reports_six_axes_and_its_buttons(model: Model) -> None:
    reports = Reports(model)
    for report in moved(model, 350, 175, -350, 70, -35, 7):
        reports.feed(report)
    assert tuple(reports.axes.values()) == pytest.approx((1.0, -0.5, 1.0, 0.2, 0.1, -0.02)), "z and y count down there"
    for name in model.buttons:
        assert reports.feed(pressed(model, name)) == ((name, True),)
        assert reports.feed(pressed(model)) == ((name, False),)
    for report in moved(model, *REST):
        reports.feed(report)
    assert not reports.deflected


def test_more_than_full_deflection_is_clipped() -> None:
    reports = Reports(WIRELESS)
    reports.feed(three(1, 500, -500, 32767, -32768, 351, -351))
    assert tuple(reports.axes.values()) == (1.0, 1.0, -1.0, -1.0, -1.0, 1.0)


def test_a_combined_model_may_send_short_reports_and_a_split_one_padded_ones() -> None:
    wireless, compact = Reports(WIRELESS), Reports(COMPACT)
    for reports in (wireless, compact):
        reports.feed(three(2, 0, 0, 350))
    wireless.feed(three(1, 350, 0, 0))
    compact.feed(three(1, 350, 0, 0) + bytes(57))
    for reports in (wireless, compact):
        assert (reports.axes["right"], reports.axes["about up"]) == (1.0, -1.0), "the turn stays as it was"


def test_truncated_and_unknown_reports_change_nothing() -> None:
    reports = Reports(COMPACT)
    reports.feed(three(1, 350, 0, 0))
    before = reports.axes
    for length in range(7):
        assert reports.feed(three(1, -350, 350, 350)[:length]) == ()
    for number in (0, 4, 23, 255):
        reports.feed(three(number, -350, 350, 350))
    assert reports.axes == before
    assert reports.malformed == 6
