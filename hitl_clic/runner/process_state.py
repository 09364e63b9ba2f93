"""What a session in real time or an evaluation changes in its process, and how it restores that.

Main thread of the actor, or the caller of an evaluation. A session at `pace = "max"` changes nothing.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from hitl_clic.os_scheduling import ACTOR_SLICE_S, current_slice, request_slice

SWITCH_INTERVAL_S = 0.0005
"""Longest wait of a tick for another Python thread, seconds; Python's own default is 0.005."""


@contextmanager
def real_time_process(threads: int) -> Iterator[None]:
    """Set the thread count, time slice and switch interval for real time; restore them at the end.

    Args:
        threads: torch's, for each calculation in this process.
    """
    before_s, before_threads, before_switch_s = current_slice(), torch.get_num_threads(), sys.getswitchinterval()
    request_slice(ACTOR_SLICE_S)  # threads started from here on inherit it
    torch.set_num_threads(threads)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_switch_s)
        torch.set_num_threads(before_threads)
        if before_s is not None:
            request_slice(before_s)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch calculate in one thread, so that sums have the same order in every process; restore it at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Exclude all present objects from garbage collection, so that no tick waits while it visits all of torch."""
    if gc.get_freeze_count():  # the caller froze its own heap, which unfreeze would undo
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at Ctrl-C instead of raising KeyboardInterrupt. No effect outside of the process's main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
