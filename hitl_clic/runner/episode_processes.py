"""Shares the episodes of an evaluation between this process and child processes.

The caller's thread runs episodes too, and starts and ends the children; one thread for each child waits for its
results. Nothing is pickled: a child gets its job and seeds as text, and its results are lines of JSON.
"""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import IO

from hitl_clic.child_process import child_environment
from hitl_clic.evaluation import EpisodeResult
from hitl_clic.os_scheduling import usable_cpus
from hitl_clic.runner.episode_process import RESULT
from hitl_clic.runner.episode_runner import EpisodeRunner, EvaluationJob

START_S = 5.0
"""A child needs about this long until its first episode, s."""
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class EpisodeError(RuntimeError):
    """A child process ended before its episode did; a note holds what it wrote to stderr."""


def run_episodes(
    runner: EpisodeRunner, job: EvaluationJob, seeds: Sequence[int], processes: int | None
) -> Generator[EpisodeResult, None, None]:
    """The results in the order of the seeds; the same for any number of processes.

    Args:
        runner: runs the episodes of this process. job: its job, for the other processes.
        processes: how many, this one included. None: as many as the machine allows, but no process that would work for
            less time than it needs to start.

    Raises:
        EpisodeError: a child process ended. Errors of an episode in this process are raised as they are.
    """
    left = list(seeds)
    if left and processes is None:
        began = time.perf_counter()
        first = runner.run(left.pop(0))
        work_s = (time.perf_counter() - began) * len(left)
        processes = min(usable_cpus(), 1 + int(work_s / START_S))
        yield first
    children = min(processes or 1, len(left)) - 1
    if children < 1 or not runner.can_be_copied:
        yield from map(runner.run, left)
    else:
        with _Children(job, children, left) as others:
            yield from _shared(runner, others, left)


def _shared(runner: EpisodeRunner, others: _Children, seeds: Sequence[int]) -> Iterator[EpisodeResult]:
    """Each process takes the first episode that nobody has begun. An error is raised when its result is due."""
    known: dict[int, EpisodeResult | Exception] = {}
    for seed in seeds:
        while seed not in known:
            if (mine := others.take()) is not None:
                known[mine] = runner.run(mine)
            else:
                known.update([others.results.get()])
            while not others.results.empty():
                known.update([others.results.get()])
        found = known.pop(seed)
        if isinstance(found, Exception):
            raise found
        yield found


class _Children:
    """Child processes and the threads that wait for them; a context manager that ends all of them.

    The threads share a deque and a `SimpleQueue`, whose operations Ctrl-C cannot leave half done.

    Args:
        job: of every child. count: of children. seeds: of the episodes, all different.
    """

    def __init__(self, job: EvaluationJob, count: int, seeds: Sequence[int]) -> None:
        self.results: queue.SimpleQueue[tuple[int, EpisodeResult | Exception]] = queue.SimpleQueue()
        """Seed and result, or the error that ended its child."""
        self._waiting = deque(seeds)
        self._all: list[_Child] = []
        try:
            for _ in range(count):
                self._all.append(_Child(job))
                threading.Thread(target=self._serve, args=(self._all[-1],), name="episodes", daemon=True).start()
        except BaseException:
            self.__exit__()
            raise

    def take(self) -> int | None:
        """The seed of an episode that nobody has begun; None if there is none left. Any thread."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _serve(self, child: _Child) -> None:
        """The thread of a child, until it has ended or no episode is left."""
        with child:
            child.wait_ready()
            while (seed := self.take()) is not None:
                try:
                    self.results.put((seed, child.run(seed)))
                except Exception as error:  # the caller's thread raises it
                    self.results.put((seed, error))
                    return

    def __enter__(self) -> _Children:
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.clear()
        for child in self._all:
            child.end()  # its thread reads the end of its output, and ends too


class _Child:
    """One child process; a context manager of its thread, which closes its files and so ends it.

    Args:
        job: what it runs.
    """

    def __init__(self, job: EvaluationJob) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- `__exit__` closes it
        # A process session of its own: Ctrl-C in the terminal reaches only this process, which then ends the child.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hitl_clic.runner.episode_process", job.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**child_environment(), **_ONE_THREAD},
            start_new_session=True,
            bufsize=0,
        )

    def wait_ready(self) -> None:
        """Wait until it is ready, or has ended; then `run` raises."""
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def run(self, seed: int) -> EpisodeResult:
        """The result of an episode.

        Raises:
            EpisodeError: the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(b"%d\n" % seed)
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            return RESULT.loads(line)
        raise self._failure(seed)

    def end(self) -> None:
        """End it at once; it has nothing to save."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._process.stdin, self._process.stdout, self._errors):
            assert file is not None
            file.close()

    def _failure(self, seed: int) -> EpisodeError:
        status = self._process.wait()
        self._errors.seek(0)
        written = self._errors.read().decode(errors="replace").strip()
        reason = f"it was ended by {signal.Signals(-status).name}" if status < 0 else written.rpartition("\n")[2]
        failure = EpisodeError(f"the process of the episode with seed {seed} ended: {reason}")
        failure.add_note(written)
        return failure
