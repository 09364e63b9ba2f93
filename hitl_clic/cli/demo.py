"""`hitl-clic demo`: teach, verify the recording and evaluate the policy, with a scripted teacher.

Main thread; with a window if there is a display, else in the terminal with the scripted teacher.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from hitl_clic.cli import evaluate, teach
from hitl_clic.cli.commands import DemoCommand, EvaluateCommand, TeachCommand
from hitl_clic.learner import checkpoint
from hitl_clic.runner.replaying import replay
from hitl_clic.settings import SessionSettings

EVALUATED = 5
"""Episodes of the evaluation: enough to see whether anything was learnt."""
FIRST_SEED = 1_000_000
"""Seed of the evaluation's first start state; no session uses it."""


def run(command: DemoCommand) -> int:
    """Teach, verify and evaluate; exit status 1 if the recording does not re-simulate exactly.

    Raises:
        SettingsError: a setting that is not possible on this machine.
    """
    settings, out = command.settings, command.settings.out
    assert out is not None
    if not command.headless_given:  # a display decides, whatever a file says
        settings = settings.model_copy(update={"headless": False})
    if status := teach.run(TeachCommand(settings)):
        return status
    with Console().status("simulating the recording again"):
        report = replay(out, verify=True).report
    assert report is not None
    print(f"\nthe recording: {report.sentence}")
    if checkpoint.latest(out) is None:
        print("nothing was learnt: the session was too short")
    else:
        print(f"\nthe policy alone, from {EVALUATED} start states that were not in the session:")
        evaluate.run(EvaluateCommand(source=out, episodes=EVALUATED, seed=FIRST_SEED))
    _tell(settings, out)
    return 0 if report.ok else 1


def _tell(settings: SessionSettings, out: Path) -> None:
    """Print the files written and what to do next."""
    print("\nwritten:")
    for name, what in (
        ("curves.png", "share of ticks that the teacher drove, and success, by episode"),
        ("window.png", "the last picture of the window"),
        ("summary.json", "all figures"),
        ("session.mcap", "the recording; Foxglove opens it"),
        ("checkpoints", "the learner's checkpoints, to evaluate or to continue from"),
    ):
        if (out / name).exists():
            print(f"  {out / name}: {what}")
    print(f"\nsee it again:       hitl-clic replay {out}")
    print(f"teach it yourself:  hitl-clic teach --task {settings.task} --device keyboard")
