"""What is printed on the keys of some keyboard layouts, row by row, as X11 has them."""

from __future__ import annotations

_ROWS = ("1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'`", "zxcvbnm,./")
"""The places, by the key that lies there on a US keyboard."""
_DEAD = "\0"
"""A key that waits for the next letter."""
_PRINTED = {
    "us": _ROWS,
    "fr": ("1234567890)=", f"azertyuiop{_DEAD}$*", "qsdfghjklmù²", "wxcvbn,;:!"),
    "de": ("1234567890ß\0", "qwertzuiopü+#", f"asdfghjklöä{_DEAD}", "yxcvbnm,.-"),
    "us dvorak": ("1234567890[]", "',.pyfgcrl/=\\", "aoeuidhtns-`", ";qjkxbmwvz"),
    "gr": ("1234567890-=", ";ςερτυθιοπ[]\\", f"ασδφγηξκλ{_DEAD}'`", "ζχψωβνμ,./"),
    "ru": ("1234567890-=", "йцукенгшщзхъ\\", "фывапролджэё", "ячсмитьбю."),
    "il": ("1234567890-=", "/'קראטוןםפ][\\", "שדגכעיחלךף,;", "זסבהנמצתץ."),
}

LAYOUTS = {
    name: {
        place: typed
        for places, row in zip(_ROWS, rows, strict=True)
        for place, typed in zip(places, row, strict=True)
        if typed != _DEAD
    }
    for name, rows in _PRINTED.items()
}
"""By name of the layout: place to what is printed there."""
NOT_LATIN = ("gr", "ru", "il")
