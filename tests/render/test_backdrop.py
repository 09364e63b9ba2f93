"""Images in which what never moves was drawn before look like images that are drawn whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.render import backend
from hitl_clic.render.backdrop import Backdrop, covered
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

mujoco = pytest.importorskip("mujoco", reason="needs MuJoCo (pip install -e '.[hammer]')")

CAMERAS = (
    Camera("side", (0.1, 0.1, 0.1), 1.5, 90.0, -30.0),
    Camera("front", (0.0, 0.0, 0.2), 0.9, 170.0, -15.0, 55.0),
)
SIZE = (160, 121)
"""Odd on purpose: rows must not be mixed up."""
MODEL = """<mujoco><statistic extent="2"/>
<asset><texture name="t" type="2d" builtin="checker" rgb1="1 1 0" rgb2="0 0 1" width="32" height="32"/>
<material name="m" texture="t" texrepeat="4 4"/></asset>
<worldbody><light pos="0 1 2" {light}/>
<geom type="plane" size="2 2 1" material="m" group="1"/>
<geom type="box" pos="0 0 .2" size=".1 .1 .2" rgba="0 1 0 1" group="1"/>
<body><freejoint/><geom type="capsule" size=".05 .2" rgba="1 0 0 {alpha}" group="1"/>
{inside}</body></worldbody></mujoco>"""


@pytest.fixture(scope="module")
def gl() -> Iterator[str]:
    """The OpenGL backend of this machine; without one these tests are skipped."""
    before = dict(os.environ)
    try:
        name = backend.find("auto")
    except backend.NoBackend as error:
        pytest.skip(str(error))
    yield name
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def opened(gl: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens renderers of the model."""
    from hitl_clic.render.renderer import Renderer

    renderers: list[Renderer] = []

    def make(light: str = "", alpha: float = 1.0, inside: str = "") -> Renderer:
        model = mujoco.MjModel.from_xml_string(MODEL.format(light=light, alpha=alpha, inside=inside))
        mujoco.mj_saveModel(model, str(tmp_path / "model.mjb"), None)
        renderers.append(Renderer(Scene3D(str(tmp_path / "model.mjb"), (1,), CAMERAS, ("side",), 0.0), "fast", 200, gl))
        return renderers[-1]

    yield make
    for renderer in renderers:
        renderer.close()


def poses(count: int) -> list[Pose]:
    """The capsule before, behind and inside the box, and out of sight."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.uniform(-0.5, 0.5, (count, 3)), rng.normal(size=(count, 4))], axis=1)
    rows[:, 2] = np.abs(rows[:, 2])
    rows[-1, :3] = 50.0
    return [Pose(row.astype("<f4").tobytes(), ()) for row in rows]


def test_images_equal_those_drawn_whole(opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hitl_clic.render.renderer._OFFSETS", ((0.0, 0.0),))  # a smoothed backdrop has other edges
    renderer = opened()
    shown = [renderer.draw(pose, CAMERAS, SIZE) for pose in poses(20)]
    monkeypatch.setattr(renderer, "_has_backdrops", False)
    for pose, images in zip(poses(20), shown, strict=True):
        for image, whole in zip(images, renderer.draw(pose, CAMERAS, SIZE), strict=True):
            assert image.shape == (121, 160, 3)
            np.testing.assert_array_equal(image, whole)
    assert len({images[0].tobytes() for images in shown}) > 15, "the capsule must be seen in most of them"


def test_a_smoothed_backdrop_stays_in_its_place(opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, away = opened(), poses(1)[0]
    smooth = renderer.draw(away, CAMERAS, SIZE)[0].astype(float)
    monkeypatch.setattr(renderer, "_has_backdrops", False)
    sharp = renderer.draw(away, CAMERAS, SIZE)[0].astype(float)

    def error(down: int, right: int) -> float:
        moved = np.roll(sharp, (down, right), axis=(0, 1))
        return float(np.abs(moved - smooth)[2:-2, 2:-2].mean())

    assert 0.0 < error(0, 0) < 0.5 * min(error(1, 0), error(-1, 0), error(0, 1), error(0, -1))


def test_what_never_moves_is_drawn_once(opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, drawn = opened(), []
    render = mujoco.mjr_render

    def counted(area: Any, scene: Any, context: Any) -> None:
        drawn.append(scene.ngeom)
        render(area, scene, context)

    monkeypatch.setattr(mujoco, "mjr_render", counted)
    first, second = poses(3)[:2]
    renderer.draw(first, CAMERAS[:1], SIZE)
    assert drawn.count(2) > 1
    assert drawn[-1] == 1
    drawn.clear()
    renderer.draw(second, CAMERAS[:1], SIZE)
    assert drawn == [1], "the plane and the box were drawn again"
    renderer.draw(second, CAMERAS[:1], (80, 60))
    assert drawn.count(2) > 1, "another size needs another backdrop"


@pytest.mark.parametrize(
    "changed",
    [{"alpha": 0.5}, {"light": 'mode="trackcom"'}, {"inside": '<light pos="0 0 1"/>'}],
    ids=["translucent", "a light that follows", "a light that moves"],
)
def test_scenes_without_a_constant_part_are_drawn_whole(opened: Callable[..., Any], changed: dict[str, Any]) -> None:
    renderer = opened(**changed)
    images = [renderer.draw(pose, CAMERAS, SIZE)[0] for pose in poses(3)]
    assert not renderer._backdrops
    assert all(image.std() > 20 for image in images)
    assert not np.array_equal(images[0], images[1])


def test_only_what_is_nearer_covers_a_backdrop() -> None:
    backdrop = Backdrop(np.zeros((3, 4, 3), np.uint8), np.full((3, 4), 0.5, np.float32))
    image, depth = np.full((2, 2, 3), 9, np.uint8), np.array([[0.4, 0.6], [0.5, 0.1]], np.float32)
    seen = backdrop.behind(image, depth, (slice(1, 3), slice(2, 4)))
    assert np.argwhere(seen[..., 0] == 9).tolist() == [[1, 2], [2, 3]]
    assert not backdrop.image.any(), "the backdrop itself must not change"


numbers = st.floats(-2.0, 2.0)


@given(centre=st.tuples(numbers, numbers, numbers), radius=st.floats(0.01, 1.0), azimuth=st.floats(-180.0, 180.0))
def test_the_covered_area_holds_every_point_of_a_sphere(
    centre: tuple[float, float, float], radius: float, azimuth: float
) -> None:
    camera, (width, height) = Camera("any", (0.0, 0.0, 0.0), 1.5, azimuth, -20.0), (90, 60)
    rows, columns = covered(camera, np.array([centre]), np.array([radius]), (width, height))
    directions = np.random.default_rng(0).normal(size=(300, 3))
    points = centre + radius * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    x, y = (camera.project(points, width / height) * (width, height)).T
    with np.errstate(invalid="ignore"):
        seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    bottom_up = height - y[seen]
    assert ((x[seen] >= columns.start) & (x[seen] <= columns.stop)).all()
    assert ((bottom_up >= rows.start) & (bottom_up <= rows.stop)).all()
    assert 0 <= rows.start <= rows.stop <= height
    assert 0 <= columns.start <= columns.stop <= width


def test_nothing_covers_nothing() -> None:
    area = covered(CAMERAS[0], np.zeros((0, 3)), np.zeros(0), SIZE)
    assert area == (slice(0, 0), slice(0, 0))
