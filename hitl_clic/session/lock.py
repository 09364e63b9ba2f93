"""The lock of a recording: its recorder holds it, and a repair needs it. Any thread; never waits.

The operating system ends a lock with its process, also after kill -9. Where there are no locks (Windows, some network
drives), a file counts as being recorded until nothing was written to it for `QUIET_S`.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

QUIET_S = 120.0
"""Longer than any `recording.flush_s`, s."""


class InUse(ValueError):
    """Another process records or repairs the file."""


def hold(file: BinaryIO) -> None:
    """Lock a file until it is closed; without effect where there are no locks."""
    _lock(file)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a recording.

    Raises:
        InUse: another process records or repairs it, or may do so.
        OSError: it cannot be opened for writing.
    """
    with path.open("r+b") as file:
        got = _lock(file)
        found = os.fstat(file.fileno())
        if got is None:
            age_s = time.time() - found.st_mtime
            if age_s < QUIET_S:
                raise InUse(f"{path} was written {age_s:.0f} s ago and may still be recorded; try again later")
        if got is False or not os.path.samestat(found, path.stat()):
            raise InUse(f"{path} is in use: another process records or repairs it; end that first")
        yield


def _lock(file: BinaryIO) -> bool | None:
    """Whether the lock was got; None where there are no locks."""
    try:
        fcntl = importlib.import_module("fcntl")  # POSIX only
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return False if problem.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    except ImportError:
        return None
    return True
