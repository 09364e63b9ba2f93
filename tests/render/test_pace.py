"""The size of a robot's pictures gives way where the machine is too slow for it, and comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.render.pace import Pace


def drawn(pace: Pace, fixed_s: float, of_the_largest_s: float, highest: int, pictures: int = 400) -> list[int]:
    """Heights of pictures that each take a fixed time and one by their area."""
    heights = []
    for _ in range(pictures):
        heights.append(pace.height)
        pace.took(fixed_s + of_the_largest_s * (pace.height / highest) ** 2)
    return heights


@given(fixed_ms=st.floats(0.1, 80.0), area_ms=st.floats(0.1, 200.0), highest=st.integers(120, 1440))
def test_a_height_is_found_that_keeps_up_where_there_is_one(fixed_ms: float, area_ms: float, highest: int) -> None:
    allowed_s, pace = 0.75 / 15.0, Pace(highest, 15.0)
    heights = drawn(pace, fixed_ms * 1e-3, area_ms * 1e-3, highest)
    assert all(0.49 * highest <= height <= highest for height in heights)
    settled = heights[-100:]
    takes_s = fixed_ms * 1e-3 + area_ms * 1e-3 * (settled[-1] / highest) ** 2
    assert takes_s <= allowed_s or settled[-1] == round(0.5 * highest), "it is too slow, and could be smaller"
    assert len(set(settled)) == 1, "it does not swing between two sizes"


def test_the_size_comes_back_when_the_machine_is_free_again() -> None:
    pace = Pace(280, 15.0)
    assert drawn(pace, 0.03, 0.06, 280)[-1] < 200
    assert drawn(pace, 0.004, 0.012, 280)[-1] == 280


def test_one_slow_picture_changes_nothing() -> None:
    pace = Pace(280, 15.0)
    for number in range(100):
        pace.took(0.2 if number == 50 else 0.02)
    assert pace.height == 280


@pytest.mark.parametrize("seconds", [0.001, 10.0])
def test_without_a_rate_to_keep_all_are_of_one_height(seconds: float) -> None:
    pace = Pace(280, 0.0)
    for _ in range(100):
        pace.took(seconds)
    assert pace.height == 280
