"""An output that appears whole or not at all. Any thread; writes only beside the wanted path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hitl_clic.types.errors import UserError


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out`, renamed to it when the block ends; removed if the block fails.

    Raises:
        UserError: `out` exists and is not an empty folder, or cannot be written.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"out = {out} exists already and is not overwritten; allowed: a new folder")
    beside = out.absolute().parent / f".{out.absolute().name}.part-{os.getpid()}"
    try:
        beside.mkdir(parents=True)
    except OSError as problem:
        raise UserError(f"out = {out} cannot be created: {problem.strerror}") from problem
    try:
        yield beside
        if out.exists():
            out.rmdir()
        beside.rename(out)
    except OSError as problem:
        raise UserError(f"out = {out} cannot be written: {problem.strerror or problem}") from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)
