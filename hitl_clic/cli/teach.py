"""`app.py teach` and `app.py demo`: a session from the first tick to its folder."""

from __future__ import annotations

import sys
from pathlib import Path

from hitl_clic.runner.device_registry import choose
from hitl_clic.session.summary import Summary
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import SettingsError


def run(settings: SessionSettings) -> int:
    """Teach; the exit status.

    Raises:
        SettingsError: a setting that cannot be had here.
    """
    settings = choose(settings)
    assert settings.out is not None
    if (settings.out / "session.mcap").exists():
        raise SettingsError(f"out = {settings.out} holds a session already; allowed: a folder without session.mcap")
    from hitl_clic.runner.session import Actor  # loads torch: after everything that can be refused at once

    print(settings.to_toml())
    print(f"session folder: {settings.out}", flush=True)
    try:
        summary = Actor(settings, say=lambda text: print(text, file=sys.stderr)).run()
    except ValueError as error:
        raise SettingsError(str(error)) from error
    except (RuntimeError, TimeoutError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 1
    report(summary, settings.out)
    return 0


def report(summary: Summary, out: Path) -> None:
    """Print the end of a session for a person."""
    episodes = len(summary["success"])
    reached = sum(summary["success"])
    third = max(1, episodes // 3)
    feedback = summary["feedback_per_step"]
    first, last = (sum(part) / len(part) if part else 0.0 for part in (feedback[:third], feedback[-third:]))
    print(f"\n{reached} of {episodes} episodes reached the goal in {summary['wall_s']:.0f} s")
    print(f"you stepped in at {first:.0%} of the ticks in the first third, {last:.0%} in the last")
    print(
        f"{summary['updates']} updates, {summary['weight_swaps']} new policies, "
        f"{summary['pairs']['made']} pairs made, {summary['pairs']['ingested']} learned from"
    )
    print(f"all of it is in {out}: replay it with  python app.py replay {out}")
