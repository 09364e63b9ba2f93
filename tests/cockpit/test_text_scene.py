"""The scene as characters."""

from __future__ import annotations

from hitl_clic.cockpit.text_scene import text_scene
from hitl_clic.types.scene import Scene, Shape


def test_shapes_lie_where_they_are_and_the_hand_is_a_cross() -> None:
    square = ((0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0))
    scene = Scene((10.0, 10.0), (Shape("goal", square), Shape("object", ((8.0, 8.0),), 1.5)), (9.9, 0.1), 1.0)
    rows = text_scene(scene, rows=10)
    assert [len(row) for row in rows] == [20] * 10
    assert rows[0] == "░" * 10 + " " * 9 + "+"
    assert rows[4] == "░" * 10 + " " * 10
    assert rows[5].strip() == ""
    assert rows[7].strip() == "█" * 6


def test_a_shape_smaller_than_a_character_is_still_seen() -> None:
    scene = Scene((10.0, 10.0), (Shape("robot", ((2.01, 2.01),), 0.001),), (9.0, 9.0), 1.0)
    assert sum(row.count("O") for row in text_scene(scene, rows=10)) == 1


def test_a_shape_outside_stays_at_the_edge() -> None:
    scene = Scene((10.0, 10.0), (), (100.0, -5.0), 1.0)
    assert text_scene(scene, rows=10)[0].endswith("+")
