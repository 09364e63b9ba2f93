"""When an episode of a foreign environment succeeds: a rule of one line. Pure; any thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hitl_clic.types.errors import UserError

_INFO = re.compile(r"info\.(.+)")
_ABOVE = re.compile(r"(reward|return) *>= *(-?\d+(?:\.\d*)?(?:e-?\d+)?)")
KNOWN_KEYS = ("success", "is_success")
"""Keys of `info` that mean success."""


@dataclass(frozen=True, slots=True)
class SuccessRule:
    """A rule in the words of `EnvironmentSettings.success`.

    Attributes:
        text: the rule. kind: "info", "reward", "return", "terminated" or "never". key: of `info`. least: bound.
    """

    text: str
    kind: str
    key: str = ""
    least: float = 0.0

    @classmethod
    def read(cls, text: str) -> SuccessRule:
        """Read a rule.

        Raises:
            UserError: it is none.
        """
        if text in ("terminated", "never"):
            return cls(text, text)
        if found := _INFO.fullmatch(text):
            return cls(text, "info", key=found[1])
        if found := _ABOVE.fullmatch(text):
            return cls(text, found[1], least=float(found[2]))
        raise UserError(
            f"environment.success = {text} is not allowed; allowed: info.NAME, reward >= X, return >= X, terminated or "
            "never"
        )

    def holds(self, info: Mapping[str, Any], reward: float, total: float, terminated: bool, ended: bool) -> bool:
        """Whether the episode has succeeded.

        Args:
            info, reward, terminated: of the newest step. total: of all rewards. ended: the episode ends at this step.
        """
        match self.kind:
            case "info":
                return bool(info.get(self.key, False))
            case "reward":
                return reward >= self.least
            case "return":
                return ended and total >= self.least
            case "terminated":
                return terminated
        return False
