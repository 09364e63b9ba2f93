"""Turns at the processor: asked for in fresh processes, so that this one's are left as they are."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hitl_clic.os_scheduling import ACTOR_SLICE_S, BULK_SLICE_S, LOOP_SLICE_S

_SINCE = (6, 12)


def _in_fresh_process(script: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def _can_choose() -> bool:
    version = tuple(int(n) for n in platform.release().split("-")[0].split(".")[:2]) if sys.platform == "linux" else ()
    return version >= _SINCE and platform.machine() in ("x86_64", "aarch64", "riscv64")


@pytest.mark.parametrize("seconds", [LOOP_SLICE_S, ACTOR_SLICE_S, BULK_SLICE_S])
def test_a_turn_is_as_long_as_asked_or_nothing_is_claimed(seconds: float) -> None:
    said = _in_fresh_process(f"from hitl_clic.os_scheduling import *; print(request_slice({seconds}))")
    if _can_choose():
        assert float(said[0]) == pytest.approx(seconds)
    else:
        assert said == ["None"]


def test_threads_begin_with_the_turns_of_their_maker() -> None:
    said = _in_fresh_process(
        "import threading\n"
        "from hitl_clic.os_scheduling import *\n"
        "import hitl_clic.os_scheduling as s\n"
        "request_slice(0.0005)\n"
        "def look(): print(s.current_slice())\n"
        "t = threading.Thread(target=look); t.start(); t.join()\n"
        "request_slice(0.0001); look()\n"
    )
    assert said == (["0.0005", "0.0001"] if _can_choose() else ["None", "None"])


def test_niceness_is_kept() -> None:
    said = _in_fresh_process(
        "import os; before = os.nice(0); os.nice(7)\n"
        "from hitl_clic.os_scheduling import *; request_slice(0.01); print(os.nice(0) - before)"
    )
    assert said == ["7"]


@pytest.mark.skipif(sys.platform != "linux", reason="policies are Linux's")
def test_another_policy_is_left_alone() -> None:
    said = _in_fresh_process(
        "import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))\n"
        "from hitl_clic.os_scheduling import *\n"
        "print(request_slice(0.01), os.sched_getscheduler(0) == os.SCHED_BATCH)"
    )
    assert said == ["None", "True"]


@pytest.mark.parametrize("leader", [True, False])
def test_a_session_of_its_own_yields_as_a_whole(leader: bool) -> None:
    group = Path("/proc/self/autogroup")
    script = (
        "import os\nfrom pathlib import Path\nfrom hitl_clic.os_scheduling import *\n"
        "group = Path('/proc/self/autogroup')\nbefore = group.read_text() if group.exists() else ''\n"
        "own = os.nice(0); lower_priority(6)\nafter = group.read_text() if group.exists() else ''\n"
        "print(os.nice(0) - own, after.split()[-1:] or '-', before == after)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, start_new_session=leader
    )
    niceness, of_group, unchanged = done.stdout.split()
    assert niceness == "6"
    if leader and group.exists():
        assert of_group == "['6']"
    else:
        assert unchanged == "True"
