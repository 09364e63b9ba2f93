"""A learner process: the learner's loop with the trainer of the settings' method. Main thread of that process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hitl_clic.runner.handshake_settings import check_handshake
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.symmetry import from_text


def serve_learner(
    bind: str, out: Path, settings: SessionSettings, child: bool, on_ready: Callable[[str], None]
) -> None:
    """Learn until told to leave. The process is its own: torch's threads and its priority are set.

    Args:
        bind: address to listen on. out: folder of journal and checkpoints.
        child: started by a session: leave when the parent is gone. on_ready: called with the real address.

    Raises:
        UserError: address, folder or settings are refused.
        OSError: the address cannot be bound, or the folder not written.
    """
    import torch

    from hitl_clic import methods
    from hitl_clic.learner.process import run_learner
    from hitl_clic.learner.trainer import Trainer

    def make_trainer(agreed: Mapping[str, str | int | float | bool]) -> Trainer:
        check_handshake(agreed, settings)
        sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
        symmetries = from_text(str(agreed.get("symmetries", "")))
        return methods.make_live_trainer(*sizes, settings.policy, int(agreed["seed"]), symmetries)

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
            on_ready=on_ready,
        )
    except UserError:
        raise
    except ValueError as error:
        raise UserError(str(error)) from error
