"""HITL-CLIC: teach a simulated robot live. The front door for programs:

    import hitl_clic as hc
    summary = hc.teach(task="push_t", device="oracle", episodes=10, pace="max")
    result = hc.evaluate(summary.folder, episodes=20)

Importing this is cheap: each name is loaded when it is first used. Nothing here opens a window or prints by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hitl_clic.runner.evaluating import Evaluation, evaluate
    from hitl_clic.runner.learning import learn
    from hitl_clic.runner.policy import Chunk, Policy
    from hitl_clic.runner.practising import practice
    from hitl_clic.runner.replaying import replay
    from hitl_clic.runner.results import LearnResult, PracticeResult, ReplayResult, SessionSummary
    from hitl_clic.runner.teaching import teach
    from hitl_clic.session.reader import Session
    from hitl_clic.types.errors import UserError
    from hitl_clic.types.records import EpisodeRecord

_HOMES = {
    "teach": "runner.teaching",
    "practice": "runner.practising",
    "evaluate": "runner.evaluating",
    "Evaluation": "runner.evaluating",
    "learn": "runner.learning",
    "replay": "runner.replaying",
    "Policy": "runner.policy",
    "Chunk": "runner.policy",
    "SessionSummary": "runner.results",
    "PracticeResult": "runner.results",
    "LearnResult": "runner.results",
    "ReplayResult": "runner.results",
    "Session": "session.reader",
    "EpisodeRecord": "types.records",
    "UserError": "types.errors",
}
"""Name -> the module that has it."""

__all__ = [
    "Chunk",
    "EpisodeRecord",
    "Evaluation",
    "LearnResult",
    "Policy",
    "PracticeResult",
    "ReplayResult",
    "Session",
    "SessionSummary",
    "UserError",
    "evaluate",
    "learn",
    "practice",
    "replay",
    "teach",
]


def __getattr__(name: str) -> Any:
    """Load a name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
