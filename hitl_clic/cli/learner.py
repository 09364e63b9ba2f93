"""`hitl-clic learner`: the learner process, started by a person or by a session. Main thread."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from hitl_clic.runner.serving import serve_learner
from hitl_clic.settings import SessionSettings


def run(bind: str, out: Path, settings: SessionSettings, child: bool) -> int:
    """Learn until told to leave; the exit status. Arguments and errors are those of `serve_learner`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    serve_learner(bind, out, settings, child, lambda address: print(f"learner listens at {address}", flush=True))
    return 0
