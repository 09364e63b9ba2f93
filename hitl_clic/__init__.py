"""HITL-CLIC: teach a simulated robot live. The front door for programs:

    import hitl_clic as hc
    summary = hc.teach(task="push_t", device="oracle", episodes=10, pace="max")
    result = hc.evaluate(summary.folder, episodes=20)

Importing this is cheap: each name is loaded when it is first used. No function opens a window or prints by default.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hitl_clic.runner.curating import label as label
    from hitl_clic.runner.curating import sessions as sessions
    from hitl_clic.runner.evaluating import Evaluation as Evaluation
    from hitl_clic.runner.evaluating import evaluate as evaluate
    from hitl_clic.runner.exporting import export as export
    from hitl_clic.runner.importing import import_demonstrations as import_demonstrations
    from hitl_clic.runner.learning import learn as learn
    from hitl_clic.runner.policy import Chunk as Chunk
    from hitl_clic.runner.policy import Policy as Policy
    from hitl_clic.runner.practising import practice as practice
    from hitl_clic.runner.replaying import replay as replay
    from hitl_clic.runner.reporting import report as report
    from hitl_clic.runner.results import ExportResult as ExportResult
    from hitl_clic.runner.results import ImportResult as ImportResult
    from hitl_clic.runner.results import LearnResult as LearnResult
    from hitl_clic.runner.results import PracticeResult as PracticeResult
    from hitl_clic.runner.results import ReplayResult as ReplayResult
    from hitl_clic.runner.results import SessionRow as SessionRow
    from hitl_clic.runner.results import SessionSummary as SessionSummary
    from hitl_clic.runner.teaching import teach as teach
    from hitl_clic.session.reader import Session as Session
    from hitl_clic.types.errors import UserError as UserError
    from hitl_clic.types.records import EpisodeRecord as EpisodeRecord

_MODULES = {
    "runner.curating": ("label", "sessions"),
    "runner.evaluating": ("Evaluation", "evaluate"),
    "runner.exporting": ("export",),
    "runner.importing": ("import_demonstrations",),
    "runner.learning": ("learn",),
    "runner.policy": ("Chunk", "Policy"),
    "runner.practising": ("practice",),
    "runner.replaying": ("replay",),
    "runner.reporting": ("report",),
    "runner.results": (
        "ExportResult",
        "ImportResult",
        "LearnResult",
        "PracticeResult",
        "ReplayResult",
        "SessionRow",
        "SessionSummary",
    ),
    "runner.teaching": ("teach",),
    "session.reader": ("Session",),
    "types.errors": ("UserError",),
    "types.records": ("EpisodeRecord",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Load a name when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
