"""Commands from a real pseudo-terminal, which is restored whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pty_process import ROOT, PtyProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal as Linux and macOS have them")
READER = (sys.executable, ROOT / "tests" / "support" / "terminal_reader.py")


@contextmanager
def reader() -> Iterator[PtyProcess]:
    running = PtyProcess(READER)
    try:
        running.until(running.by_key, "the first look at the terminal")
        yield running
    finally:
        running.close()


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("p", "pause"),
        ("c", "clear_stop"),
        ("n", "reset"),
        ("z", "discard"),
        ("\r", "success"),
        ("\x1b", "stop"),
        ("с", "clear_stop"),  # the Cyrillic letter on the key of C
        ("\x1b[21~", "quit"),
    ],
)
def test_keys_give_the_commands_of_the_window(typed: str, command: str) -> None:
    with reader() as running:
        running.type(typed)
        running.until(lambda: f"<{command}>" in running.said, command)
        assert running.said.count("<") == 1


def test_arrow_keys_stop_nothing() -> None:
    with reader() as running:
        running.type("\x1b[A\x1b[B\x1bOC\x1b[1;2Dp")
        running.until(lambda: "<pause>" in running.said, "the command after them")
        assert "<stop>" not in running.said


def test_the_terminal_is_restored_at_the_end_and_after_an_exception() -> None:
    for typed, status in (("\x1b[21~", 0), ("\x7f", 1)):
        with reader() as running:
            running.type(typed)
            assert running.process.wait(30.0) == status
            assert running.restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP])
def test_the_terminal_is_restored_when_the_process_is_killed_or_crashes(number: signal.Signals) -> None:
    with reader() as running:
        running.process.send_signal(number)
        running.process.wait(30.0)
        running.until(running.restored, "the restoration", 10.0)
        running.until(lambda: "\x1b[?25h" in running.said, "the cursor's return", 10.0)


def test_at_ctrl_z_the_terminal_is_restored_before_the_program_stops(tmp_path: Path) -> None:
    go_on = tmp_path / "continue"
    job = PtyProcess([sys.executable, ROOT / "tests" / "support" / "job_parent.py", go_on, *READER])
    try:
        job.until(job.by_key, "the first look at the terminal")
        job.type("\x1a")
        job.until(lambda: "it stopped" in job.said, "the stop")
        assert job.restored()
        go_on.touch()
        job.until(job.by_key, "taking the terminal again")
        job.type("p")
        job.until(lambda: "<pause>" in job.said, "a command after it")
    finally:
        job.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_stopped_program_gives_the_terminal_back_and_takes_it_again() -> None:
    shell = PtyProcess(["bash", "--norc", "--noprofile", "-i"])
    try:
        shell.type(f"{READER[0]} {READER[1]}\n")
        shell.type("p")
        shell.until(lambda: "<pause>" in shell.said, "the program's start")
        shell.type("\x1a")
        shell.until(lambda: "Stopped" in shell.said, "the stop")
        shell.type("stty -a | tr ';' '\\n' | grep -c -- ' -icanon\\| -echo '; echo asked\n")
        shell.until(lambda: "\nasked" in shell.said.replace("\r", ""), "the question")
        assert "0\nasked" in shell.said.replace("\r", ""), "keys are echoed and come by line"
        shell.type("fg\n")
        shell.until(shell.by_key, "taking the terminal again")
        shell.type("c")
        shell.until(lambda: "<clear_stop>" in shell.said, "a command after it")
    finally:
        shell.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_in_the_background_it_neither_reads_nor_stops() -> None:
    shell = PtyProcess(["bash", "--norc", "--noprofile", "-i"])
    try:
        shell.type(f"{READER[0]} {READER[1]} &\n")
        time.sleep(1.5)
        shell.type("echo p$((40+2))z\n")
        shell.until(lambda: "p42z" in shell.said, "the shell's answer")
        shell.type("jobs\n")
        shell.until(lambda: "Running" in shell.said, "the running job")
        assert "<" not in shell.said, "all keys went to the shell"
        shell.type("fg\n")
        shell.until(shell.by_key, "taking the terminal")
        shell.type("p")
        shell.until(lambda: "<pause>" in shell.said, "a command in the foreground")
    finally:
        shell.close()


def test_without_a_terminal_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("ppp")
    with (tmp_path / "keys").open() as keys:
        done = subprocess.run(
            [str(word) for word in READER],
            stdin=keys,
            capture_output=True,
            text=True,
            timeout=60.0,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        assert "no terminal" in done.stderr
        assert keys.read() == "ppp"
