"""Tick lateness and duration of each tick section, in a real-time session with planner, learner and recorder.

    python -m benchmarks.loop [--seconds 10] [--task push_t] [--session NAME] [--rate-hz 20] [--window]

The session runs in a child process with the oracle and the preset's seed. It times and records its own ticks; this
process only waits. `correction_to_policy_ms` covers the whole session, its first correction included.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import job
from benchmarks.figure import parser, tell

START_S = 120.0


def measure(
    seconds: float, task: str = "push_t", rate_hz: float = 0.0, window: bool = False, preset: str = ""
) -> dict[str, Any]:
    """Run a session with the oracle in real time; its timing.

    Args:
        seconds: from the first tick on. task: its name. rate_hz: ticks per second; 0 is the task's own rate.
        window: whether the window is open; it needs a display. preset: of the session, which defines the teacher.

    Raises:
        RuntimeError: the session did not start, or failed; the message holds its stderr.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out = Path(folder) / "session"
        command = job.command(
            "teach",
            task=task,
            device="oracle",
            **({"preset": preset} if preset else {}),
            pace="realtime",
            out=out,
            episodes=1_000_000,
            headless=not window,
            loop={"rate_hz": rate_hz} if rate_hz else {},
        )
        session = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=job.environment()
        )
        try:
            _wait_for(out / "session.mcap", session)
            time.sleep(seconds)
            session.send_signal(signal.SIGINT)  # like Ctrl-C: the session ends regularly and writes its summary
            _, errors = session.communicate(timeout=60)
        finally:
            session.kill()
            session.wait()
        if session.returncode:
            raise RuntimeError(f"the session ended with status {session.returncode}: {errors.strip()}")
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    ticks = summary["ticks"]
    return {
        "task": task,
        "session": preset,
        "tick_hz": summary["tick_hz"],
        "window": window,
        "ticks": ticks,
        "tick_lateness_ms": summary["tick_lateness_ms"],
        "tick_work_ms": summary["tick_work_ms"],
        "tick_sections_ms": summary["tick_sections_ms"],
        "overrun_share": round(summary["tick_overruns"] / ticks, 6) if ticks else None,
        "plan_ms": summary["plan_ms"],
        "updates_per_s": summary["updates_per_s"],
        "correction_to_policy_ms": summary["correction_to_policy_ms"],
        "pairs": summary["pairs"]["made"],
    }


def _wait_for(file: Path, session: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_S
    while not file.exists():
        if session.poll() is not None:
            _, errors = session.communicate()
            raise RuntimeError(f"the session ended with status {session.returncode}: {errors.strip()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the session did not start within {START_S:.0f} s")
        time.sleep(0.05)


if __name__ == "__main__":
    options = parser("Tick lateness and time by part of the tick, of a real session with planner and learner at work.")
    options.add_argument("--task", default="push_t", help="task to teach (default push_t)")
    options.add_argument("--session", default="", help="preset of the session, such as simulated_6dof_user")
    options.add_argument("--rate-hz", type=float, default=0.0, help="ticks per second (default: the task's own)")
    options.add_argument("--window", action="store_true", help="with the window open")
    given = options.parse_args()
    tell("loop", measure(given.seconds, given.task, given.rate_hz, given.window, given.session))
