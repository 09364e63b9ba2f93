"""Finds a text of the window in a picture of it. Pure; any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pygame
from numpy.typing import NDArray
from PIL import Image

from hitl_clic.cockpit.drawing.theme import Brush, Size

_COMPARED = 60
"""Number of pixels compared of the letters, and as many of the gaps between them."""
_WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Text:
    """A text as `Brush` draws it in a window of 1280 x 720 pixels, in any colour and on any even ground."""

    text: str
    size: Size = "small"
    bold: bool = True


def shows(picture: Image.Image, text: Text) -> bool:
    """Whether the text stands anywhere in the picture.

    Args:
        picture: of the window, 1280 x 720 pixels, without loss of colours. text: one line.
    """
    brush = Brush(1.0, pygame.Surface((1, 1)))
    width, height = brush.width(text.text, text.size, text.bold), brush.height(text.size)
    brush = brush.onto(pygame.Surface((width, height), 0, 32))
    brush.text(text.text, (0, 0), text.size, _WHITE, text.bold)
    ink = pygame.surfarray.array3d(brush.on)[:, :, 0].T
    pixels = np.asarray(picture.convert("RGB"), np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    rows, columns = pixels.shape[0] - height + 1, pixels.shape[1] - width + 1

    def seen(at: NDArray[Any]) -> NDArray[np.int32]:
        """The colour of this pixel of the text, for each place where the text may stand."""
        return pixels[at[0] : at[0] + rows, at[1] : at[1] + columns]

    letters, gaps = np.argwhere(ink == 255), np.argwhere(ink == 0)
    fits = seen(letters[0]) != seen(gaps[0])
    for same in (letters, gaps):
        for at in same[:: max(1, len(same) // _COMPARED)]:
            fits &= seen(at) == seen(same[0])
    return bool(fits.any())
