"""The grammar of a device choice: KIND[:WHICH][+KIND[:WHICH]...]. Pure; any thread.

"gamepad" is any gamepad, "gamepad:1" the one with that number, and "gamepad:0+keyboard" are two devices at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hitl_clic.devices.core.controls import suggestion

JOINT = "+"
"""Stands between the devices of a choice. A name that contains it is chosen by a part of it, or by its number."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One device of a choice.

    Attributes:
        kind: name in the table of devices. which: which of the connected ones, in the words of its kind; empty: any.
    """

    kind: str
    which: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.which}" if self.which else self.kind


def parse(text: str, kinds: Mapping[str, str]) -> tuple[Selection, ...]:
    """The devices of a choice, in order.

    Args:
        text: the choice.
        kinds: kind to what its WHICH is, as "name or number"; empty for a kind of which there is only one.

    Raises:
        ValueError: an empty part, an unknown kind, a WHICH that its kind does not have, or one device chosen twice.
    """
    found: list[Selection] = []
    for part in text.split(JOINT):
        kind, colon, which = part.strip().partition(":")
        chosen = Selection(kind.strip(), which.strip())
        _check(chosen, bool(colon), text, kinds)
        found.append(chosen)
    for chosen in found:
        same = [other for other in found if other.kind == chosen.kind]
        if len(same) > 1 and not kinds[chosen.kind]:
            raise ValueError(f"{chosen.kind!r} is chosen twice in {text!r}, and there is only one")
        if len(same) > 1 and not all(other.which for other in same):
            raise ValueError(
                f"{chosen.kind!r} is chosen twice in {text!r}: write which, as {chosen.kind}:WHICH, "
                f"where WHICH is its {kinds[chosen.kind]}"
            )
        if found.count(chosen) > 1:
            raise ValueError(f"{str(chosen)!r} is chosen twice in {text!r}")
    return tuple(found)


def _check(chosen: Selection, colon: bool, text: str, kinds: Mapping[str, str]) -> None:
    if not chosen.kind:
        raise ValueError(
            f"{text!r} has an empty part: between two {JOINT} there is one device, KIND or KIND:WHICH. "
            f"A name that contains {JOINT} is chosen by a part of it, or by its number"
        )
    if chosen.kind not in kinds:
        raise ValueError(f"there is no device {chosen.kind!r}; {suggestion(chosen.kind, kinds)}")
    if colon and not chosen.which:
        raise ValueError(f"{chosen.kind + ':'!r} does not say which; write {chosen.kind} alone for any")
    if chosen.which and not kinds[chosen.kind]:
        choosable = ", ".join(f"{kind}:WHICH ({which})" for kind, which in kinds.items() if which)
        known = f"; known are {choosable}" if choosable else ""
        raise ValueError(f"{str(chosen)!r} says which {chosen.kind}, but there is only one{known}")
