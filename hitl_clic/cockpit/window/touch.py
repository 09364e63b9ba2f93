"""Fingers on a touch screen as the mouse's left button. Pure; used by the window's main thread.

SDL makes mouse events of its own from a finger, and on some systems touch events from a mouse. `of_a_finger` and
`of_a_mouse` tell them, so that nothing counts twice. A pen needs nothing here: SDL 2 reports it as a mouse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pygame

Pixel = tuple[int, int]
MOUSE_TOUCH_IDS = (-1, 2**64 - 1)
"""SDL_MOUSE_TOUCHID, signed and unsigned: the touch device of touch events that SDL made from a mouse."""
LEFT = "left"


@dataclass(frozen=True, slots=True)
class PointerInput:
    """What a finger does, as an event of the mouse's left button. `pixel`: of the window."""

    kind: Literal["button_down", "button_up", "motion"]
    pixel: Pixel


def of_a_finger(event: pygame.event.Event) -> bool:
    """Whether SDL made this mouse event from a finger."""
    return bool(getattr(event, "touch", False))


def of_a_mouse(event: pygame.event.Event) -> bool:
    """Whether SDL made this touch event from a mouse."""
    return event.touch_id in MOUSE_TOUCH_IDS


class Touch:
    """The first finger on the window is the mouse's left button; all others are ignored until it is lifted.

    A finger that leaves the window is lifted, and counts again only after it was put down anew.
    """

    def __init__(self) -> None:
        self._finger: tuple[int, int] | None = None
        """Touch device and finger of the one that counts; None while none does."""

    def take(self, event: pygame.event.Event, size: tuple[int, int]) -> PointerInput | None:
        """What a FINGERDOWN, FINGERMOTION or FINGERUP means; None for nothing. `size`: of the window, pixels."""
        finger = (event.touch_id, event.finger_id)
        pixel = (round(event.x * size[0]), round(event.y * size[1]))
        if event.type == pygame.FINGERDOWN:
            if self._finger is not None or of_a_mouse(event):
                return None
            self._finger = finger
            return PointerInput("button_down", pixel)
        if finger != self._finger:
            return None
        inside = 0.0 <= event.x <= 1.0 and 0.0 <= event.y <= 1.0
        if event.type == pygame.FINGERMOTION and inside:
            return PointerInput("motion", pixel)
        self._finger = None
        return PointerInput("button_up", pixel)

    def forget(self) -> None:
        """No finger counts until one is put down anew: the window lost the focus, which releases all controls."""
        self._finger = None
