"""Every command can be bound to a key or button of every device. A press counts once, and none is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hands import FREE, NAMES, Hand, InStep, binding, given, hand_at, press, release
from loop_bench import Bench

from hitl_clic import presets
from hitl_clic.control.gate import GateSettings
from hitl_clic.devices.core.device import MOST_COMMANDS, Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.mapping.key_rows import key_rows
from hitl_clic.devices.mapping.shaping import checked_profile, load_profile
from hitl_clic.devices.registry import DEVICES
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import make_device
from hitl_clic.settings import SessionSettings
from hitl_clic.types.commands import COMMANDS


def tap(hand: Hand, control: str) -> None:
    press(hand, control)
    release(hand, control)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "stop"])
@pytest.mark.parametrize("name", NAMES)
def test_each_command_on_each_device_once_for_each_press(name: str, command: str) -> None:
    control = FREE[name]
    with hand_at(name, binding(name, control, command)) as hand:
        assert given(hand) == []
        press(hand, control)
        assert given(hand) == [command]
        assert given(hand) == [], "held"
        if name == "keyboard":
            hand.say("key_down", control)  # type: ignore[attr-defined]
            assert given(hand) == [], "the system's key repeat"
        release(hand, control)
        assert given(hand) == []
        press(hand, control)
        assert given(hand) == [command]


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_is_a_level_and_no_queued_command(name: str) -> None:
    control = FREE[name]
    with hand_at(name, binding(name, control, "stop")) as hand:
        given(hand)
        press(hand, control)
        hand.keep()
        assert hand.device.read(0.002).stop
        assert hand.device.take_commands() == []


@pytest.mark.parametrize("name", NAMES)
def test_the_loop_obeys_a_device_without_a_window(name: str) -> None:
    """An emergency stop is cleared, the loop goes on, and the episode is ended, all from the device."""
    bindings = {"clear_stop": FREE[name]}
    profile = binding(name, FREE[name], "clear_stop")
    more = {"pause": {"keyboard": "l", "mouse": "wheel left", "spacemouse": "3", "gamepad": "right"}[name]}
    more |= {"success": {"keyboard": "j", "mouse": "wheel right", "spacemouse": "rotation", "gamepad": "x"}[name]}
    stop = {"keyboard": "escape", "mouse": "escape", "spacemouse": "esc", "gamepad": "b"}[name]
    kind = "keys" if name == "keyboard" else "buttons"
    changed = getattr(profile, kind) | {control: command for command, control in more.items()}
    profile = checked_profile(profile.model_dump() | {kind: changed}, name)
    bindings |= more

    with hand_at(name, profile) as hand:

        def does(control: str) -> Callable[[], None]:
            if control.startswith("wheel"):
                return lambda: hand.say("wheel", control)  # type: ignore[attr-defined]
            return lambda: press(hand, control)

        def ends(control: str) -> Callable[[], None]:
            return (lambda: None) if control.startswith("wheel") else lambda: release(hand, control)

        order = [stop, bindings["clear_stop"], bindings["pause"], bindings["success"]]
        deeds = [
            deed
            for at, control in zip((2, 4, 6, 8), order, strict=True)
            for deed in ((at, does(control)), (at + 1, ends(control)))
        ]
        made = Bench(device=InStep(hand, *deeds), gate=GateSettings(), longest=50)
        (episode,) = made.run()
        assert made.events == ["clear_stop", "pause", "success"]
        assert episode is not None
        assert episode.success
        assert made.states == "aaaa", "two ticks before the stop, and two after the pause"


def test_many_presses_between_two_ticks_are_all_heard() -> None:
    with hand_at("keyboard", binding("keyboard", "k", "next_correction_axes")) as hand:
        for _ in range(5):
            tap(hand, "k")
        assert given(hand) == ["next_correction_axes"] * 5


def test_the_queue_is_bounded() -> None:
    with hand_at("keyboard", binding("keyboard", "k", "pause")) as hand:
        for _ in range(2 * MOST_COMMANDS):
            tap(hand, "k")
        assert len(given(hand)) == MOST_COMMANDS


@pytest.mark.parametrize("order", [("back", "start"), ("start", "back")])
def test_a_chord_does_not_fire_its_parts(order: tuple[str, str]) -> None:
    with hand_at("gamepad") as hand:
        given(hand)
        hand.down(order[0])
        assert given(hand) == []
        hand.down(order[1])
        assert given(hand) == ["reset"]
        hand.up(*order)
        assert given(hand) == []


def test_the_pads_own_bindings() -> None:
    with hand_at("gamepad") as hand:
        given(hand)
        for control, command in (("start", "pause"), ("back", "clear_stop")):
            tap(hand, control)
            hand.device.read(0.002)
            hand.down(control)
            given(hand)
            hand.up(control)
            assert given(hand) == [command]
        hand.down("left stick", "right stick")
        assert given(hand) == ["discard"]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_command_is_named_with_what_is_near(name: str) -> None:
    with pytest.raises(ValueError, match=f"{FREE[name]}' is bound to 'discrad'; did you mean 'discard'"):
        binding(name, FREE[name], "discrad")


def test_a_device_of_ones_own_gives_commands() -> None:
    class Pedal(Device):
        name, axes = "pedal", ("x", "y")

        def read(self, timeout_s: float) -> DeviceSample:
            raise NotImplementedError

    pedal = Pedal(100.0)
    pedal.give_command("failure")
    with pytest.raises(ValueError, match="'pedal' gives the command 'fail'; known are stop, "):
        pedal.give_command("fail")
    assert pedal.take_commands() == ["failure"]
    assert pedal.take_commands() == []


@pytest.mark.parametrize("headless", [False, True])
def test_a_key_of_the_window_too_is_the_windows_alone(headless: bool, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Else one press of the key would pause and go on at once."""
    path = tmp_path / "mine.toml"
    text = (load_profile("keyboard").model_copy(update={"keys": {}})).model_dump_json()
    import json

    import tomli_w

    content = {key: value for key, value in json.loads(text).items() if value not in (None, {})}
    content["axes"] = {"x": {}, "y": {}}
    content["keys"] = {"p": "pause", "k": "discard", "escape": "stop", "space": "engage"}
    path.write_text(tomli_w.dumps(content), encoding="utf-8")
    settings = SessionSettings(device="keyboard", profile=str(path), headless=headless)
    feed = EventFeed()
    device = make_device(settings, ("x", "y"), TeacherChannel(), feed)
    import time

    for key in ("p", "k", "escape"):
        feed.put(InputEvent(time.perf_counter_ns(), "key_down", key))
    sample = device.read(0.002)
    assert device.take_commands() == (["pause", "discard"] if headless else ["discard"])
    assert sample.stop, "a stop is heard twice rather than not at all"


def test_the_key_map_shows_commands() -> None:
    spec = DEVICES["gamepad"]
    rows = dict(key_rows(load_profile("gamepad"), ("x", "y", "z"), spec.axis_labels))
    assert rows["Start button"] == COMMANDS["pause"]
    assert rows["Back and start buttons together"] == COMMANDS["reset"]


def test_the_profile_in_the_document_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved where the page says, used by the name that it says, at a virtual pad."""
    text = (Path(__file__).parents[2] / "docs" / "teaching.md").read_text(encoding="utf-8")
    before, _, rest = text.partition('```toml\nextends = "gamepad"')
    printed = f'extends = "gamepad"{rest.partition("```")[0]}'
    assert before.rstrip().endswith("Save it as `~/.config/hitl-clic/devices/mine.toml`:")
    assert "`hitl-clic teach --device gamepad --profile mine`" in rest
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "mine.toml").write_text(printed, encoding="utf-8")
    profile = load_profile("mine")
    assert profile.buttons == {**load_profile("gamepad").buttons, "guide": "pause", "x long": "success"}
    with hand_at("gamepad", profile) as hand:
        given(hand)
        press(hand, "guide")
        assert given(hand) == ["pause"]
        release(hand, "guide")
        given(hand)
        hand.down("left stick", "right stick")
        assert given(hand) == ["discard"]
