"""`hitl-clic demo`: the main job from end to end: teach, verify the recording, evaluate what was learned.

Main thread; with a window if there is a display, else in the terminal with the scripted teacher.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from hitl_clic.cli import evaluate, teach
from hitl_clic.cli.parse import EvaluateCommand
from hitl_clic.learner import checkpoint
from hitl_clic.runner.replaying import replay
from hitl_clic.settings import SessionSettings

EVALUATED = 5
"""Episodes of the evaluation: enough to see whether anything was learned."""
FIRST_SEED = 1_000_000
"""Start states of the evaluation, not among those of any session."""


def run(settings: SessionSettings, headless_given: bool) -> int:
    """Teach, verify, evaluate; the exit status.

    Args:
        settings: the preset `demo` and what the command line changed of it.
        headless_given: the command line decided about the window; else there is one where there is a display.

    Raises:
        SettingsError: a setting that cannot be had here.
    """
    assert settings.out is not None
    out = settings.out
    if not headless_given:  # whatever a file says
        settings = settings.model_copy(update={"headless": False})
    status = teach.run(settings)
    if status:
        return status
    with Console().status("simulating the recording again"):
        report = replay(out, verify=True).report
    assert report is not None
    print(f"\nthe recording: {report.sentence}")
    if checkpoint.latest(out) is None:
        print("nothing was learned: the session was too short")
    else:
        print(f"\nthe policy alone, from {EVALUATED} start states it was never taught at:")
        evaluate.run(EvaluateCommand(source=out, episodes=EVALUATED, seed=FIRST_SEED))
    _tell(settings, out)
    return 0 if report.ok else 1


def _tell(settings: SessionSettings, out: Path) -> None:
    """What was written, and what to do next."""
    print("\nwritten:")
    for name, what in (
        ("curves.png", "how often the teacher intervened, episode by episode"),
        ("window.png", "the last picture of the window"),
        ("summary.json", "all figures"),
        ("session.mcap", "the recording; Foxglove opens it"),
        ("checkpoints", "the learner's checkpoints, to evaluate or to continue from"),
    ):
        if (out / name).exists():
            print(f"  {out / name}: {what}")
    print(f"\nsee it again:       hitl-clic replay {out}")
    print(f"teach it yourself:  hitl-clic teach --task {settings.task} --device keyboard")
