"""The session's own learner as a child process: start, watch, restart after a crash.

Actor process. Call `start` and `stop` outside the loop. A thread watches the child, and the loop only reads. The child
must run `run_learner` on the given folder.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hitl_clic.learner.process import LEARNER_FILE

log = logging.getLogger(__name__)
BIND = "{bind}"
BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Delays of consecutive restarts; the last one repeats. A child that lived for a minute resets the sequence."""


class LearnerChild:
    """A learner as a child process.

    Args:
        command: start command; "{bind}" in it stands for the address to listen on.
        out: its folder; `learner.json` holds the real address, `learner.log` the output.
        restart: restart it at the same address after a crash.
        bind: first address; default: any free loopback port.
        environment: of the child; None: that of this process.
    """

    def __init__(
        self,
        command: Sequence[str],
        out: Path,
        *,
        restart: bool = True,
        bind: str = "tcp://127.0.0.1:*",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if BIND not in command:
            raise ValueError(f'the learner\'s command must hold "{BIND}" where its address goes')
        self._command, self._out, self._restart = list(command), out, restart
        self._bind, self._environment = bind, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="learner-watch", daemon=True)
        self.restarts = 0
        """Number of restarts."""

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    def begin(self) -> None:
        """Start it, and return at once: it loads while the caller does something else, until `start`."""
        self._out.mkdir(parents=True, exist_ok=True)
        (self._out / LEARNER_FILE).unlink(missing_ok=True)
        self._spawn()

    def start(self, timeout_s: float = 60.0) -> str:
        """Start it unless it was begun, wait until it listens, and return its address.

        Raises:
            RuntimeError: it ended or did not listen in time; the text ends with its last output.
        """
        if self._process is None:
            self.begin()
        process, announced = self._process, self._out / LEARNER_FILE
        assert process is not None
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(OSError, ValueError, KeyError):
                said = json.loads(announced.read_text(encoding="utf-8"))
                if said["pid"] == process.pid:
                    self._bind = str(said["address"])
                    break
            if process.poll() is not None:
                raise RuntimeError(f"the learner ended with status {process.returncode}: {self._log_tail()}")
            if time.monotonic() > deadline:
                self.stop(1.0)
                raise RuntimeError(f"the learner did not listen within {timeout_s:g} s: {self._log_tail()}")
            time.sleep(0.02)
        self._watcher.start()
        return self._bind

    def alive(self) -> bool:
        """Whether it runs; fast enough for the loop."""
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout_s: float = 30.0) -> int:
        """Ask it to checkpoint and exit, kill it after `timeout_s`; returns the exit status (negative: killed)."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()  # after this, no restart is possible
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                log.warning("the learner did not exit within %g s and was killed", timeout_s)
                process.kill()
                process.wait()
        return process.returncode

    def _spawn(self) -> None:
        command = [self._bind if part == BIND else part for part in self._command]
        with (self._out / "learner.log").open("ab") as output:
            # A session of its own, so that it does not use the actor's CPU share (`os_scheduling`).
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )
        self._process = process

    def _watch(self) -> None:
        in_a_row, started_s = 0, time.monotonic()
        while not self._stopping.wait(0.1):
            if self.alive() or not self._restart:
                continue
            status = self._process.returncode if self._process is not None else 0
            if time.monotonic() - started_s > 60:
                in_a_row = 0
            log.warning("the learner ended with status %s; starting it again", status)
            if self._stopping.wait(BACKOFF_S[min(in_a_row, len(BACKOFF_S) - 1)]):
                return
            in_a_row, started_s = in_a_row + 1, time.monotonic()
            self._spawn()
            self.restarts += 1

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._out / "learner.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return " / ".join(lines[-3:]) or "it wrote nothing"
        return "it wrote nothing"
