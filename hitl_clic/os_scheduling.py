"""CPU scheduling requests of each process, so that ticks start on time.

Any process, any thread. A few system calls before the work begins, never within a tick; no privilege is needed.

- Slices: from Linux 6.12 on, each thread has its own time slice (`sched_setattr(2)`). A thread with a short slice does
  not wait for the end of another thread's long slice.
- Levels: on Linux, each thread has a nice level of its own. `runner.thread_priorities` orders the actor's threads.
- Groups: many systems first share the CPU between process sessions (`sched(7)`, autogroup); niceness counts only
  within a session. So learner and window run in sessions of their own with a lower priority.

Other systems: no effect.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

LOOP_SLICE_S = 0.0001
"""Slice of the loop thread: the shortest, so that it runs when its tick is due."""
ACTOR_SLICE_S = 0.0005
"""Slice of the actor's other threads: short, so that they soon release the interpreter."""
BULK_SLICE_S = 0.02
"""Slice of learner and window: long, and behind the others."""

LEARNER_THREADS = 4
"""Most threads that the learner uses unless it is told a number: its matrices are too small for more."""

_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}
"""System call numbers of sched_setattr and sched_getattr."""
_ATTR = struct.Struct("IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, runtime (the slice, ns), deadline, period."""


def usable_cpus() -> int:
    """Number of CPUs that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lower_priority(niceness: int) -> None:
    """Lower the calling process by a nice level, 0 to 19, and give it long slices.

    A process that leads its process session lowers the whole session.
    """
    if hasattr(os, "nice") and niceness:
        os.nice(niceness)
    group = Path("/proc/self/autogroup")
    if group.exists() and os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # not permitted: niceness alone must suffice
            group.write_text(str(niceness), encoding="ascii")
    request_slice(BULK_SLICE_S)


def set_niceness(thread: int, niceness: int) -> bool:
    """Set the nice level of one thread of this process; whether that was possible.

    Linux only: elsewhere all threads of a process share one level.

    Args:
        thread: native id. niceness: -20 to 19; a greater one counts as 19.
    """
    if sys.platform != "linux":
        return False
    try:
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, 19))
    except OSError:  # the thread has ended, or its level would rise and this user may not do that
        return False
    return True


def learner_threads(threads: int, cpus: int) -> int:
    """Threads for updates beside a session's control loop.

    Args:
        threads: wanted by the user; 0: those that loop and window leave, at most `LEARNER_THREADS`.
        cpus: that the process may use.
    """
    return threads or min(max(1, cpus - 2), LEARNER_THREADS)


def request_slice(seconds: float) -> float | None:
    """Request a time slice for the calling thread and its future threads and child processes.

    Returns:
        The slice that the kernel grants, s; None if it cannot be chosen.
    """
    before = _attributes()
    if before is None:
        return None
    policy, nice, _ = before
    request = ctypes.create_string_buffer(_ATTR.pack(_ATTR.size, policy, 0, nice, 0, round(seconds * 1e9), 0, 0))
    if _libc().syscall(_CALLS[platform.machine()][0], 0, request, 0):
        return None
    return current_slice()


def current_slice() -> float | None:
    """The calling thread's time slice, s; None if it cannot be chosen."""
    attributes = _attributes()
    return None if attributes is None else attributes[2] / 1e9


def _attributes() -> tuple[int, int, int] | None:
    """Policy, niceness and slice (ns) of the calling thread; None if its slice cannot be chosen."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return None
    raw = ctypes.create_string_buffer(_ATTR.size)
    if _libc().syscall(_CALLS[platform.machine()][1], 0, raw, _ATTR.size, 0):
        return None
    _, policy, _, nice, _, slice_ns, _, _ = _ATTR.unpack(raw.raw)
    if policy != os.SCHED_OTHER or not slice_ns:  # another policy, or an older kernel
        return None
    return policy, nice, slice_ns


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
