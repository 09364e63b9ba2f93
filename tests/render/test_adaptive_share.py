"""Images shrink on a slow machine, and grow again."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.render.adaptive_share import SHARES, AdaptiveShare


def drawn(adaptive: AdaptiveShare, fixed_s: float, area_s: float, images: int = 400) -> list[float]:
    """Sizes of images whose drawing time has a fixed part and a part in proportion to their area."""
    shares = []
    for _ in range(images):
        shares.append(adaptive.share)
        adaptive.add(fixed_s + area_s * adaptive.share**2)
    return shares


@given(fixed_ms=st.floats(0.1, 80.0), area_ms=st.floats(0.1, 200.0), before_ms=st.floats(0.1, 200.0))
def test_the_size_settles_where_drawing_keeps_up(fixed_ms: float, area_ms: float, before_ms: float) -> None:
    allowed_s, adaptive = 0.75 / 15.0, AdaptiveShare(15.0)
    drawn(adaptive, before_ms * 1e-3, 0.0, images=20)
    settled = drawn(adaptive, fixed_ms * 1e-3, area_ms * 1e-3, images=1000)[-600:]
    share, images = Counter(settled).most_common(1)[0]
    assert share in SHARES
    assert images >= 0.95 * len(settled), "the size oscillates"

    def takes_s(share: float) -> float:
        return fixed_ms * 1e-3 + area_ms * 1e-3 * share**2

    if takes_s(share) > allowed_s and share > SHARES[-1]:
        smaller = SHARES[SHARES.index(share) + 1]
        assert takes_s(smaller) > 0.74 * takes_s(share), "too slow, and could be smaller"


def test_an_image_that_would_hardly_be_quicker_stays_large() -> None:
    """It would be blurred for nothing. Sometimes the smaller size is tried again."""
    shares = drawn(AdaptiveShare(15.0), 0.09, 0.01, images=900)
    assert 0 < sum(share < 1.0 for share in shares) < 0.05 * len(shares)
    assert shares[-1] == 1.0


def test_images_grow_again_when_the_machine_is_free() -> None:
    adaptive = AdaptiveShare(15.0)
    assert drawn(adaptive, 0.01, 0.09)[-1] < 1.0
    assert drawn(adaptive, 0.004, 0.012)[-1] == 1.0


def test_a_few_slow_images_change_nothing() -> None:
    adaptive = AdaptiveShare(15.0)
    for number in range(100):
        adaptive.add(0.3 if number % 8 < 3 else 0.02)
    assert adaptive.share == 1.0


@pytest.mark.parametrize("seconds", [0.001, 10.0])
def test_without_a_rate_the_size_is_constant(seconds: float) -> None:
    adaptive = AdaptiveShare(0.0)
    for _ in range(100):
        adaptive.add(seconds)
    assert adaptive.share == 1.0
