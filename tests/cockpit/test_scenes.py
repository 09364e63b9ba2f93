"""Camera images of robots: projection, images, machines without OpenGL, and the window."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pygame
import pytest
from pydantic import ValidationError

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.camera_feed import SCENE3D, CameraFeed
from hitl_clic.cockpit.drawing.camera_view import image_size
from hitl_clic.cockpit.drawing.draw import WindowPainter
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.render import backend
from hitl_clic.render.render_thread import Rendering, RenderThread
from hitl_clic.runner.display import scene3d_for
from hitl_clic.tasks import make_task
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.scene import Scene
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

mujoco = pytest.importorskip("mujoco", reason="needs MuJoCo (pip install -e '.[hammer]')")

ASPECT = 4 / 3
SIZE = (213, 160)
CAMERAS = (
    Camera("side", (0.1, 0.2, 0.3), 1.5, 90.0, -30.0),
    Camera("odd", (-0.2, 0.1, 0.5), 0.8, -137.0, 20.0, 55.0),
    Camera("top", (0.0, 0.0, 0.2), 1.2, 10.0, -89.0),
)
BALL = """<mujoco><statistic extent="2"/>
<visual><headlight ambient="1 1 1" diffuse="0 0 0" specular="0 0 0"/></visual>
<worldbody><body><freejoint/><geom type="sphere" size="0.01" rgba="1 0 0 1" group="1"/></body></worldbody></mujoco>"""


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Using an OpenGL backend sets environment variables, which other tests must not see."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def gl() -> str:
    """The OpenGL backend of this machine; without one these tests are skipped."""
    try:
        return backend.find("auto")
    except backend.NoBackend as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def lift() -> Iterator[Task]:
    pytest.importorskip("robosuite", reason="needs robosuite (pip install -e '.[arms]')")
    task = make_task("lift")
    task.reset(seed=0)
    yield task
    task.close()


@pytest.fixture(scope="module")
def scene3d(lift: Task, tmp_path_factory: pytest.TempPathFactory) -> Scene3D:
    found = lift.scene3d(tmp_path_factory.mktemp("scene3d"))
    assert found is not None
    return found


def ball(folder: Path) -> Scene3D:
    """A 3-D scene with only a small ball that can be put anywhere."""
    mujoco.mj_saveModel(mujoco.MjModel.from_xml_string(BALL), str(folder / "ball.mjb"), None)
    return Scene3D(str(folder / "ball.mjb"), (1,), CAMERAS, ("side",), 0.0)


def at(point: Any) -> Pose:
    return Pose(np.array([*point, 1, 0, 0, 0], "<f4").tobytes(), ((0.0, 0.0, 0.0),))


def test_points_are_projected_where_mujoco_draws_them(gl: str, tmp_path: Path) -> None:
    from hitl_clic.render.renderer import Renderer

    renderer = Renderer(ball(tmp_path), "fast", 300, gl)
    rng = np.random.default_rng(0)
    found = 0
    for point in rng.uniform(-0.3, 0.6, (12, 3)):
        pictures = renderer.draw(at(point), CAMERAS, (400, 300))
        for camera, picture in zip(CAMERAS, pictures, strict=True):
            height, width = picture.shape[:2]
            assert (height, width) == (300, 400)
            rows, columns = np.nonzero((picture[..., 0] > 128) & (picture[..., 1] < 64))
            x, y = camera.project(point, ASPECT) * (width, height)
            inside = 15 < x < width - 15 and 15 < y < height - 15  # also false for NaN
            if inside:
                found += 1
                assert columns.mean() + 0.5 == pytest.approx(x, abs=1.0)
                assert rows.mean() + 0.5 == pytest.approx(y, abs=1.0)
            elif not (-15 < x < width + 15 and -15 < y < height + 15):
                assert not len(rows), "outside the image or behind the camera, yet drawn"
    renderer.close()
    assert found > 12


def test_points_behind_a_camera_project_to_nan() -> None:
    for camera in CAMERAS:
        ahead = camera.axes()[2]
        place = np.array(camera.target) - camera.distance * ahead
        assert np.allclose(camera.project(camera.target, ASPECT), 0.5)
        assert np.isnan(camera.project([place - ahead, place], ASPECT)).all()


def test_a_pose_of_another_model_is_refused(gl: str, tmp_path: Path) -> None:
    from hitl_clic.render.renderer import Renderer

    renderer = Renderer(ball(tmp_path), "full", 120, gl)
    with pytest.raises(ValueError, match="3 numbers"):
        renderer.draw(Pose(bytes(12), ()), CAMERAS[:1], SIZE)
    renderer.close()


def test_coarse_meshes_have_fewer_triangles_and_the_same_shape(scene3d: Scene3D) -> None:
    from hitl_clic.render.coarse import coarsen

    model = mujoco.MjModel.from_binary_path(scene3d.model)
    before, corners = model.mesh_facenum.copy(), model.mesh_vert.copy()
    coarsen(model, 0.005, 0.005)
    assert (model.mesh_facenum <= before).all()
    assert model.mesh_facenum.sum() < 0.6 * before.sum()
    for mesh in np.flatnonzero(model.mesh_facenum < before):
        first, count = int(model.mesh_faceadr[mesh]), int(model.mesh_facenum[mesh])
        start, size = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
        kept = model.mesh_face[first : first + count]
        assert kept.max() < size
        own = corners[start : start + size]
        for end in (np.min, np.max):
            np.testing.assert_allclose(end(own[kept.reshape(-1)], axis=0), end(own, axis=0), atol=0.01)


def test_a_slow_render_thread_draws_smaller_images_of_the_same_view(
    gl: str, lift: Task, scene3d: Scene3D, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hitl_clic.render.adaptive_share._GAIN", 100.0)  # smaller images always count as quicker
    render_thread = RenderThread(scene3d, "fast", 160, "auto", images_per_s=1e6)
    try:
        sizes, means = [], []
        for _ in range(80):
            lift.step(lift.action_space.sample())
            scene = lift.scene()
            assert scene.pose is not None
            rendering = render_thread.render(scene.pose, scene3d.views()[0])
            assert rendering is not None, render_thread.problem
            sizes.append(rendering.images[0].shape[0])
            means.append(rendering.images[0].mean())
    finally:
        render_thread.close()
    assert sizes[0] == 160
    assert sizes[-1] == 80
    assert sizes == sorted(sizes, reverse=True)
    assert means[-1] == pytest.approx(means[0], rel=0.1), "the smaller image must show the whole view"


def test_fixed_meshes_are_coarser_than_moving_ones(scene3d: Scene3D) -> None:
    from hitl_clic.render.coarse import coarsen

    def triangles(moving_cell: float, fixed_cell: float) -> tuple[int, int]:
        """Triangles of moving meshes, and of all others."""
        model = mujoco.MjModel.from_binary_path(scene3d.model)
        coarsen(model, moving_cell, fixed_cell)
        meshes = model.geom_type == mujoco.mjtGeom.mjGEOM_MESH
        moving = {model.geom_dataid[geom] for geom in np.flatnonzero(meshes) if model.geom_bodyid[geom] in bodies}
        of = [int(model.mesh_facenum[mesh]) for mesh in range(model.nmesh) if mesh in moving]
        return sum(of), int(model.mesh_facenum.sum()) - sum(of)

    model = mujoco.MjModel.from_binary_path(scene3d.model)
    bodies = {body for body in range(model.nbody) if model.body_weldid[body]}
    fine, coarse = triangles(0.009, 0.009), triangles(0.009, 0.03)
    assert coarse[0] == fine[0] > 0, "the arm's meshes must not change"
    assert coarse[1] < 0.5 * fine[1]


def test_images_show_the_arm_and_its_motion(gl: str, lift: Task, scene3d: Scene3D) -> None:
    render_thread = RenderThread(scene3d, "fast", 160, "auto")
    try:
        views = scene3d.views()
        scene = lift.scene()
        assert scene.pose is not None
        first = render_thread.render(scene.pose, views[0])
        assert first is not None, render_thread.problem
        assert [picture.shape for picture in first.images] == [(160, 107, 3)] * 2
        for image in first.images:
            assert image.std() > 20, "the image is blank"
        assert render_thread.render(scene.pose, views[0]) is first, "the same pose was drawn again"
        lift.step(np.ones(7, np.float32))
        moved = lift.scene().pose
        assert moved is not None
        second = render_thread.render(moved, views[0])
        assert second is not None
        assert not np.array_equal(first.images[0], second.images[0])
        alone = render_thread.render(moved, views[1])
        assert alone is not None
        assert [picture.shape for picture in alone.images] == [(160, 213, 3)]
    finally:
        render_thread.close()


def test_an_arm_laid_over_the_backdrop_looks_like_an_image_drawn_whole(
    gl: str, lift: Task, scene3d: Scene3D, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hitl_clic.render.renderer import Renderer

    monkeypatch.setattr("hitl_clic.render.renderer._OFFSETS", ((0.0, 0.0),))  # a smoothed backdrop has other edges
    renderer, cameras = Renderer(scene3d, "fast", 160, gl), scene3d.views()[0]
    shown = []
    for _ in range(5):
        lift.step(lift.action_space.sample())
        pose = lift.scene().pose
        assert pose is not None
        shown.append((pose, renderer.draw(pose, cameras, SIZE)))
    assert renderer._backdrops
    monkeypatch.setattr(renderer, "_has_backdrops", False)
    for pose, images in shown:
        for image, whole in zip(images, renderer.draw(pose, cameras, SIZE), strict=True):
            np.testing.assert_array_equal(image, whole)
    renderer.close()


def test_images_have_the_size_in_which_they_are_shown(gl: str, lift: Task, scene3d: Scene3D) -> None:
    """The window then need not scale them. The largest height and the proportions limit the size."""
    pose = lift.scene().pose
    assert pose is not None
    camera_feed = CameraFeed(scene3d, WindowSettings(picture_height=300))
    try:
        for window, height in (((640, 360), 264), ((1280, 720), 300)):
            size = image_size(window, camera_feed.cameras())
            rendering = camera_feed.wait(pose, size)
            assert rendering is not None
            shapes = [image.shape for image in rendering.images]
            assert shapes == [(height, round(size[0] * height / size[1]), 3)] * 2
            assert size[1] == height or size[1] > 300
    finally:
        camera_feed.close()


def test_views_and_their_json(scene3d: Scene3D) -> None:
    assert SCENE3D.loads(SCENE3D.dumps(scene3d)) == scene3d
    assert [[camera.name for camera in view] for view in scene3d.views()] == [
        ["side", "front"],
        ["side"],
        ["front"],
        ["top"],
    ]
    assert [camera.name for camera in scene3d.showing(("top",)).views()[0]] == ["top"]
    assert len(scene3d.showing(("top",)).views()) == 3
    with pytest.raises(ValueError, match="Scene3D"):
        SCENE3D.loads("{}")


def test_wrong_settings_are_refused_by_name(lift: Task, tmp_path: Path) -> None:
    for wrong in (
        {"quality": "best"},
        {"gl": "vulkan"},
        {"picture_height": 10},
        {"cameras": ("a", "b", "c")},
        {"cameras": ("a", "a")},
    ):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            WindowSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"window.cameras = back .* side, front or top"):
        scene3d_for(lift, WindowSettings(cameras=("back",)), tmp_path)
    with pytest.raises(SettingsError, match=r"window.cameras = side .* flat"):
        scene3d_for(make_task("line_following"), WindowSettings(cameras=("side",)), tmp_path)
    assert scene3d_for(make_task("line_following"), WindowSettings(), tmp_path) is None


def test_without_opengl_one_sentence_says_why(
    scene3d: Scene3D, lift: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    scene = lift.scene()
    assert scene.pose is not None
    with caplog.at_level(logging.WARNING):
        render_thread = RenderThread(scene3d, "fast", 160, "auto")
        try:
            assert render_thread.render(scene.pose, scene3d.views()[0]) is None
        finally:
            render_thread.close()
    assert "nonsense" in render_thread.problem
    assert "MUJOCO_GL" in render_thread.problem
    assert render_thread.problem.count(".") - render_thread.problem.count("window.gl") == 1
    assert render_thread.problem in caplog.text


def test_robosuite_does_not_choose_the_backend(lift: Task) -> None:
    program = "import os, hitl_clic.tasks.robosuite.engine as e; raise SystemExit('MUJOCO_GL' in os.environ)"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, cwd=Path(__file__).parents[2], env=environment
    )


def _rendering(hand: tuple[float, float, float], color: int = 200) -> Rendering:
    return Rendering(Pose(b"", (hand,)), CAMERAS[:1], (np.full((90, 120, 3), color, np.uint8),))


def test_chunks_are_drawn_along_the_hands_path() -> None:
    """Blue dots lie along the projected chunk. A chunk behind the camera draws nothing and raises nothing."""
    scene3d = Scene3D("", (1,), CAMERAS, ("side",), 0.0)
    hand = (0.1, 0.2, 0.3)
    scene = Scene((1.0, 1.0), (), (0.5, 0.5), 0.02, Pose(b"", (hand,)))
    state = CockpitState("lift", scene, robot_chunk=((1.0, 0.0, 0.0),) * 4, execute=4)
    painter, surface = WindowPainter(scene3d), pygame.Surface((1280, 720), 0, 32)
    painter.draw(surface, state, rendering=_rendering(hand))
    board = painter.layout.board
    end = CAMERAS[0].project(np.add(hand, (4 * 0.02, 0.0, 0.0)), board.width / board.height)
    pixel = (round(board.x + end[0] * board.width), round(board.y + end[1] * board.height))
    assert surface.get_at(pixel)[:3] == palette.ROBOT_INK
    assert board.width / board.height == pytest.approx(ASPECT, abs=0.01)
    for away in ((0.0, -5.0, 0.3), (0.1, 0.2, 1e9)):
        painter.draw(
            surface, replace(state, human_chunk=((0.0, 1.0, 0.0),), desired_radius=0.5), rendering=_rendering(away)
        )


def test_written_pictures_show_the_camera_images(gl: str, lift: Task, scene3d: Scene3D, tmp_path: Path) -> None:
    state = CockpitState("lift", lift.scene())
    camera_feed = CameraFeed(scene3d, WindowSettings(picture_height=160))
    try:
        write_picture(state, tmp_path / "seen.png", camera_feed=camera_feed)
    finally:
        camera_feed.close()
    write_picture(state, tmp_path / "flat.png")
    seen, flat = _board(tmp_path / "seen.png", (4 / 3, 1.0)), _board(tmp_path / "flat.png", (1.0, 1.0))
    assert len(seen) > 10 * len(flat), "an image of an arm has more colours than a flat scene"


def _board(file: Path, proportions: tuple[float, float]) -> set[tuple[int, ...]]:
    """Colours in the middle of the board."""
    surface = pygame.image.load(file)
    board = Layout.of(surface.get_size(), proportions).board.inflate(-40, -40)
    return {
        tuple(surface.get_at((x, y)))
        for x in range(board.left, board.right, 5)
        for y in range(board.top, board.bottom, 5)
    }


@pytest.fixture
def window(
    display: str, lift: Task, scene3d: Scene3D, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], WindowLink]]:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    links: list[WindowLink] = []
    state = CockpitState("lift", lift.scene())

    def start() -> WindowLink:
        link = WindowLink(WindowSettings(width=960, height=540, picture_height=160, niceness=0), scene3d)
        links.append(link)
        link.show(lambda: state)
        link.start()
        return link

    yield start
    for link in links:
        link.close()


needs_display = pytest.mark.skipif(
    shutil.which("Xvfb") is None or shutil.which("xdotool") is None,
    reason="needs Xvfb and xdotool (apt install xvfb xdotool)",
)


def _until(link: WindowLink, file: Path, holds: Callable[[Path], bool], seconds: float = 40.0) -> bool:
    """Take screenshots until `holds` is true of one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        link.screenshot(file)
        if holds(file):
            return True
        time.sleep(0.2)
    return False


@needs_display
def test_the_window_shows_the_arm_and_changes_the_view(
    gl: str, window: Callable[[], WindowLink], tmp_path: Path
) -> None:
    link = window()
    file = tmp_path / "window.png"
    assert _until(link, file, lambda file: len(_board(file, (4 / 3, 1.0))) > 500), "no arm in the window"
    both = file.read_bytes()
    subprocess.run(["xdotool", "search", "--class", "hitl-clic", "windowfocus"], check=True, timeout=10)
    subprocess.run(["xdotool", "key", "v"], check=True, timeout=10)
    assert _until(link, file, lambda file: file.read_bytes() != both), "V changes nothing"
    assert link.alive()


@needs_display
def test_the_window_says_why_it_is_flat(
    window: Callable[[], WindowLink], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    link = window()
    file = tmp_path / "window.png"

    def has_note(file: Path) -> bool:
        surface = pygame.image.load(file)
        board = Layout.of(surface.get_size(), (1.0, 1.0)).board
        strip = surface.get_at((board.right - 12, board.bottom - 6))[:3]
        return all(abs(a - b) < 40 for a, b in zip(strip, palette.CARD, strict=True))

    assert _until(link, file, has_note), "no sentence along the board"
    assert link.alive()
