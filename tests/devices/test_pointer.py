"""The hand follows the pointer: constructed events, the simulators, and the real window under a virtual display."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from fake_hid import wait_until

from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.pointer import PointerDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import device_in_use, key_map, make_device, resolve_device
from hitl_clic.runner.parts import Parts
from hitl_clic.settings_layers import load
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.errors import SettingsError, UserError
from hitl_clic.types.scene import Scene
from hitl_clic.types.scene3d import Pose
from tools.virtual_display import MISSING, xdotool

MS = 1_000_000


class Bench:
    """A pointer, its scene and its clock, which the test sets; without a thread."""

    def __init__(self) -> None:
        self.now_ns, self.feed = 10_000 * MS, EventFeed()
        self.scene: Scene | None = Scene(size=(200.0, 100.0), shapes=(), hand=(50.0, 50.0), step=10.0)
        self.device = PointerDevice(
            self.feed, load_profile("pointer"), lambda: self.scene, tap_hold_s=0.0, clock=lambda: self.now_ns
        )

    def put(self, kind: str, name: str = "", position: tuple[float, float] = (0.0, 0.0)) -> None:
        self.feed.put(InputEvent(self.now_ns, kind, name, position))  # type: ignore[arg-type]

    def press(self, x: float, y: float) -> DeviceSample:
        self.put("button_down", "left", (x, y))
        return self.read()

    def read(self) -> DeviceSample:
        self.now_ns += 10 * MS
        self.put("alive")
        return self.device.read(0.0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("pointer", "motion"),
    [
        ((0.5, 0.5), (1.0, 0.0)),  # right
        ((0.0, 0.5), (-1.0, 0.0)),
        ((0.25, 1.0), (0.0, 1.0)),  # down in the picture
        ((0.25, 0.0), (0.0, -1.0)),
        ((0.275, 0.5), (0.5, 0.0)),  # half a step away
        ((0.25, 0.5), (0.0, 0.0)),  # there
        ((0.5, 0.75), (1.0, 0.5)),  # (50, 25) units away: the direction is kept
        ((7.0, 0.5), (1.0, 0.0)),  # outside of the scene
        ((-0.3, 0.5), (-1.0, 0.0)),
    ],
)
def test_the_motion_is_what_brings_the_hand_there(
    bench: Bench, pointer: tuple[float, float], motion: tuple[float, float]
) -> None:
    sample = bench.press(*pointer)
    assert sample.engage
    assert sample.motion == pytest.approx(motion)
    assert sample.teaches is None


def test_a_pointer_outside_counts_as_at_the_edge(bench: Bench) -> None:
    bench.scene = Scene(size=(200.0, 100.0), shapes=(), hand=(198.0, 50.0), step=10.0)
    assert bench.press(3.0, 0.5).motion == pytest.approx((0.2, 0.0))


def test_the_hand_follows_only_while_the_control_is_held(bench: Bench) -> None:
    bench.put("motion", "", (0.5, 0.5))
    assert not any(bench.read().motion)
    assert bench.press(0.5, 0.5).motion == (1.0, 0.0)
    bench.put("motion", "", (0.0, 0.5))
    assert bench.read().motion == (-1.0, 0.0)
    bench.put("button_up", "left", (0.0, 0.5))
    sample = bench.read()
    assert (sample.engage, any(sample.motion)) == (False, False)
    bench.put("key_down", "space")
    assert bench.read().motion == (-1.0, 0.0), "the keyboard's control holds too"
    bench.put("key_down", "left shift")
    assert bench.read().motion == pytest.approx((-0.35, 0.0))


@pytest.mark.parametrize("kind", ["focus_lost", "closed"])
def test_a_lost_window_releases_it(bench: Bench, kind: str) -> None:
    bench.press(0.5, 0.5)
    bench.put(kind)
    sample = bench.device.read(0.0)
    assert (sample.engage, any(sample.motion)) == (False, False)


def test_without_events_or_a_flat_scene_nothing_moves(bench: Bench) -> None:
    bench.put("key_down", "space")
    assert not any(bench.read().motion), "no pointer was seen yet"
    assert any(bench.press(0.5, 0.5).motion)
    bench.now_ns += 300 * MS
    assert not any(bench.device.read(0.0).motion), "stale"
    assert any(bench.read().motion)
    scene, bench.scene = bench.scene, None
    assert not any(bench.read().motion)
    assert scene is not None
    bench.scene = Scene(scene.size, (), scene.hand, scene.step, Pose((), ()))
    assert not any(bench.read().motion)
    bench.scene = Scene(scene.size, (), scene.hand, 0.0)
    assert not any(bench.read().motion)


def test_contract() -> None:
    feed, scene = EventFeed(), Scene((1.0, 1.0), (), (0.0, 0.0), 0.1)

    def press(_: object) -> None:
        feed.put(InputEvent(time.perf_counter_ns(), "button_down", "left", (1.0, 1.0)))

    def close(_: object) -> None:
        feed.put(InputEvent(time.perf_counter_ns(), "closed"))

    check_device(lambda: PointerDevice(feed, load_profile("pointer"), lambda: scene), press, close)


@pytest.mark.parametrize(("name", "steps", "within"), [("push_t", 60, 2.0), ("line_following", 400, 0.01)])
@pytest.mark.parametrize("target", [(0.9, 0.1), (0.1, 0.9)])
def test_the_simulated_hand_arrives(
    bench: Bench, name: str, steps: int, within: float, target: tuple[float, float]
) -> None:
    task = make_task(name)
    task.reset(seed=3)
    bench.scene = task.scene()
    hand = np.asarray(bench.scene.hand)
    goal = np.asarray(target) * bench.scene.size
    goal = hand + (goal - hand) * min(1.0, 150.0 / math.dist(goal, hand))  # Line Following takes a pixel a step
    bench.press(*(goal / bench.scene.size))
    for _ in range(steps):
        task.step(np.asarray(bench.read().motion, np.float32))
        bench.scene = task.scene()
        if math.dist(bench.scene.hand, goal) < within:
            break
    assert math.dist(bench.scene.hand, goal) < within
    task.close()


@pytest.mark.parametrize("name", ["pick_can", "hammer"])
def test_tasks_without_a_plane_refuse(name: str) -> None:
    task = make_task(name)
    task.reset(seed=0)
    settings = load(overrides={"device": "pointer", "task": name})
    with pytest.raises(UserError, match=r"needs a flat scene, and .* is drawn in three dimensions"):
        Parts().make_device(settings, task, TeacherChannel(), EventFeed(), Slot())
    task.close()
    with pytest.raises(ValueError, match=r"a task of the plane, whose axes are x and y alone; this task's are x, y, z"):
        make_device(settings, task.action_frame.axes, TeacherChannel(), EventFeed())


def test_a_task_drawn_in_three_dimensions_refuses() -> None:
    task = make_task("push_t")
    task.reset(seed=0)
    flat = task.scene()
    task.scene = lambda: Scene(flat.size, (), flat.hand, flat.step, Pose((), ()))  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"needs a flat scene, and push_t is drawn in three dimensions"):
        Parts().make_device(load(overrides={"device": "pointer"}), task, TeacherChannel(), EventFeed(), Slot())


def test_settings_and_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    settings = load(overrides={"device": "pointer", "task": "push_t"})
    rows = dict(key_map(settings, ("x", "y")))
    assert rows["Point left or right"] == "Move left / right"
    assert device_in_use(settings).hint("hold", False) == "hold the left button to correct"
    assert resolve_device(settings).device == "pointer"
    with pytest.raises(SettingsError, match=r"gate.mode = toggle is not allowed with device = pointer"):
        resolve_device(load(overrides={"device": "pointer", "gate": {"mode": "toggle"}}))
    with pytest.raises(SettingsError, match="needs a window"):
        resolve_device(load(overrides={"device": "pointer", "headless": True}))


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.realtime
def test_the_hand_arrives_under_the_real_pointer_also_after_a_resize(
    display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    task = make_task("line_following", line="fixed")
    task.reset(seed=0)
    feed, size = EventFeed(), (960, 540)
    settings = load(overrides={"device": "pointer", "task": "line_following"})
    views = [task.scene()]
    device = make_device(settings, ("x", "y"), TeacherChannel(), feed, lambda: views[-1])
    window = WindowLink(WindowSettings(width=size[0], height=size[1], niceness=0))
    window.add_feed(feed)
    window.show(lambda: CockpitState("Line", views[-1], device="pointer"))

    def pixel_of_hand(size: tuple[int, int]) -> tuple[float, float]:
        board = Layout.of(size, views[-1].size).board
        x, y = views[-1].hand[0] / views[-1].size[0], views[-1].hand[1] / views[-1].size[1]
        return board.x + x * board.width, board.y + y * board.height

    def arrives(pixel: tuple[int, int], size: tuple[int, int]) -> None:
        for _ in range(400):
            task.step(np.asarray(device.latest().motion, np.float32))
            views.append(task.scene())
            time.sleep(0.02)  # the device reads at 100 Hz
            if device.latest().engage and not any(abs(value) > 0.01 for value in device.latest().motion):
                break
        assert math.dist(pixel_of_hand(size), pixel) < 1.5, (pixel_of_hand(size), pixel)

    try:
        window.start()
        device.start()
        identity = xdotool(display, "search", "--class", "hitl-clic").split()[0]
        xdotool(display, "windowfocus", "--sync", identity)
        wait_until(lambda: device.latest().connected)
        x, y = (round(value) for value in pixel_of_hand(size))
        first = (x + 40, y + 30)
        xdotool(display, "mousemove", "--window", identity, *first)
        xdotool(display, "mousedown", 1)
        wait_until(lambda: device.latest().engage and any(device.latest().motion))
        arrives(first, size)
        larger = (1200, 700)
        xdotool(display, "windowsize", "--sync", identity, *larger)
        # the hand is elsewhere in the larger window, and the pointer did not move
        wait_until(lambda: any(abs(value) > 0.5 for value in device.latest().motion))
        arrives(first, larger)
        xdotool(display, "mouseup", 1)
        wait_until(lambda: not device.latest().engage)
    finally:
        window.close()
        device.close()
        task.close()
