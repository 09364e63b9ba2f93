"""Compiles numeric functions with numba and keeps the machine code in the user's cache folder.

Imported only where compiled code is wanted, because it imports numba. Any thread; compiling holds the interpreter, so
it must be done before a loop starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs

CACHE = platformdirs.user_cache_path("hitl-clic", appauthor=False) / "numba"
"""Folder of the machine code. It may be deleted at any time; the next process compiles again."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call, or load its machine code of an earlier process.

    The function runs without the interpreter's lock. Sums may be reordered, so that they use vector instructions; NaN
    and infinity keep their meaning. numba puts the code of each processor model in a file of its own.

    The environment variable NUMBA_CACHE_DIR replaces the folder. Where the folder cannot be written, nothing is kept.

    Raises:
        ImportError: numba is told not to compile.
    """
    config: Any = numba.config
    if config.DISABLE_JIT:  # then njit compiles nothing, and a search would take minutes
        raise ImportError("NUMBA_DISABLE_JIT is set")
    made = numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})(function)
    before = config.CACHE_DIR
    try:
        if not before:
            CACHE.mkdir(parents=True, exist_ok=True)
            if not os.access(CACHE, os.W_OK):  # then numba would write beside the code
                return made
        config.CACHE_DIR = before or str(CACHE)  # numba reads it here only; other code of the process keeps its own
        made.enable_caching()
    except (OSError, RuntimeError):  # no folder that can be written: this process compiles for itself
        return made
    finally:
        config.CACHE_DIR = before
    return made


def is_kept(function: Any) -> bool:
    """Whether an earlier process kept the machine code of a compiled function. A guess: it may be of older code."""
    folder = Path(function.stats.cache_path or "")
    return any(folder.glob(f"*.{function.__name__}-*.py{sys.version_info.major}{sys.version_info.minor}.nbi"))
