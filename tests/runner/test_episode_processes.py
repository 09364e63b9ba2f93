"""An evaluation in several processes: the same results as in one, one clear error, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hitl_clic as hc
from hitl_clic import __main__ as command_line
from hitl_clic.child_process import child_environment
from hitl_clic.evaluation import EpisodeResult
from hitl_clic.runner import episode_processes
from hitl_clic.runner.episode_processes import EpisodeError
from hitl_clic.runner.episode_runner import EpisodeRunner
from hitl_clic.tasks.line.line_following import LineFollowing

PATIENCE_S = 120.0
BROKEN_STEP = """
from hitl_clic.tasks.line.line_following import LineFollowing

def step(self, action):
    import os, signal
    {act}

LineFollowing.step = step
"""
"""A `sitecustomize` module: what a task does in each Python process started from now on."""


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short session; never changed. Its planner draws new random candidates for every plan."""
    summary = hc.teach(
        "line_following",
        "oracle",
        episodes=2,
        pace="max",
        task_options={"max_steps": 60},
        settings={
            "policy": {
                "negatives": {"samples": 16, "steps": 1},
                "inference": {"candidates": 64, "chains": 8, "refine_steps": 2},
                "network": {"hidden": [16, 16], "trunk": [16]},
                "min_pairs": 8,
                "batch": 8,
            },
            "loop": {"updates_per_tick": 0.1},
        },
        out=tmp_path_factory.mktemp("taught") / "session",
    )
    return summary.folder


class Own(list[int]):
    """The seeds of the episodes that this process ran itself."""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Own:
    """This process finishes no episode before the first child is ready, so that children have episodes to run."""
    seeds, ready, run, wait_ready = Own(), threading.Event(), EpisodeRunner.run, episode_processes._Child.wait_ready

    def late(runner: EpisodeRunner, seed: int) -> EpisodeResult:
        assert ready.wait(PATIENCE_S)
        seeds.append(seed)
        return run(runner, seed)

    def waited(child: Any) -> None:
        wait_ready(child)
        ready.set()

    monkeypatch.setattr(EpisodeRunner, "run", late)
    monkeypatch.setattr(episode_processes._Child, "wait_ready", waited)
    return seeds


def children_of(parent: int) -> list[int]:
    """The process ids of a process's children that run episodes."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            about = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if int(about[1]) == parent and b"episode_process" in command:
            found.append(int(folder.name))
    return found


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.mark.parametrize("processes", [2, 3])
def test_the_rows_are_the_same_for_any_number_of_processes(taught: Path, own: Own, processes: int) -> None:
    told: list[EpisodeResult] = []
    torch.manual_seed(processes)  # nothing may depend on it
    found = hc.evaluate(taught, episodes=8, seed=40, processes=processes, on_episode=told.append)
    assert len(own) < 8, "another process ran an episode"
    assert [row.seed for row in told] == list(range(40, 48))
    assert tuple(told) == found.episodes
    alone = [hc.evaluate(taught, episodes=1, seed=seed, processes=1).episodes[0] for seed in range(40, 48)]
    assert np.array(alone[0].l2_error_per_step).view(np.uint64) > 0
    assert found.episodes == tuple(alone)
    assert hc.evaluate(taught, episodes=8, seed=40, processes=1) == found


def test_episodes_differ_in_what_they_draw_not_in_what_ran_before(taught: Path) -> None:
    both = hc.evaluate(taught, episodes=2, seed=40, processes=1)
    second = hc.evaluate(taught, episodes=1, seed=41, processes=1)
    assert both.episodes[1:] == second.episodes
    assert both.episodes[0] != second.episodes[0]


def test_torch_has_its_threads_again_afterwards(taught: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        hc.evaluate(taught, episodes=1, on_episode=lambda _: threads.append(torch.get_num_threads()), processes=1)
        assert (threads, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)
        threads.clear()


threads: list[int] = []


def test_short_evaluations_start_no_process(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(episode_processes, "usable_cpus", lambda: 8)
    monkeypatch.setattr(episode_processes, "_Child", refuse)
    monkeypatch.setattr(episode_processes.time, "perf_counter", iter([0.0, 1.0]).__next__)
    assert len(hc.evaluate(taught, episodes=5).episodes) == 5
    monkeypatch.setattr(episode_processes.time, "perf_counter", iter([0.0, 2.0]).__next__)
    with pytest.raises(AssertionError, match="a child was started"):
        hc.evaluate(taught, episodes=5)


def test_a_task_object_is_evaluated_in_this_process(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episode_processes, "_Child", None)
    named = hc.evaluate(taught, episodes=2, processes=1)
    assert hc.evaluate(taught, episodes=2, task=LineFollowing(max_steps=60), processes=3) == named
    guided = hc.evaluate(taught, episodes=2, teacher=lambda observation: np.zeros(2), processes=3)
    assert guided.l2_error_per_step != named.l2_error_per_step


def test_fewer_than_one_process_is_refused(taught: Path) -> None:
    with pytest.raises(hc.UserError, match="processes = 0 is not allowed; allowed: 1 or more"):
        hc.evaluate(taught, processes=0)


@linux
@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "it was ended by SIGKILL"),
        ("raise ArithmeticError('the solver diverged')", "ArithmeticError: the solver diverged"),
        ("os.write(1, b'ready\\nnonsense\\n'); os._exit(3)", "nonsense"),
    ],
)
def test_a_process_that_ends_is_one_clear_error(
    taught: Path, own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, said: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN_STEP.format(act=act))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told: list[int] = []
    with pytest.raises(EpisodeError, match=f"the process of the episode with seed 4[1-7] ended: {said}") as failed:
        hc.evaluate(taught, episodes=8, seed=40, processes=3, on_episode=lambda row: told.append(row.seed))
    assert told == list(range(40, 40 + len(told))), "the rows before it are complete"
    assert f"seed {40 + len(told)} " in str(failed.value)
    assert ("Traceback" in failed.value.__notes__[0]) == ("Error" in said)
    assert children_of(os.getpid()) == []


@linux
def test_an_error_in_this_process_ends_the_others(taught: Path, own: Own) -> None:
    def stop(row: EpisodeResult) -> None:
        raise ZeroDivisionError(row.seed)

    with pytest.raises(ZeroDivisionError, match="40"):
        hc.evaluate(taught, episodes=8, seed=40, processes=3, on_episode=stop)
    assert children_of(os.getpid()) == []


@contextmanager
def started(source: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A long evaluation in three processes, and the process ids of its children. It ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hitl_clic", "evaluate", source, "--processes", "3", "--episodes", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )
    try:
        wait_for(lambda: process.poll() is not None or len(children_of(process.pid)) == 2)
        yield process, children_of(process.pid)
    finally:
        process.kill()
        process.wait()


@linux
def test_ctrl_c_leaves_no_process(taught: Path) -> None:
    with started(taught) as (process, children):
        assert len(children) == 2
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "hitl-clic: ended with Ctrl-C\n")
    wait_for(lambda: not any(map(alive, children)))  # one whose start was interrupted ends when it reads its stdin


@linux
def test_children_end_with_a_parent_that_was_killed(taught: Path) -> None:
    with started(taught) as (process, children):
        assert len(children) == 2
        process.kill()
        process.communicate(timeout=PATIENCE_S)
    wait_for(lambda: not any(map(alive, children)))


def test_the_command_has_the_same_figures(taught: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for processes in ("1", "2"):
        assert command_line.main(["evaluate", str(taught), "--episodes", "3", "--processes", processes, "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
