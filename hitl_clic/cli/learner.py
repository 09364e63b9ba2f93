"""`app.py learner`: the learner process, started by a person or by `teach`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from hitl_clic.runner.handshake_settings import check_handshake
from hitl_clic.settings import SessionSettings
from hitl_clic.types.symmetry import from_text


def run(bind: str, out: Path, settings: SessionSettings, child: bool) -> int:
    """Learn until told to leave; the exit status.

    Args:
        bind: address to listen on. out: folder of journal and checkpoints.
        child: started by `teach`: leave when the parent is gone.
    """
    import torch

    from hitl_clic import methods
    from hitl_clic.learner.process import run_learner
    from hitl_clic.learner.trainer import Trainer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)

    def make_trainer(agreed: Mapping[str, str | int | float | bool]) -> Trainer:
        check_handshake(agreed, settings)
        sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
        symmetries = from_text(str(agreed.get("symmetries", "")))
        return methods.make_live_trainer(*sizes, settings.clic, int(agreed["seed"]), symmetries)

    training = settings.training
    if settings.schedule == "lockstep":  # updates only when the actor orders them
        training = training.model_copy(update={"idle_updates": False})
    try:
        run_learner(
            bind,
            out,
            make_trainer,
            training=training,
            link=settings.link,
            exit_when_orphaned=child,
            set_threads=torch.set_num_threads,
            on_ready=lambda address: print(f"learner listens at {address}", flush=True),
        )
    except (ValueError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    return 0
