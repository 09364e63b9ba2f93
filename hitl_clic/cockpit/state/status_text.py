"""The texts of window, terminal dashboard and logs about a state.

Pure functions of a `CockpitState`; any thread. Each text starts with words and ends with figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hitl_clic.cockpit.state.state import CockpitState, Correction, EpisodeMark
from hitl_clic.cockpit.window import keymap
from hitl_clic.types.records import EVERYTHING, CommandFrame
from hitl_clic.types.view import HandNote

SHOWN_CORRECTIONS = 5
RECENT_EPISODES = 5
STALE_DEVICE_S = 0.25
"""Age of the newest sample above which the device is called silent, s."""
SLOW_SHARE = 0.95
"""Share of the target rate below which the loop is called slow."""
_LONGEST_NAME = 26
"""Characters of a device's name, which may be that of several devices."""
LATE_MS = 3.0
"""Lateness (p99) above which the loop is called late, ms."""


FRAMES: Mapping[CommandFrame, str] = {"world": "world frame", "gripper": "gripper frame", "camera": "camera frame"}
"""The command frame: the frame of the teacher's motion."""

CORRECTIONS: Mapping[Correction, tuple[str, str]] = {
    "discarded": ("–", "discarded"),
    "queued": ("○", "waiting"),
    "unfollowed": ("◐", "not yet"),
    "followed": ("●", "followed"),
    "learnt": ("●", "learnt"),
}
"""Symbol and word of each state of a correction."""

HANDS: Mapping[HandNote, str] = {
    "": "",
    "let go": "let go once to take over",
    "push": "push to teach; holding alone teaches nothing",
    "still": "teaches standing still",
}
"""What the teacher should know about the hand at the device."""

Level = Literal["ok", "wait", "attention"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line about the machine: its subject, a status word, figures, and whether it needs attention."""

    subject: str
    word: str
    figures: str
    level: Level = "ok"


SPEEDS: Mapping[float, str] = {0.5: "half speed", 0.25: "quarter speed"}
"""Words for slow motion."""


def badge(state: CockpitState) -> str:
    """Who drives."""
    if state.practice and state.gate in ("autonomous", "waiting"):
        return "READY"
    return {
        "autonomous": "ROBOT DRIVES",
        "correcting": "YOU DRIVE",
        "waiting": "ROBOT ASKS FOR HELP",
        "paused": "PAUSED",
        "stopped": "STOPPED",
    }[state.gate]


def beside_badge(state: CockpitState) -> str:
    """Slow motion, how corrections are read and how to hand over; if nobody drives, how to continue."""
    slow = SPEEDS.get(state.speed, "")
    return " · ".join(part for part in (slow, _beside_badge(state)) if part)


def _beside_badge(state: CockpitState) -> str:
    if state.gate in ("paused", "stopped"):
        ((label, word),) = state.keymap.hints("pause" if state.gate == "paused" else "clear_stop")
        return f"press {label} to {'continue' if state.gate == 'paused' else word}"
    note = HANDS[state.hand] if not state.practice or state.hand == "let go" else ""
    if state.hand == "let go":
        return note
    if state.gate == "waiting":
        dismiss = f"{state.keymap.label('pause')} lets it continue"
        return "; ".join(filter(None, (state.hint, "the clock starts when you drive" if state.practice else dismiss)))
    if state.approving and state.gate == "correcting":
        return f"{state.correction_mode} · approved while you do not steer"
    only = "" if state.correction_axes == EVERYTHING else f"only {state.correction_axes} · "
    if note:
        return f"{only}{note}"
    hint = f"{only}{state.correction_mode}" + (f" · {state.hint}" if state.hint else "")
    return f"the robot asks for help · {hint}" if state.help_requested and state.gate == "autonomous" else hint


def correction_settings(state: CockpitState) -> tuple[tuple[keymap.WindowCommand, str], ...]:
    """How corrections are read: (command that changes it, present value) for all that can be changed here.

    A script chooses its own axes, and a flat task has one frame.
    """
    axes = "all axes" if state.correction_axes == EVERYTHING else f"only {state.correction_axes}"
    parts: tuple[tuple[keymap.WindowCommand, str, bool], ...] = (
        ("toggle_correction_mode", state.correction_mode, True),
        ("next_command_frame", FRAMES[state.command_frame], bool(state.device_keys and state.scene.pose)),
        ("next_correction_axes", axes, bool(state.device_keys)),
    )
    return tuple((command, word) for command, word, shown in parts if shown)


def key_rows(state: CockpitState) -> tuple[tuple[keymap.Row, ...], ...]:
    """Rows of (key, text) at the foot of the panel. The first says how corrections are read now."""
    keys = state.keymap
    actions: tuple[keymap.Action, ...] = (
        ("stop", "pause", "help") if state.practice else ("stop", "pause", "discard", "help")
    )
    return (
        tuple((keys.label(command), word) for command, word in correction_settings(state)),
        keys.hints(*actions),
        keys.hints("success", "failure", "reset"),
    )


def newest(state: CockpitState) -> tuple[Correction, ...]:
    """The newest corrections as they are shown, oldest first; `learnt` counts those that are complete.

    Before the policy was asked about one of them, a learnt one is complete. After that, only one that it follows is.
    """
    flags = state.corrections[-SHOWN_CORRECTIONS:]
    asked = "followed" in flags or "unfollowed" in flags
    return tuple("unfollowed" if asked and flag == "learnt" else flag for flag in flags)


def learnt(state: CockpitState) -> tuple[str, bool]:
    """Whether the newest corrections are learnt: as a text, and as a flag for all of them."""
    if state.practice:
        return state.practice, True
    kept = [flag for flag in newest(state) if flag != "discarded"]
    if not kept:
        return "Your last corrections were discarded" if state.corrections else "No corrections yet", True
    done, followed = len(kept) - kept.count("queued"), kept.count("followed")
    if followed or "unfollowed" in kept:  # says more than that a correction was in a trained batch
        if len(kept) == 1:
            return f"It {'follows' if followed else 'does not follow'} your last correction", bool(followed)
        share = "" if followed == len(kept) else f"{followed} of "
        return f"It follows {share}your last {len(kept)} corrections", not share
    if len(kept) == 1:
        return ("Your last correction is learnt" if done else "Your last correction is waiting"), bool(done)
    if done == len(kept):
        return f"Your last {done} corrections are learnt", True
    return f"{done} of your last {len(kept)} corrections learnt", False


def policy(state: CockpitState) -> str:
    """One line about weights and training pairs."""
    if state.practice:
        return "nothing is recorded or learnt here"
    used = f"policy v{state.weight_version} · {age(state.weights_age_s)} old"
    version = used if state.weight_version else "untrained: it stands still"
    return f"{version} · {state.updates_per_s:.0f} updates/s · {state.pairs_learnt} of {state.pairs_made} pairs learnt"


def machine(state: CockpitState) -> tuple[Line, Line, Line]:
    """The lines of loop, device and learner."""
    return loop(state), device(state), learner(state)


def loop(state: CockpitState) -> Line:
    """The loop's line."""
    if state.loop_hz == 0.0:
        return Line("Loop", "starting", "", "wait")
    slow = state.loop_hz < SLOW_SHARE * state.target_hz
    late = state.lateness_p99_ms > LATE_MS
    lateness = f"p99 {state.lateness_p99_ms:.1f}, max {state.lateness_worst_ms:.1f} ms"
    figures = f"{state.loop_hz:.1f} Hz · {lateness} · {state.overruns} overrun{'' if state.overruns == 1 else 's'}"
    word = "slow" if slow else "late" if late else "on time"
    return Line("Loop", word, figures, "attention" if slow or late else "ok")


def device(state: CockpitState) -> Line:
    """The device's line."""
    name = state.device or "none"
    if len(name) > _LONGEST_NAME:  # the word behind it matters more
        name = name[: _LONGEST_NAME - 1] + "…"
    if not state.device_connected:
        why = state.device_trouble or "no motion"
        return Line("Device", f"{name} lost", f"{why} · it reconnects by itself", "attention")
    if state.device_age_s > STALE_DEVICE_S:
        return Line("Device", f"{name} silent", f"for {age(state.device_age_s)}; no motion", "attention")
    return Line("Device", name, f"last sample {age(state.device_age_s)} ago")


def learner(state: CockpitState) -> Line:
    """The learner's line."""
    if state.practice:
        return Line("Learner", "off", "practice only", "wait")
    figures = f"pairs: {state.pairs_queued} waiting, {state.pairs_dropped} dropped"
    if state.link == "connected":
        return Line("Learner", "connected", figures, "attention" if state.pairs_dropped else "ok")
    if state.link == "connecting":
        return Line("Learner", "connecting", state.link_detail or figures, "wait")
    detail = state.link_detail or f"the robot keeps its last policy · {state.pairs_queued} waiting"
    return Line("Learner", state.link, detail, "attention")


def episode(state: CockpitState) -> str:
    """Episode, counted from 1, and time of the session."""
    return f"episode {state.episode + 1} · {age(state.time_s)}"


def progress(state: CockpitState) -> str:
    """The task's progress and the step."""
    steps = f"step {state.step} of {state.max_steps}" if state.max_steps else f"step {state.step}"
    return f"{state.progress} · {steps}" if state.progress else steps


def finished(mark: EpisodeMark, practice: bool = False) -> str:
    """One log line for a finished episode."""
    share = "" if practice else f"corrected in {mark.feedback:.0%} of "
    return f"episode {mark.episode + 1}: {'success' if mark.success else 'failure'} · {share}{mark.timesteps} steps"


def recent_episodes(history: Sequence[EpisodeMark]) -> tuple[tuple[str, str], tuple[str, str]]:
    """(newest episodes, as many before them): texts on the share driven, and on the successes.

    The second text is empty for a single episode. `history` must not be empty.
    """
    count = max(1, min(RECENT_EPISODES, len(history) // 2))
    recent, before = history[-count:], history[-2 * count : -count]
    driven = f"You drove {_driven(recent):.0%} of the last {'episode' if count == 1 else f'{count} episodes'}"
    good = sum(mark.success for mark in recent)
    outcome = ("It succeeded" if good else "It failed") if count == 1 else f"{good} of them succeeded"
    if not before:
        return (driven, ""), (outcome, "")
    earlier = sum(mark.success for mark in before)
    then = ("success" if earlier else "failure") if count == 1 else str(earlier)
    return (driven, f"{_driven(before):.0%} before"), (outcome, f"{then} before")


def success_rates(history: Sequence[EpisodeMark]) -> list[float]:
    """For each episode the success rate of the newest `RECENT_EPISODES` up to it."""
    ends = range(1, len(history) + 1)
    recent = [history[max(0, end - RECENT_EPISODES) : end] for end in ends]
    return [sum(mark.success for mark in marks) / len(marks) for marks in recent]


def _driven(marks: Sequence[EpisodeMark]) -> float:
    return sum(mark.feedback for mark in marks) / len(marks)


def trend(state: CockpitState) -> str:
    """The share driven in the first and the last third of the episodes; empty with fewer than three."""
    marks, third = state.history, len(state.history) // 3
    if third == 0:
        return ""
    return f"You drove {_driven(marks[:third]):.0%} of the steps at first, {_driven(marks[-third:]):.0%} at the end"


def age(seconds: float) -> str:
    """A duration with its unit, rounded."""
    if seconds < 0.1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60.0:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
