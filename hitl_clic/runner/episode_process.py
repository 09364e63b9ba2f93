"""A process that runs episodes of an evaluation: `python -m hitl_clic.runner.episode_process JOB`.

`episode_processes` starts it. JOB is an `EvaluationJob` as JSON. It writes the line "ready", then for each seed, a line
on stdin, the `EpisodeResult` as one line of JSON. An error ends it, with the traceback on stderr. It must never outlive
its parent: it ends at once when its stdin closes.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from io import FileIO

from hitl_clic.evaluation import EpisodeResult
from hitl_clic.runner.episode_runner import EpisodeRunner, EvaluationJob
from hitl_clic.runner.process_state import one_torch_thread
from hitl_clic.types.schema import Schema

RESULT: Schema[EpisodeResult] = Schema(EpisodeResult)
READY = b"ready\n"


def main(job: str) -> None:
    """Run the episodes that the parent asks for; never returns."""
    seeds: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(seeds,), daemon=True).start()
    with _own_output() as output, one_torch_thread(), EpisodeRunner(EvaluationJob.model_validate_json(job)) as runner:
        output.write(READY)
        while True:
            output.write(RESULT.dumps(runner.run(seeds.get())) + b"\n")


def _read(seeds: queue.SimpleQueue[int]) -> None:
    """The thread that reads stdin; unbuffered, because a buffer's lock would disturb the end of the process."""
    with FileIO(0, closefd=False) as given:
        for line in given:
            seeds.put(int(line))
    os._exit(0)


def _own_output() -> FileIO:
    """The present stdout for results alone; what simulators print goes to stderr from now on."""
    output = FileIO(os.dup(1), "w")
    os.dup2(2, 1)
    return output


if __name__ == "__main__":
    main(sys.argv[1])
