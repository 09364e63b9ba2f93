"""Several devices at once, one arm each or all on one arm: the rule that joins their samples."""

from __future__ import annotations

import time

import pytest
from fake_hid import wait_until

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.mapping.combined import CombinedDevice, Part, arms_of_parts, axes_of_arm
from hitl_clic.runner.device_registry import EVERY_AXIS

MS = 1_000_000
ONE_ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


class Toy(Device):
    """A device whose sample the test sets; without a thread."""

    def __init__(self, *axes: str) -> None:
        super().__init__(100.0)
        self.axes = axes
        self.stops = self.ends = 0

    def read(self, timeout_s: float) -> DeviceSample:
        time.sleep(timeout_s)
        return self.latest()

    def set(self, *motion: float, at_ns: int = 0, **more: object) -> None:
        self._publish(DeviceSample(at_ns, motion, **more))  # type: ignore[arg-type]

    def robot_stopped(self) -> None:
        self.stops += 1

    def correction_ended(self) -> None:
        self.ends += 1


class Pair:
    """Two toys as one device, at a time that the test sets."""

    def __init__(self, first: Toy, second: Toy, arms: tuple[int | None, int | None] = (None, None)) -> None:
        self.first, self.second, self.now_ns = first, second, 1000 * MS
        parts = [Part(first, "first", arms[0]), Part(second, "second", arms[1])]
        self.device = CombinedDevice(parts, clock=lambda: self.now_ns)

    def sample(self) -> DeviceSample:
        return self.device.read(0.0)


@pytest.fixture
def shared() -> Pair:
    """Both on one arm."""
    return Pair(Toy("x", "y"), Toy("x", "gripper"))


@pytest.fixture
def apart() -> Pair:
    """An arm each."""
    return Pair(Toy("x", "y"), Toy("x", "y"), (0, 1))


def test_at_several_arms_each_device_in_turn_has_one() -> None:
    assert arms_of_parts(EVERY_AXIS, [True] * 2) == (0, 1)
    assert arms_of_parts(EVERY_AXIS, [True] * 3) == (0, 1, 0)
    assert arms_of_parts(EVERY_AXIS, [True]) == (None,)
    assert arms_of_parts(ONE_ARM, [True] * 2) == (None, None)
    assert axes_of_arm(EVERY_AXIS, 1) == axes_of_arm(EVERY_AXIS, 0) == ONE_ARM
    assert axes_of_arm(EVERY_AXIS, None) == EVERY_AXIS


def test_motions_on_one_arm_are_summed_and_clipped(shared: Pair) -> None:
    assert shared.device.axes == ("x", "y", "gripper")
    shared.first.set(0.75, -0.5, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    sample = shared.sample()
    assert (sample.motion, sample.engage, sample.connected) == ((1.0, -0.5, 0.0), True, True)
    shared.second.set(-0.5, 0.0, at_ns=shared.now_ns)
    assert shared.sample().motion == (0.25, -0.5, 0.0)


def test_one_device_engages_and_the_other_moves(shared: Pair) -> None:
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    sample = shared.sample()
    assert (sample.motion, sample.engage, sample.teaches) == ((0.5, 0.0, 0.0), True, None)


def test_a_device_at_rest_teaches_nothing_beside_one_that_drives(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().teaches == (True, True, False)
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().teaches is None, "while nobody acts it covers what all could"


def test_each_arm_has_its_own_dead_man_control(apart: Pair) -> None:
    assert apart.device.axes == ("x", "y", "x2", "y2")
    apart.first.set(0.5, 0.25, at_ns=apart.now_ns, engage=True)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns)
    sample = apart.sample()
    assert sample.motion == (0.5, 0.25, 0.0, 0.0), "the second arm is pushed without its control"
    assert sample.teaches == (True, True, False, False)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns, engage=True)
    sample = apart.sample()
    assert (sample.motion, sample.teaches) == ((0.5, 0.25, -1.0, 0.0), None)
    apart.first.set(0.5, 0.25, at_ns=apart.now_ns)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns)
    assert apart.sample().motion == (0.5, 0.25, -1.0, 0.0), "touch and toggle mode need no control"


def test_a_stale_part_contributes_nothing_and_does_not_drag_the_other_down(apart: Pair) -> None:
    apart.first.set(0.5, 0.0, at_ns=apart.now_ns - 251 * MS, engage=True)
    apart.second.set(0.25, 0.0, at_ns=apart.now_ns, engage=True)
    sample = apart.sample()
    assert (sample.motion, sample.connected, sample.engage) == ((0.0, 0.0, 0.25, 0.0), True, True)
    assert sample.teaches == (False, False, True, True)
    assert sample.age_s(apart.now_ns) == 0.0
    assert "first: not connected" in apart.device.trouble
    assert "second" not in apart.device.trouble
    apart.second.set(0.25, 0.0, at_ns=apart.now_ns - 251 * MS, engage=True)
    sample = apart.sample()
    assert (any(sample.motion), sample.connected, sample.engage) == (False, False, False)


def test_a_lost_part_is_named(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.trouble = "the pad was unplugged"
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns, connected=False)
    sample = shared.sample()
    assert (sample.motion, sample.connected) == ((0.5, 0.0, 0.0), True)
    assert shared.device.trouble == "second: the pad was unplugged"
    assert "second: not connected" in shared.device.status_text()


@pytest.mark.parametrize("connected", [True, False])
def test_any_part_stops_even_a_lost_or_stale_one(shared: Pair, connected: bool) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 0.0, at_ns=0, stop=True, connected=connected)
    assert shared.sample().stop


def test_the_newer_of_two_gripper_commands_holds() -> None:
    pair = Pair(Toy("x", "gripper"), Toy("x", "gripper"))

    def command(toy: Toy, value: float) -> None:
        toy.set(0.0, value, at_ns=pair.now_ns, lasting=(False, value != 0.0))

    command(pair.first, 1.0)
    command(pair.second, 0.0)
    sample = pair.sample()
    assert (sample.motion[1], sample.lasting) == (1.0, (False, True))
    command(pair.second, -1.0)
    assert pair.sample().motion[1] == -1.0
    command(pair.first, -1.0)
    command(pair.second, -1.0)
    pair.sample()
    command(pair.first, 1.0)
    assert pair.sample().motion[1] == 1.0
    command(pair.first, 0.0)
    assert pair.sample().motion[1] == -1.0


def test_a_gripper_command_is_taught_with_the_other_devices_drive(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 1.0, at_ns=shared.now_ns, teaches=(True, True), lasting=(False, True))
    assert shared.sample().teaches is None


def test_messages_reach_all_parts_and_their_commands_come_back(shared: Pair) -> None:
    shared.device.robot_stopped()
    shared.device.correction_ended()
    assert [(toy.stops, toy.ends) for toy in (shared.first, shared.second)] == [(1, 1)] * 2
    shared.second.give_command("pause")
    shared.first.give_command("success")
    assert sorted(shared.device.take_commands()) == ["pause", "success"]
    assert shared.device.take_commands() == []


def test_standing_still_is_taught_unless_the_other_pushes(shared: Pair) -> None:
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns, engage=True, still=True)
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().still
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    assert not shared.sample().still


def test_a_window_that_two_devices_read_gives_each_all_events() -> None:
    feed = EventFeed(2)
    other = feed.branch()
    event = InputEvent(1, "key_down", "w")
    feed.put(event)
    assert (feed.drain(0.0), other.drain(0.0)) == ([event], [event])
    for _ in range(3):
        feed.put(event)
    assert (feed.dropped, other.dropped) == (1, 1)


def test_contract() -> None:
    class Wheel(Toy):
        def read(self, timeout_s: float) -> DeviceSample:
            time.sleep(0.002)
            return DeviceSample(time.perf_counter_ns(), self.now if self.up else (0.0, 0.0), connected=self.up)

        now: tuple[float, ...] = (0.0, 0.0)
        up = True

    made: list[Wheel] = []

    def make() -> CombinedDevice:
        made[:] = [Wheel("x", "y"), Wheel("x", "y")]
        return CombinedDevice([Part(made[0], "a", 0), Part(made[1], "b", 1)])

    def lose(_: Device) -> None:
        made[0].up = made[1].up = False

    check_device(make, lambda _: setattr(made[1], "now", (0.0, -1.0)), lose)
    assert all(one.failure is None and not any(one.latest().motion) for one in made), "the parts are closed too"


def test_a_part_that_fails_is_a_lost_part() -> None:
    class Broken(Toy):
        def read(self, timeout_s: float) -> DeviceSample:
            raise ValueError("a faulty driver")

    device = CombinedDevice([Part(Broken("x"), "a"), Part(Toy("x"), "b")])
    device.start()
    try:
        wait_until(lambda: "a: a faulty driver" in device.trouble)
        assert device.failure is None
    finally:
        device.close()
