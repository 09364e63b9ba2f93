"""`app.py learn`: learn again from recorded sessions, without a loop: another method, other numbers, the same pairs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from hitl_clic.learner import checkpoint
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.recorded_pairs import pairs_of_session
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.messages import Weights


def run(sessions: Sequence[Path], updates: int, episodes: int, settings: SessionSettings) -> int:
    """Train a new policy on the sessions' pairs; leaves a folder that `evaluate` takes. The exit status.

    Args:
        updates: of the network. episodes: of each session, the first so many; 0 is all.
        settings: with `out`; task, H and Ta as the sessions have them.

    Raises:
        SettingsError: a session cannot be read, is of another task or chunk size, or there are too few pairs.
    """
    import torch

    from hitl_clic.methods import make_trainer
    from hitl_clic.tasks.registry import make_task

    assert settings.out is not None
    pairs = []
    for path in sessions:
        try:
            session = Session.open(path)
            of = session.settings
            if (of.task, of.horizon) != (settings.task, settings.horizon):
                raise SettingsError(
                    f"session = {path} is of task {of.task} with horizon {of.horizon}, not {settings.task} with "
                    f"{settings.horizon}; learn from each kind by itself"
                )
            pairs += pairs_of_session(session, settings.correction, episodes)
        except ValueError as error:
            raise SettingsError(str(error)) from error
    if len(pairs) < settings.clic.min_pairs:
        raise SettingsError(
            f"sessions hold {len(pairs)} pairs; allowed: as many as clic.min_pairs = {settings.clic.min_pairs}"
        )
    torch.set_num_threads(settings.training.threads)
    symmetries = make_task(settings.task, **settings.task_options).symmetries if settings.clic.symmetries else ()
    sizes = (pairs[0].state.size, pairs[0].human.shape[1], settings.horizon)
    trainer = make_trainer(*sizes, settings.clic, settings.seed, symmetries)
    for number, pair in enumerate(pairs):
        trainer.add(number, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
    began = time.perf_counter()
    with Progress(console=Console(stderr=True)) as progress:
        for _ in progress.track(range(updates), description=f"{settings.method}, {len(pairs)} pairs"):
            trainer.update()
    wall_s = time.perf_counter() - began
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
    weights = Weights(
        run_id=uuid.uuid4().hex,
        version=1,
        parent=0,
        step=updates,
        newest_pair=trainer.newest_pair,
        tensors=trainer.weights(),
    )
    agreed = handshake_settings(settings, sizes[0], sizes[1], symmetries)
    checkpoint.write(settings.out / "checkpoints", checkpoint.Checkpoint(weights, {}, agreed, entries=0))
    print(f"{updates} updates from {len(pairs)} pairs in {wall_s:.0f} s; see how good it is with")
    print(f"  python app.py evaluate {settings.out}")
    return 0
