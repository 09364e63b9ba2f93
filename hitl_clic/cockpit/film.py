"""Writes pictures as a film, an MP4 file. One thread at a time; needs the package av (the extra `video`).

The file appears when it is complete: until then it is beside its place, with another name.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENDING = ".mp4"


class FilmWriter:
    """A film; a context manager that completes it, or removes it after an error.

    Args:
        path: file to write, ends in .mp4; a missing folder is made.
        pictures_per_s: rate.

    Raises:
        ModuleNotFoundError: av is not installed.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, pictures_per_s: float) -> None:
        import av

        self._path, self._rate = path, Fraction(pictures_per_s).limit_denominator(1000)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._beside = path.with_name(f".{path.stem}.part{ENDING}")
        self._container: Any = av.open(str(self._beside), "w")
        self._picture = av.VideoFrame.from_ndarray
        self._stream: Any = None
        self.pictures = 0
        """Number of pictures so far."""

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 [height, width, 3]. All have the size of the first; odd sizes lose their edge."""
        height, width = (size - size % 2 for size in picture.shape[:2])
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self._rate, options={"crf": "20"})
            self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        frame = self._picture(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self.pictures += 1

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None and kind is None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
            self._container.close()
            if self._stream is not None and kind is None:
                self._beside.replace(self._path)
        finally:
            self._beside.unlink(missing_ok=True)
