"""`hitl-clic practice`: drive a task without a learning robot, then print the times. Main thread."""

from __future__ import annotations

import sys

from hitl_clic.cli.commands import PracticeCommand
from hitl_clic.runner.device_registry import resolve_device
from hitl_clic.runner.practising import practice, score_sentence


def run(command: PracticeCommand) -> int:
    """Practise until the episodes are done or the user quits.

    Raises:
        UserError: as `practice`.
    """
    settings = resolve_device(command.settings)
    result = practice(settings=settings, say=lambda line: print(line, file=sys.stderr), dashboard=True)
    for episode in result.episodes:
        seconds = episode.timesteps / result.rate_hz
        print(f"episode {episode.episode + 1}: {'success' if episode.success else 'failure'} after {seconds:.1f} s")
    print(score_sentence(result.episodes, result.rate_hz))
    print(f"teach it with  hitl-clic teach --task {settings.task} --device {settings.device}")
    return 0
