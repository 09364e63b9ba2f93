"""The texts about learning, devices, the loop and episodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cockpit_states import STATE, marks

from hitl_clic.cockpit.state import status_text
from hitl_clic.types.scene3d import Pose


def test_status_texts() -> None:
    assert status_text.learnt(replace(STATE, corrections=())) == ("No corrections yet", True)
    assert status_text.learnt(STATE) == ("1 of your last 2 corrections learnt", False)
    assert status_text.learnt(replace(STATE, corrections=("learnt",) * 9)) == (
        "Your last 5 corrections are learnt",
        True,
    )
    followed = replace(STATE, corrections=("followed", "discarded", "unfollowed", "followed"))
    assert status_text.learnt(followed) == ("It follows 2 of your last 3 corrections", False)
    assert status_text.learnt(replace(STATE, corrections=("followed",))) == (
        "It follows your last correction",
        True,
    )
    assert (
        status_text.learnt(replace(STATE, corrections=("unfollowed",)))[0] == "It does not follow your last correction"
    )
    half_judged = replace(STATE, corrections=("followed", "learnt"))
    assert status_text.learnt(half_judged) == ("It follows 1 of your last 2 corrections", False)
    one_queued = replace(STATE, corrections=("unfollowed", "unfollowed", "queued"))
    assert status_text.learnt(one_queued) == ("It follows 0 of your last 3 corrections", False)
    assert status_text.learner(replace(STATE, link="lost")).level == "attention"
    assert status_text.device(replace(STATE, device_connected=False)).level == "attention"
    assert status_text.device(replace(STATE, device_age_s=3.0)).level == "attention"
    assert status_text.loop(replace(STATE, lateness_p99_ms=9.0)).level == "attention"
    assert status_text.loop(replace(STATE, target_hz=20.0)).word == "slow"
    assert {line(STATE).level for line in (status_text.loop, status_text.device, status_text.learner)} == {"ok"}
    assert status_text.beside_badge(replace(STATE, gate="stopped", hint="hold Space")) == "press C to clear stop"
    assert status_text.beside_badge(replace(STATE, hint="hold Space")) == "relative · hold Space"
    assert "approved" in status_text.beside_badge(
        replace(STATE, gate="correcting", approving=True, hint="release Space")
    )
    assert "release" in status_text.beside_badge(replace(STATE, gate="correcting", hint="release Space"))
    assert ("Z", "discard") in status_text.key_rows(STATE)[1]
    assert ("Z", "discard") not in status_text.key_rows(replace(STATE, practice="Success in 1 of 1"))[1], (
        "nothing is learnt there"
    )
    held = replace(STATE, correction_axes="height", device_keys=(("Space", "Drive"),), hint="hold Space")
    assert status_text.beside_badge(held) == "only height · relative · hold Space"
    assert status_text.correction_settings(held) == (
        ("toggle_correction_mode", "relative"),
        ("next_correction_axes", "only height"),
    )
    in_space = replace(
        held, correction_axes="everything", command_frame="gripper", scene=replace(STATE.scene, pose=Pose(b"", ()))
    )
    assert status_text.correction_settings(in_space)[1:] == (
        ("next_command_frame", "gripper frame"),
        ("next_correction_axes", "all axes"),
    )
    assert status_text.correction_settings(STATE) == (("toggle_correction_mode", "relative"),), (
        "a script chooses its own axes and frame"
    )


def test_recent_episodes_are_compared_with_earlier_ones() -> None:
    (driven, before), (reached, earlier) = status_text.recent_episodes(
        marks(*[(0.9, True)] * 2, *[(0.6, False)] * 5, *[(0.1, True)] * 5)
    )
    assert (driven, before) == ("You drove 10% of the last 5 episodes", "60% before")
    assert (reached, earlier) == ("5 of them succeeded", "0 before")
    (driven, before), (reached, earlier) = status_text.recent_episodes(
        marks((0.5, False), (0.4, True), (0.2, False), (0.0, True))
    )
    assert (driven, before, reached, earlier) == (
        "You drove 10% of the last 2 episodes",
        "45% before",
        "1 of them succeeded",
        "1 before",
    )
    assert status_text.recent_episodes(marks((0.3, False))) == (
        ("You drove 30% of the last episode", ""),
        ("It failed", ""),
    )
    assert status_text.recent_episodes(marks((0.3, False), (0.2, True))) == (
        ("You drove 20% of the last episode", "30% before"),
        ("It succeeded", "failure before"),
    )
    ended = marks(*[(0.0, True)] * 2, *[(0.0, False)] * 4, (0.0, True))
    assert status_text.success_rates(ended) == pytest.approx([1, 1, 2 / 3, 1 / 2, 2 / 5, 1 / 5, 1 / 5])
