"""One call of a function of `hitl_clic` in a child process:

    python -m benchmarks.job FUNCTION ARGUMENTS

FUNCTION is teach, learn or evaluate; ARGUMENTS holds its keyword arguments as one JSON object. The result is one JSON
object on stdout. Ctrl-C ends a real-time session regularly.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import hitl_clic as hc
from hitl_clic.child_process import child_environment

COMMAND = (sys.executable, "-m", "benchmarks.job")


def command(function: str, **arguments: Any) -> list[str]:
    """The command line of a job."""
    return [*COMMAND, function, json.dumps(arguments, default=str)]


def environment(threads: int | None = None) -> dict[str, str]:
    """Environment variables of a job, so that it imports this checkout. `threads`: number of torch threads."""
    count = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return {**child_environment(), **count}


def run(function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function; its result as a JSON object.

    Raises:
        UserError: the function raised it, or there is no such function.
    """
    match function:
        case "teach":
            return dict(hc.teach(**arguments).figures)
        case "learn":
            found = hc.learn(**arguments)
            return {"folder": str(found.folder), "pairs": found.pairs, "wall_s": found.wall_s}
        case "evaluate":
            return hc.evaluate(**arguments).as_json()
    raise hc.UserError(f"function = {function} is not allowed; allowed: teach, learn or evaluate")


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(run(sys.argv[1], json.loads(sys.argv[2]))) + "\n")
    except hc.UserError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
