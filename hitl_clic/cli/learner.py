"""`hitl-clic learner`: the learner's loop with the trainer of the settings' method. Main thread of its process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

from hitl_clic.cli.commands import LearnerCommand
from hitl_clic.link.learner import CannotListen
from hitl_clic.os_scheduling import learner_threads, usable_cpus
from hitl_clic.runner.handshake_settings import check_handshake
from hitl_clic.runner.torch_devices import check_devices
from hitl_clic.types.errors import UserError
from hitl_clic.types.symmetry import from_text


def run(command: LearnerCommand) -> int:
    """Learn until told to stop. The process does nothing else: torch's threads and its priority are set.

    Raises:
        UserError: address, folder or settings are refused, or the address is in use.
        OSError: the folder cannot be written.
    """
    import torch

    from hitl_clic import methods
    from hitl_clic.learner.process import run_learner
    from hitl_clic.learner.trainer import Trainer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    settings, training = command.settings, command.settings.training
    check_devices(settings.policy, learns=True, plans=False)

    def make_trainer(agreed: Mapping[str, str | int | float | bool]) -> Trainer:
        check_handshake(agreed, settings)
        sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
        symmetries = from_text(str(agreed.get("symmetries", "")))
        return methods.make_live_trainer(*sizes, settings.policy, int(agreed["seed"]), symmetries)

    live = settings.schedule != "lockstep"
    threads = learner_threads(training.threads, usable_cpus() if live else 1)
    training = training.model_copy(update={"threads": threads})
    if not live:  # updates only when the actor orders them; then its loop waits for them
        training = training.model_copy(update={"idle_updates": False, "niceness": 0})
    try:
        run_learner(
            command.bind,
            command.out,
            make_trainer,
            training=training,
            link=settings.link,
            exit_when_orphaned=command.child,
            set_threads=torch.set_num_threads,
            on_ready=lambda address: print(f"learner listens at {address}", flush=True),
        )
    except UserError:
        raise
    except CannotListen as error:
        raise UserError(f"bind = {command.bind} is not possible; {error.strerror}") from error
    except ValueError as error:
        raise UserError(str(error)) from error
    return 0
