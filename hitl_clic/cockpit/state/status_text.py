"""The cockpit's sentences: what the window, the terminal dashboard and the logs say about a state.

Pure functions of a `CockpitState`; words come before numbers, and every line says whether all is well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hitl_clic.cockpit.state.state import CockpitState, EpisodeMark
from hitl_clic.cockpit.window import keymap
from hitl_clic.types.records import EVERYTHING, Frame

SHOWN_CORRECTIONS = 5
RECENT_EPISODES = 5
STALE_DEVICE_S = 0.25
"""A device silent for longer is shown as such, seconds."""
SLOW_SHARE = 0.95
"""Share of the wanted rate below which the loop is called slow."""
LATE_MS = 3.0
"""Lateness (p99) above which the loop is called late, milliseconds."""


FRAMES: Mapping[Frame, str] = {
    "world": "along the world's axes",
    "gripper": "along the hand's axes",
    "camera": "along the picture's axes",
}
"""Where motion goes."""

Level = Literal["well", "wait", "look"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line on the machine: its subject, a word on how it is, figures, and whether a person should look."""

    subject: str
    word: str
    figures: str
    level: Level = "well"


def badge(state: CockpitState) -> str:
    """Who drives, in capitals."""
    if state.practice and state.gate in ("autonomous", "waiting"):
        return "READY"
    return {
        "autonomous": "ROBOT DRIVES",
        "correcting": "YOU DRIVE",
        "waiting": "ROBOT ASKS YOU",
        "paused": "PAUSED",
        "stopped": "STOPPED",
    }[state.gate]


def beside_badge(state: CockpitState) -> str:
    """How corrections are read and how to hand over; when nobody drives, how to go on."""
    if state.gate in ("paused", "stopped"):
        ((label, word),) = state.keymap.hints("pause" if state.gate == "paused" else "clear_stop")
        return f"press {label} to {'go on' if state.gate == 'paused' else word}"
    if state.practice and state.gate == "waiting":
        return f"{state.hint}: your time runs from then" if state.hint else "your time runs when you drive"
    if state.gate == "waiting":
        label = state.keymap.label("pause")
        return f"{state.hint}; {label} sends it on" if state.hint else f"{label} sends it on"
    if state.approving and state.gate == "correcting":
        return f"{state.kind} · you let it pass: that is learnt"
    only = "" if state.about == EVERYTHING else f"only {state.about} · "
    hint = f"{only}{state.kind} · {state.hint}" if state.hint else f"{only}{state.kind}"
    return f"the robot is unsure · {hint}" if state.asks and state.gate == "autonomous" else hint


def reading(state: CockpitState) -> tuple[tuple[keymap.Command, str], ...]:
    """How corrections are read, each part with the command that changes it: only what can be changed here.

    A script says itself what its corrections are about, and for a task in the plane all frames are one.
    """
    parts: list[tuple[keymap.Command, str]] = [("toggle_kind", state.kind)]
    if state.device_keys:
        if state.scene.pose is not None:
            parts.append(("next_frame", FRAMES[state.frame]))
        parts.append(("next_axes", "all axes" if state.about == EVERYTHING else f"only {state.about}"))
    return tuple(parts)


def foot(state: CockpitState) -> tuple[tuple[keymap.Row, ...], ...]:
    """Keys that a teacher, or one who practises, needs: how corrections are read now, then what can be asked for."""
    keys = state.keymap
    asks: tuple[keymap.Action, ...] = (
        ("stop", "pause", "help") if state.practice else ("stop", "pause", "discard", "help")
    )
    return (
        tuple((keys.label(command), word) for command, word in reading(state)),
        keys.hints(*asks),
        keys.hints("success", "failure", "reset"),
    )


def learned(state: CockpitState) -> tuple[str, bool]:
    """Answer to "is it learning what I showed?", and whether the newest corrections are all learned."""
    if state.practice:
        return state.practice, True
    kept = [flag for flag in state.corrections[-SHOWN_CORRECTIONS:] if flag != "undone"]
    if not kept:
        if state.corrections:
            return "Your last corrections are undone", True
        return "No corrections yet", True
    done = len(kept) - kept.count("queued")
    followed = kept.count("followed")
    if followed or "unfollowed" in kept:  # what it would do says more than what it has heard of
        which = "your last correction" if len(kept) == 1 else f"your last {len(kept)} corrections"
        if followed == len(kept):
            return f"It would now do {which}", True
        if len(kept) == 1:
            return f"It would not yet do {which}", False
        return f"It would now do {followed} of your last {len(kept)}", False
    if len(kept) == 1:
        return ("Your last correction is learned" if done else "Your last correction is waiting"), bool(done)
    if done == len(kept):
        return f"Your last {done} corrections are learned", True
    return f"{done} of your last {len(kept)} corrections learned", False


def policy(state: CockpitState) -> str:
    """One line on weights and pairs."""
    if state.practice:
        return "nothing is recorded or learned here"
    if state.weight_version == 0:
        version = "untrained: it stands still"
    else:
        version = f"policy v{state.weight_version} · {age(state.weights_age_s)} old"
    return (
        f"{version} · {state.updates_per_s:.0f} updates/s · {state.pairs_learned} of {state.pairs_made} pairs learned"
    )


def loop(state: CockpitState) -> Line:
    """The loop's line."""
    if state.loop_hz == 0.0:
        return Line("Loop", "starting", "", "wait")
    slow = state.loop_hz < SLOW_SHARE * state.target_hz
    late = state.lateness_p99_ms > LATE_MS
    plural = "" if state.overruns == 1 else "s"
    figures = (
        f"{state.loop_hz:.1f} Hz · p99 {state.lateness_p99_ms:.1f}, worst {state.lateness_worst_ms:.1f} ms"
        f" · {state.overruns} overrun{plural}"
    )
    word = "slow" if slow else "late" if late else "on time"
    return Line("Loop", word, figures, "look" if slow or late else "well")


def device(state: CockpitState) -> Line:
    """The device's line."""
    name = state.device or "none"
    if not state.device_connected:
        return Line("Device", f"{name} lost", "no motion; it comes back by itself", "look")
    if state.device_age_s > STALE_DEVICE_S:
        return Line("Device", f"{name} silent", f"for {age(state.device_age_s)}; no motion", "look")
    return Line("Device", name, f"{age(state.device_age_s)} old")


def learner(state: CockpitState) -> Line:
    """The learner's line."""
    if state.practice:
        return Line("Learner", "off", "you practise", "wait")
    figures = f"{state.pairs_queued} waiting · {state.pairs_dropped} dropped"
    if state.link == "connected":
        return Line("Learner", "connected", figures, "look" if state.pairs_dropped else "well")
    if state.link == "connecting":
        return Line("Learner", "connecting", state.link_detail or figures, "wait")
    word = "lost" if state.link == "lost" else "refused"
    return Line(
        "Learner", word, state.link_detail or f"robot keeps its last policy · {state.pairs_queued} waiting", "look"
    )


def episode(state: CockpitState) -> str:
    """Where in the session we are; episodes count from 1 for people."""
    return f"episode {state.episode + 1} · {age(state.time_s)}"


def progress(state: CockpitState) -> str:
    """Where in the episode we are."""
    steps = f"step {state.step} of {state.max_steps}" if state.max_steps else f"step {state.step}"
    return f"{state.progress} · {steps}" if state.progress else steps


def finished(mark: EpisodeMark, practice: bool = False) -> str:
    """One log line for a finished episode."""
    result = "reached" if mark.success else "failed"
    if practice:
        return f"episode {mark.episode + 1} {result} · {mark.timesteps} steps"
    return f"episode {mark.episode + 1} {result} · corrected in {mark.feedback:.0%} of {mark.timesteps} steps"


def recently(history: Sequence[EpisodeMark]) -> tuple[tuple[str, str], tuple[str, str]]:
    """How much the teacher drove in the newest episodes and how many of them reached the goal: each with the same of as
    many episodes before them, which is empty with one episode alone. There must be one.
    """
    count = max(1, min(RECENT_EPISODES, len(history) // 2))
    recent, before = history[-count:], history[-2 * count : -count]
    driven = f"You drove {_driven(recent):.0%} of the last {'episode' if count == 1 else f'{count} episodes'}"
    reached = sum(mark.success for mark in recent)
    goal = ("It reached the goal" if reached else "It failed") if count == 1 else f"{reached} of them reached the goal"
    if not before:
        return (driven, ""), (goal, "")
    earlier = sum(mark.success for mark in before)
    then = ("reached" if earlier else "failed") if count == 1 else str(earlier)
    return (driven, f"{_driven(before):.0%} before"), (goal, f"{then} before")


def reaching(history: Sequence[EpisodeMark]) -> list[float]:
    """For each episode the share of the newest ones up to it that reached the goal."""
    ends = range(1, len(history) + 1)
    recent = [history[max(0, end - RECENT_EPISODES) : end] for end in ends]
    return [sum(mark.success for mark in marks) / len(marks) for marks in recent]


def _driven(marks: Sequence[EpisodeMark]) -> float:
    return sum(mark.feedback for mark in marks) / len(marks)


def trend(state: CockpitState) -> str:
    """How stepping in developed from the first third of the episodes to the last; empty with fewer than three."""
    marks = state.history
    third = len(marks) // 3
    if third == 0:
        return ""
    return f"You drove {_driven(marks[:third]):.0%} of the steps at first, {_driven(marks[-third:]):.0%} at the end"


def age(seconds: float) -> str:
    """A length of time at the precision a glance can use."""
    if seconds < 0.1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60.0:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
