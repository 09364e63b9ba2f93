"""What each process asks of the operating system's scheduler, so that a tick runs when it is due.

Any process, any thread; a few system calls made before the work begins, never within a tick; none needs a privilege.

- Turns: Linux from 6.12 on gives ordinary threads a turn of their own length ("slice", `sched_setattr(2)`), and a
  thread that wakes with a short one does not wait for another's long one to end.
- Groups: on many machines Linux shares the processor between sessions of processes first (`sched(7)`, autogroup) and
  looks at niceness only within one. A learner in the actor's session would spend the actor's share, and the tick would
  wait for the window. So learner and window are started in sessions of their own, and lower those.

Elsewhere nothing is asked and nothing changes.
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
"""The loop's thread: less than any other's, so that it runs when its tick is due."""
ACTOR_SLICE_S = 0.0005
"""The other threads of the actor: whoever of them holds the interpreter gives it back before long."""
BULK_SLICE_S = 0.02
"""Learner and window: seldom interrupted, always last."""

_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}
"""Numbers of sched_setattr and sched_getattr."""
_ATTR = struct.Struct("IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, runtime (the slice, ns), deadline, period."""


def lower_priority(niceness: int) -> None:
    """Yield to other processes by this nice level, 0 to 19, with long turns; for a process that is a session's leader
    its whole session yields."""
    if hasattr(os, "nice") and niceness:
        os.nice(niceness)
    group = Path("/proc/self/autogroup")
    if group.exists() and os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # not allowed here: niceness alone must do
            group.write_text(str(niceness), encoding="ascii")
    request_slice(BULK_SLICE_S)


def request_slice(seconds: float) -> float | None:
    """Ask for turns of this length for the calling thread, and for threads and processes it starts from now on.

    Returns:
        The length the kernel now gives, seconds; None where it cannot be chosen.
    """
    before = _attributes()
    if before is None:
        return None
    policy, nice, _ = before
    wanted = ctypes.create_string_buffer(_ATTR.pack(_ATTR.size, policy, 0, nice, 0, round(seconds * 1e9), 0, 0))
    if _libc().syscall(_CALLS[platform.machine()][0], 0, wanted, 0):
        return None
    return current_slice()


def current_slice() -> float | None:
    """Length of the calling thread's turns, seconds; None where it cannot be chosen."""
    attributes = _attributes()
    return None if attributes is None else attributes[2] / 1e9


def _attributes() -> tuple[int, int, int] | None:
    """Policy, niceness and slice (ns) of the calling thread, if its slice can be chosen."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return None
    raw = ctypes.create_string_buffer(_ATTR.size)
    if _libc().syscall(_CALLS[platform.machine()][1], 0, raw, _ATTR.size, 0):
        return None
    _, policy, _, nice, _, slice_ns, _, _ = _ATTR.unpack(raw.raw)
    if policy != os.SCHED_OTHER or not slice_ns:  # somebody chose another policy, or the kernel is older
        return None
    return policy, nice, slice_ns


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
