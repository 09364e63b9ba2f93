"""The runs of the program that the documents' pictures show: their keys, and what each step waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hitl_clic.types.records import GateState
from tools.picture_text import Text

ROOT = Path(__file__).resolve().parents[1]
OUT = "session"
"""Name of the session's folder in a run's working folder."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is.

    Attributes:
        out: its folder. pressed_at: its newest tick at the last press of keys.
        tick: its newest tick; -1 before the first. state: who drove in it. events: names of all events.
    """

    out: Path
    pressed_at: int
    tick: int = -1
    state: GateState | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """What a step waits for. `what`: as the end of "waits until"."""

    what: str
    holds: Callable[[Progress], bool]


def ticked(number: int, state: GateState | None = None) -> Condition:
    """True from this tick on, if the gate is in `state` (None: any state)."""
    what = f"tick {number} is recorded" + (f" in the state {state}" if state else "")
    return Condition(what, lambda now: now.tick >= number and state in (None, now.state))


def lasted(ticks: int, state: GateState) -> Condition:
    """True so many ticks after the last press, if the gate is in `state`."""
    what = f"the session is {state} {ticks} ticks after the keys"
    return Condition(what, lambda now: now.tick >= now.pressed_at + ticks and now.state == state)


def let_go(ticks: int) -> Condition:
    """True so many ticks after the last press, if the person does not drive."""
    what = f"the person lets go for {ticks} ticks"
    return Condition(what, lambda now: now.tick >= now.pressed_at + ticks and now.state != "correcting")


def written(name: str) -> Condition:
    """True when the session has written this file."""
    return Condition(f"the session has written {name}", lambda now: (now.out / name).exists())


@dataclass(frozen=True, slots=True)
class Press:
    """Keys, by their X names, pressed together. `then`: what is waited for before the next step."""

    keys: str
    then: Condition | None = None
    how: Literal["key", "keydown", "keyup"] = "key"


@dataclass(frozen=True, slots=True)
class Page:
    """One picture.

    Attributes:
        name: of the file. shows: caption.
        keys: presses that lead from the previous page to this one. when: condition before the first try.
        texts: what the picture must show. file: a file of the session's folder; it replaces the picture of the window.
    """

    name: str
    shows: str
    keys: tuple[Press, ...] = ()
    when: Condition | None = None
    texts: tuple[Text, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program and its pages, in order. `ready`: what the window shows once it takes keys."""

    command: tuple[str, ...]
    pages: tuple[Page, ...]
    ready: Text


def _badge(text: str) -> Text:
    return Text(text, "big")


_ROBOT = _badge("ROBOT DRIVES")
_ENERGY = Text("Light: actions that the", "body", bold=False)
"""First line of the energy's legend: it comes with the energy."""
_ASKS = Text("The robot asks for help: show it what to do", "body", bold=False)
_WAKEFUL = ("--window.niceness", "0")
"""On a busy machine a window of low priority falls silent, and its keyboard counts as lost."""


def _teach(task: str, device: str, *flags: str, pace: str = "realtime") -> tuple[str, ...]:
    common = ("--pace", pace, "--recording.flush-s", "0.3", *_WAKEFUL, "--out", OUT)
    return ("teach", "--task", task, "--device", device, *common, *flags)


def _arm(task: str, shows: str) -> Run:
    """An arm after 800 ticks with the scripted teacher, with the energy shown. Its cameras start late."""
    page = Page(task, shows, (Press("F2"),), ticked(800, "autonomous"), (_ROBOT, _ENERGY))
    return Run(_teach(task, "oracle", "--session", "oracle_human_timing"), (page,), _ROBOT)


def _push(keys: str) -> tuple[Press, ...]:
    """A correction by keys; Space engages."""
    return (
        Press(f"space {keys}", lasted(12, "correcting"), "keydown"),
        Press(f"space {keys}", let_go(5), "keyup"),
    )


RUNS: tuple[Run, ...] = (
    Run(
        _teach("push_t", "keyboard", "--seed", "5", "--correction.mode", "absolute"),
        (
            Page("welcome", "The first start.", (), ticked(20), (Text("HOW TO TEACH"),)),
            Page(
                "teaching",
                "A person corrects the robot: the action asked for, and the desired set around it.",
                (*_push("a"), *_push("s"), *_push("a"), *_push("w"), *_push("d"), Press("space s d", how="keydown")),
                lasted(10, "correcting"),
                (_badge("YOU DRIVE"),),
            ),
            Page(
                "keys",
                "Every key (F1).",
                (Press("space s d", let_go(2), "keyup"), Press("F1")),
                None,
                (Text("KEYS"),),
            ),
            Page(
                "energy_direction",
                'A relative correction only says "rather this way": the desired set is a half-plane.',
                (Press("F1"), Press("F2"), Press("r"), Press("space d", how="keydown")),
                lasted(10, "correcting"),
                (_badge("YOU DRIVE"), Text("the desired side of the", bold=False)),
            ),
            Page(
                "paused",
                "Paused.",
                (Press("space d", let_go(2), "keyup"), Press("F2"), Press("p")),
                None,
                (_badge("PAUSED"), Text("DOES IT NEED YOU LESS?")),
            ),
            Page(
                "stopped",
                "Emergency stop.",
                (Press("p", let_go(2)), Press("Escape")),
                None,
                (_badge("STOPPED"),),
            ),
        ),
        _ROBOT,
    ),
    Run(
        _teach(
            "push_t", "keyboard", "--help-request.threshold", "0.02", "--help-request.wait", "--window.welcome", "never"
        ),
        (
            Page(
                "asks",
                "The robot is unsure, asks and waits.",
                (*_push("a"), *_push("s"), *_push("d")),  # an untrained policy stands still and never asks
                None,
                (_badge("ROBOT ASKS FOR HELP"), _ASKS),
            ),
        ),
        _ROBOT,
    ),
    Run(
        _teach("push_t", "oracle", "--session", "oracle_human_timing", "--seed", "1"),
        (
            Page(
                "energy",
                "How the robot sees its choice (F2), and what the teacher asks for.",
                (Press("F2"),),
                ticked(600, "correcting"),
                (_badge("YOU DRIVE"), _ENERGY, Text("your action, and the", bold=False)),
            ),
        ),
        _ROBOT,
    ),
    Run(
        _teach("line_following", "oracle", "--episodes", "8", "--loop.updates-per-tick", "0.2", pace="max"),
        (
            Page("summary", "The end of a session.", (), written("window.png"), (Text("SESSION OVER"),)),
            Page("report", "What a session leaves behind: its curves.", (), written("curves.png"), file="curves.png"),
        ),
        _ROBOT,
    ),
    Run(
        ("practice", "--task", "push_t", "--device", "keyboard", "--window.welcome", "never", *_WAKEFUL),
        (
            Page(
                "practice",
                "Driving alone, with score and time.",
                (Press("space s a", how="keydown"),),
                None,
                (_badge("YOU DRIVE"), Text("PRACTICE"), Text("you"), Text("on time", "body", bold=False)),
            ),
        ),
        _badge("READY"),
    ),
    Run(
        ("replay", str(ROOT / "recordings" / "keyboard")),
        (
            Page(
                "replay",
                "A recorded session once more, with the energy of the policy that was kept.",
                (Press("space"), Press("Up"), Press("Right"), Press("Right"), Press("F2")),
                None,
                (_ENERGY,),
            ),
        ),
        Text("IS IT LEARNING?"),
    ),
    Run(
        ("devices", "--test", "keyboard"),
        (
            Page(
                "device_bench",
                "Trying a device out.",
                (Press("space d", how="keydown"),),
                None,
                (Text("+1.00", "big"),),
            ),
        ),
        Text("DEVICE"),
    ),
    _arm("hammer", "Hammer: pick it up, drive the nail in."),
    _arm("pick_can", "Pick-Can, from two sides, and the energy."),
    _arm("square", "Square: the nut on its peg."),
    _arm("two_arm_lift", "Two-Arm Lift: two hands, two plans."),
)
