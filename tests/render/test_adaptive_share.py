"""The height of a robot's images shrinks on a slow machine, and grows again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.render.adaptive_height import AdaptiveHeight


def drawn(adaptive: AdaptiveHeight, fixed_s: float, area_s: float, highest: int, images: int = 400) -> list[int]:
    """Heights of images whose drawing time has a fixed part and a part in proportion to their area."""
    heights = []
    for _ in range(images):
        heights.append(adaptive.height)
        adaptive.add(fixed_s + area_s * (adaptive.height / highest) ** 2)
    return heights


@given(fixed_ms=st.floats(0.1, 80.0), area_ms=st.floats(0.1, 200.0), highest=st.integers(120, 1440))
def test_the_height_settles_where_drawing_keeps_up(fixed_ms: float, area_ms: float, highest: int) -> None:
    allowed_s, adaptive = 0.75 / 15.0, AdaptiveHeight(highest, 15.0)
    heights = drawn(adaptive, fixed_ms * 1e-3, area_ms * 1e-3, highest)
    assert all(0.49 * highest <= height <= highest for height in heights)
    settled = heights[-100:]
    takes_s = fixed_ms * 1e-3 + area_ms * 1e-3 * (settled[-1] / highest) ** 2
    assert takes_s <= allowed_s or settled[-1] == round(0.5 * highest), "too slow, and could be smaller"
    assert len(set(settled)) == 1, "the height oscillates"


def test_the_height_grows_again_when_the_machine_is_free() -> None:
    adaptive = AdaptiveHeight(280, 15.0)
    assert drawn(adaptive, 0.03, 0.06, 280)[-1] < 200
    assert drawn(adaptive, 0.004, 0.012, 280)[-1] == 280


def test_one_slow_image_changes_nothing() -> None:
    adaptive = AdaptiveHeight(280, 15.0)
    for number in range(100):
        adaptive.add(0.2 if number == 50 else 0.02)
    assert adaptive.height == 280


@pytest.mark.parametrize("seconds", [0.001, 10.0])
def test_without_a_rate_the_height_is_constant(seconds: float) -> None:
    adaptive = AdaptiveHeight(280, 0.0)
    for _ in range(100):
        adaptive.add(seconds)
    assert adaptive.height == 280
