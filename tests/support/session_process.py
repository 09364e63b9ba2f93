"""Real `app.py` processes and commands for the end-to-end tests: small, quick sessions, and what they leave behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch

from hitl_clic import __main__ as command_line
from hitl_clic.learner.journal import read_journal
from hitl_clic.session.reader import Session
from hitl_clic.types.messages import ChunkPair

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180.0

TINY = [
    *("--policy.network.hidden", "16", "16", "--policy.network.trunk", "16"),
    *("--policy.min-pairs", "8", "--policy.batch", "8"),
]
"""A network so small that it takes no time, with options that every method has."""
SMALL = [
    *TINY,
    *("--policy.negatives.samples", "16", "--policy.negatives.steps", "1"),
    *("--policy.inference.candidates", "64", "--policy.inference.chains", "8", "--policy.inference.refine-steps", "2"),
]
"""A method so small that everything but the method is what takes time."""
LIVELY = [
    *("--link.heartbeat-s", "0.1", "--link.lost-after-s", "0.5", "--link.resend-after-s", "0.3"),
    *("--training.checkpoint-every-s", "0.5", "--training.orphan-after-s", "0.5"),
]
"""Times short enough to see their effects soon."""
FLUSH_S = 0.3
FLUSHED = ["--recording.flush-s", str(FLUSH_S)]
"""A recording that is soon on disk."""


def start(*arguments: object, display: str | None = None) -> subprocess.Popen[str]:
    """Start `app.py` with these arguments, without a display unless one is given."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200"} | ({"DISPLAY": display} if display else {})
    if display:
        environment.pop("SDL_VIDEODRIVER", None)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = PATIENCE_S) -> tuple[int, str, str]:
    """Wait for the end: (exit status, stdout, stderr). One that does not end is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end within {timeout_s:.0f} s: {out[-500:]} {err[-2000:]}") from None
    return process.returncode, out, err


def app(*arguments: object) -> tuple[int, str, str]:
    """Run `app.py` to its end: (exit status, stdout, stderr)."""
    return finish(start(*arguments))


def here(*arguments: object) -> tuple[int, str, str]:
    """As `app`, within this process, which has loaded everything already. A learner is still a process of its own."""
    out, err, threads = StringIO(), StringIO(), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("OMP_NUM_THREADS", "1")
        try:
            status: Any = command_line.main([str(argument) for argument in arguments])
        except SystemExit as ending:
            status = ending.code
        finally:
            torch.set_num_threads(threads)  # the command is made for a process of its own
    return status, out.getvalue(), err.getvalue()


def until(condition: Callable[[], Any], process: subprocess.Popen[str] | None = None, what: str = "it") -> Any:
    """Wait until something is true and return it; fails when the process ends before, or after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process ended with status {process.returncode}: {process.communicate()[1]}")
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:.0f} s"
        time.sleep(0.05)
    return found


def pairs_in(journal: Path) -> list[ChunkPair]:
    """Every pair in a learner's journal, also one that is being written; none if there is no journal yet."""
    if not journal.exists() or journal.stat().st_size < 64:
        return []
    return [entry.message for entry in read_journal(journal)[1] if isinstance(entry.message, ChunkPair)]


def journal_of(out: Path) -> Path:
    """The journal in a session's (or a learner's) folder."""
    return out / "checkpoints" / "pairs.journal"


def learner_of(out: Path) -> dict[str, Any]:
    """Address and process id of the learner in a folder, {} while there is none."""
    try:
        said: dict[str, Any] = json.loads((out / "learner.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said


def has_ipv6() -> bool:
    """Whether this machine has the loopback address ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def live_ticks(out: Path) -> Sequence[Any]:
    """The ticks that are on disk so far in a session that is running."""
    try:
        return Session.open(out).ticks
    except ValueError:
        return []
