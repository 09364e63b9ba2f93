"""`hitl-clic practice`: drive a task alone, and see how it went. Main thread."""

from __future__ import annotations

import sys

from hitl_clic.runner.device_registry import choose
from hitl_clic.runner.practising import practice, score_sentence
from hitl_clic.settings import SessionSettings


def run(settings: SessionSettings) -> int:
    """Practise until the episodes are done or the person ends it. The exit status.

    Raises:
        UserError: a setting that cannot be had here.
    """
    settings = choose(settings)
    result = practice(settings=settings, say=lambda line: print(line, file=sys.stderr), dashboard=True)
    for episode in result.episodes:
        seconds = episode.timesteps / result.rate_hz
        print(f"episode {episode.episode + 1}: {'reached' if episode.success else 'not reached'} in {seconds:.1f} s")
    print(score_sentence(result.episodes, result.rate_hz))
    print(f"teach it with  hitl-clic teach --task {settings.task} --device {settings.device}")
    return 0
