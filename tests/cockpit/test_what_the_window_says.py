"""The window's sentences agree with what is drawn, and say why something happened."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import get_args

import pytest
from cockpit_states import STATE

from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import Correction
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.pusht.push_t import PushT
from hitl_clic.types.records import EventRecord
from hitl_clic.types.view import LoopView


@pytest.mark.parametrize("count", range(1, status_text.SHOWN_CORRECTIONS + 1))
def test_the_sentence_counts_the_filled_bars(count: int) -> None:
    """The sentence names how many of the corrections that were not discarded; as many bars are filled."""
    for flags in itertools.product(get_args(Correction), repeat=count):
        state = replace(STATE, corrections=flags)
        shown = status_text.newest(state)
        filled, kept = sum(flag in ("learnt", "followed") for flag in shown), count - flags.count("discarded")
        sentence, complete = status_text.learnt(state)
        if not kept:
            assert sentence == "Your last corrections were discarded"
            continue
        assert complete == (filled == kept)
        numbers = [int(number) for number in re.findall(r"\d+", sentence)]
        if kept == 1:
            assert numbers == []
            assert filled == (" not " not in sentence and "waiting" not in sentence)
        else:
            assert numbers == ([kept] if filled == kept else [filled, kept]), (sentence, shown)
        assert not {"learnt", "followed"} <= set(shown), "a filled bar has one meaning at a time"


@pytest.mark.parametrize(
    ("why", "said"),
    [("the window has no focus", "the window has no focus"), ("", "it sends nothing")],
)
def test_a_lost_device_is_shown_with_the_reason(why: str, said: str) -> None:
    """The message is that of the recorded event; the line about the machine is what the device says now."""
    events, views = EventFeed(), Slot[LoopView]()
    device = KeyboardDevice(events, load_profile("keyboard"), axes=("x", "y"))
    feed = CockpitFeed(SessionSettings(device="keyboard", task="push_t"), PushT(), views, FixedStatus(), device)
    views.publish(LoopView(0, 0, 0, "autonomous", "absolute", None, None, 0, None, {}, command_frame="camera"))
    feed.add(EventRecord(3, 0, "device_lost", {"device": "keyboard", "why": why}))
    events.put(InputEvent(device._clock(), "focus_lost"))
    device.read(0.0)
    state = feed.state()
    assert state is not None
    assert state.message == f"Device lost: {said}"
    line = status_text.device(replace(state, device_connected=False))
    assert line.figures == f"{device.trouble} · it reconnects by itself"
    assert device.trouble == "the window has no focus"
    assert status_text.device(replace(STATE, device_connected=False)).figures == "no motion · it reconnects by itself"
