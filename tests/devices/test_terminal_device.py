"""The keyboard of a terminal: the bytes it sends, and how long its keys count as held."""

from __future__ import annotations

import pytest

from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.terminal import TerminalDevice, TerminalSettings
from hitl_clic.devices.hardware.terminal_keys import TerminalKeyParser
from hitl_clic.devices.mapping.shaping import load_profile

MS = 1_000_000
ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (b"w", ["w"]),
        (b"W", ["left shift", "w"]),
        (b" \r\x7f\t", ["space", "return", "backspace", "tab"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[1;2C\x1b[1;5D", ["left shift", "right", "left ctrl", "left"]),
        (b"\x1b[5~\x1b[6~\x1b[21~\x1b[24~\x1bOP\x1b[[A", ["page up", "page down", "f10", "f12", "f1", "f1"]),
        (b"\x1bOM", ["return"]),
        (b"\x1b[<0;12;7M\x1b[<0;12;7m\x1b[I\x1b[?1;2c", []),  # reports of a mouse, of the focus and of the model
        ("йζת".encode(), ["q", "z", ","]),
        ("é".encode(), ["é"]),
        (b"\x1bp", ["escape", "p"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\xff\xfea", ["a"]),
    ],
)
def test_the_names_of_keys(sent: bytes, names: list[str]) -> None:
    assert TerminalKeyParser().feed(sent) == names
    slowly = TerminalKeyParser()
    assert [name for byte in sent for name in slowly.feed(bytes([byte]))] == names, "in as many pieces as bytes"


def test_a_lone_escape_is_a_key_once_nothing_follows() -> None:
    parser = TerminalKeyParser()
    assert parser.feed(b"\x1b") == []
    assert parser.incomplete
    assert parser.flush() == ["escape"]
    assert not parser.incomplete


class Bench:
    """The device, and a clock that the test controls."""

    def __init__(self) -> None:
        self.now_ns, self.feed = 10**10, EventFeed()
        times = TerminalSettings(press_s=0.4, repeat_s=0.1)
        self.device = TerminalDevice(
            self.feed, load_profile("terminal"), clock=lambda: self.now_ns, axes=ARM, times=times
        )

    def press(self, *names: str) -> DeviceSample:
        for name in names:
            self.feed.put(InputEvent(self.now_ns, "key_down", name))
        return self.device.read(0.0)

    def after(self, ms: int, kind: str = "alive") -> DeviceSample:
        """The sample after a time in which the terminal was there."""
        for _ in range(max(1, ms // 10)):
            self.now_ns += min(ms, 10) * MS
            self.feed.put(InputEvent(self.now_ns, kind))  # type: ignore[arg-type]
            sample = self.device.read(0.0)
        return sample


def test_a_press_counts_for_its_time_and_takes_over() -> None:
    bench = Bench()
    sample = bench.press("right")
    assert sample.motion[0] == 1.0
    assert sample.engage
    assert bench.after(390).engage
    sample = bench.after(10)
    assert (sample.motion[0], sample.engage) == (0.0, False)


def test_a_held_key_goes_on_without_a_gap_and_ends_soon_after_its_last_repetition() -> None:
    bench = Bench()
    bench.press("up")
    bench.after(300)
    for _ in range(20):
        assert bench.press("up").motion[1] == -1.0
        assert bench.after(30).motion[1] == -1.0
    assert bench.after(60).engage
    assert not bench.after(20).engage


def test_a_held_gripper_key_is_one_press() -> None:
    bench = Bench()
    for _ in range(20):
        sample = bench.press("g")
        bench.after(30)
    assert sample.motion[-1] == 1.0
    bench.after(200)
    assert bench.press("g").motion[-1] == -1.0


def test_space_switches_driving_on_and_off() -> None:
    bench = Bench()
    assert bench.press("space").engage
    assert bench.after(3000).engage
    assert "Space" in bench.device.status_text()
    assert not bench.press("space").engage


@pytest.mark.parametrize("what", ["stop", "lost", "closed"])
def test_driving_ends_with_a_stop_and_with_the_terminal(what: str) -> None:
    bench = Bench()
    assert bench.press("space").engage
    if what == "stop":
        assert bench.press("escape").stop
    elif what == "lost":  # in the background there is no sign of life
        bench.now_ns += 2000 * MS
        assert not bench.device.read(0.0).engage
    else:
        bench.after(10, "closed")
    assert not bench.after(1000).engage


def test_a_capital_letter_or_shift_is_a_small_step() -> None:
    assert Bench().press("left shift", "right").motion[0] == pytest.approx(0.35)
