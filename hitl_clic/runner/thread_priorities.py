"""The order of a session's threads and processes before the operating system's scheduler.

Actor's main thread, once, before the first tick of a session in real time. The levels are Linux's nice levels; see
docs/operations.md. The window and the learner lower themselves (`window.niceness`, `training.niceness`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from hitl_clic.os_scheduling import set_niceness

LEVELS: Mapping[str, int] = {
    "device": 1,
    "planner": 3,
    "link": 4,
    "recorder": 5,
    "policy-probe": 6,
    "window-link": 6,
    "terminal-link": 6,
    "dashboard": 6,
    "learner-watch": 6,
}
"""Nice levels below the thread of the tick, by the thread's name; "device" also stands for "device-NAME".

An ordinary user may lower a priority, but not raise it. So the tick stays where it is, and all others go below it. Each
of these threads holds the interpreter's lock at times, so they stay above other programs with a low priority.
"""


def order_threads() -> dict[str, int]:
    """Lower all threads of this session below the calling one; the nice level that each thread got, by name.

    Empty where threads have no levels of their own or the system refuses; all threads then stay equal.
    """
    if not hasattr(os, "getpriority"):
        return {}
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    found: dict[str, int] = {}
    for thread in threading.enumerate():
        level = LEVELS.get("device" if thread.name.startswith("device-") else thread.name)
        if level is not None and thread.native_id is not None and set_niceness(thread.native_id, own + level):
            found[thread.name] = own + level
    return found
