"""The colours of a flat scene, in the window and in pictures alike. Pure data; imports nothing that draws."""

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
    """Fill of a scene's shapes of this role, red, green and blue from 0 to 255; a role unknown here is grey."""
    return _ROLES.get(role, _OTHER)
