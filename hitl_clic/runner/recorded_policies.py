"""The policies in a session's folder, for a replay: the one that acted at a tick, or the nearest older one.

Read by the policy probe's thread; writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from hitl_clic.learner import checkpoint
from hitl_clic.runner.policy_probe import LOADING, NamedWeights
from hitl_clic.types.messages import Weights
from hitl_clic.types.view import LoopView


class RecordedPolicies:
    """A `Source` for the policy probe of a replay.

    Args:
        folder: of the session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[int, Weights] | None = None

    def __call__(self, view: LoopView | None) -> NamedWeights | str:
        """The policy that acted at an instant, else the nearest older one that was kept, else the newest."""
        if view is None or view.record is None:
            return LOADING
        try:
            if not self._paths:
                return "This session has no checkpoints: the energy of its policies is unknown"
            acted = view.record.weight_version
            version = max((kept for kept in self._paths if kept <= acted), default=max(self._paths))
            if self._read is None or self._read[0] != version:
                self._read = (version, checkpoint.read_weights(self._paths[version])[0])
        except ValueError as error:
            return str(error)
        name = f"policy v{version}"
        return NamedWeights(self._read[1], name if version == acted else f"{name} (v{acted} acted, but was not kept)")

    @cached_property
    def _paths(self) -> Mapping[int, Path]:
        """Checkpoints by version: the newest few, and one every `recording.policy_every` episodes."""
        folders = [self._folder / "checkpoints", *sorted((self._folder / "policies").glob("*"))]
        return {checkpoint.version(path): path for folder in folders for path in checkpoint.paths(folder)}
