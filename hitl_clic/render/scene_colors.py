"""The colours of a flat scene, in the window and in images. Pure data; imports no drawing library."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Color = tuple[int, int, int]

GROUND: Color = (252, 253, 254)
_OTHER: Color = (176, 184, 196)
_ROLES: Mapping[str, Color] = MappingProxyType(
    {
        "goal": (190, 230, 212),
        "object": (134, 146, 166),
        "robot": (62, 72, 94),
        "line": (134, 146, 166),
        "wall": (176, 184, 196),
    }
)


def of_role(role: str) -> Color:
    """The fill colour of shapes with this role, RGB from 0 to 255. Unknown roles are grey."""
    return _ROLES.get(role, _OTHER)
