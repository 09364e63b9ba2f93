"""Tasks, devices and methods that other installed packages offer, by their entry points. Any thread; imports none.

A package offers one in its pyproject.toml, for example:

    [project.entry-points."hitl_clic.tasks"]
    reach = "my_package.reach:Reach"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Literal

Kind = Literal["tasks", "devices", "methods"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point.

    Attributes:
        name: by which it is chosen. path: "module:Class". package: that offers it, with its version.
    """

    name: str
    path: str
    package: str


@cache
def plugins(kind: Kind) -> Mapping[str, Plugin]:
    """What is installed, by name, sorted."""
    found = sorted(entry_points(group=f"hitl_clic.{kind}"), key=lambda point: point.name)
    return {
        point.name: Plugin(
            point.name,
            point.value.partition("[")[0].strip(),
            f"{point.dist.name} {point.dist.version}" if point.dist is not None else "unknown",
        )
        for point in found
    }
