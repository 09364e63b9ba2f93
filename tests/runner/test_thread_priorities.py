"""The real threads get their nice levels; a system that refuses them changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl_clic.child_process import child_environment
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.os_scheduling import LEARNER_THREADS, learner_threads, set_niceness
from hitl_clic.runner.thread_priorities import LEVELS, order_threads

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="threads have nice levels of their own on Linux only")
TAUGHT = """
import json, os, sys, threading
import hitl_clic as hc
from hitl_clic.runner import session

def noted():
    found = ordered()
    read = {{t.name: os.getpriority(os.PRIO_PROCESS, t.native_id) for t in threading.enumerate()}}
    print(json.dumps([os.getpriority(os.PRIO_PROCESS, os.getpid()), found, read]))
    return found

ordered, session.order_threads = session.order_threads, noted
hc.teach(task="line_following", device="oracle", pace="{pace}", episodes=1, out=sys.argv[1], headless=True,
         loop={{"rate_hz": 100.0, "updates_per_tick": 0.0}})
"""


@pytest.fixture
def waiting() -> Iterator[list[threading.Thread]]:
    """A thread of each name in the table, and one of the calling program."""
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, name=name, daemon=True) for name in (*LEVELS, "device-mouse", "mine")]
    for thread in threads:
        thread.start()
    yield threads
    done.set()
    for thread in threads:
        thread.join()


def niceness(thread: threading.Thread) -> int:
    assert thread.native_id is not None
    return os.getpriority(os.PRIO_PROCESS, thread.native_id)


@LINUX
def test_each_thread_has_its_level_and_the_tick_keeps_its_own(waiting: list[threading.Thread]) -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    levels = order_threads()
    found = {thread.name: niceness(thread) - own for thread in waiting}
    assert found == {**LEVELS, "device-mouse": LEVELS["device"], "mine": 0}
    assert {name: level - own for name, level in levels.items()} == {k: v for k, v in found.items() if k != "mine"}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own


def test_the_order_is_tick_device_planner_link_window_learner() -> None:
    window, learner = WindowSettings().niceness, TrainingSettings().niceness
    assert 0 < LEVELS["device"] < LEVELS["planner"] < LEVELS["link"] < LEVELS["window-link"] < window < learner <= 19


@LINUX
def test_a_system_that_refuses_is_harmless(waiting: list[threading.Thread], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(which: int, who: int, priority: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    before = [niceness(thread) for thread in waiting]
    monkeypatch.setattr(os, "setpriority", refuse)
    assert order_threads() == {}
    assert [niceness(thread) for thread in waiting] == before


def test_systems_without_levels_of_threads_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not set_niceness(threading.get_native_id(), 5)
    monkeypatch.delattr(os, "getpriority")
    assert order_threads() == {}


@LINUX
def test_a_thread_that_has_ended_is_no_error() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert thread.native_id is not None
    while Path(f"/proc/self/task/{thread.native_id}").exists():  # the system ends it a little later
        time.sleep(0.001)
    assert not set_niceness(thread.native_id, 5)


@LINUX
@pytest.mark.parametrize("pace", ["realtime", "max"])
def test_a_session_orders_its_threads_in_real_time_only(pace: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TAUGHT.format(pace=pace), str(tmp_path / "session")],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=170,
    )
    if pace == "max":
        assert done.stdout == ""
        return
    own, levels, read = json.loads(done.stdout)
    known = {name: level for name, level in read.items() if name != "MainThread"}
    assert known == levels, "every thread of a session has a place in the table"
    assert {"planner", "link", "recorder", "device-oracle"} <= set(levels)
    assert read["planner"] == own + LEVELS["planner"]
    assert read["MainThread"] == own


@pytest.mark.parametrize(
    ("wanted", "cpus", "threads"),
    [(0, 1, 1), (0, 2, 1), (0, 3, 1), (0, 4, 2), (0, 16, LEARNER_THREADS), (3, 1, 3), (8, 16, 8)],
)
def test_the_learner_has_more_threads_on_more_cores(wanted: int, cpus: int, threads: int) -> None:
    assert learner_threads(wanted, cpus) == threads
