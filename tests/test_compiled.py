"""Machine code is kept in the user's cache folder, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hitl_clic.child_process import child_environment

MODULE = """
from hitl_clic.compiled import compiled

@compiled
def twice(x):
    return x + x
"""
RUN = """
import json, sys
import numba
from hitl_clic import compiled
before = numba.config.CACHE_DIR
sys.path.insert(0, sys.argv[1])
import doubling
kept = compiled.is_kept(doubling.twice)
value = doubling.twice(21)
print(json.dumps([value, kept, sum(doubling.twice.stats.cache_hits.values()), numba.config.CACHE_DIR == before]))
"""


def run(folder: Path, **environment: str) -> list[object]:
    """(value, whether kept before, loads from the cache, whether numba's setting is as before) of a new process."""
    command = [sys.executable, "-B", "-c", RUN, str(folder)]
    clean = {name: value for name, value in child_environment().items() if not name.startswith("NUMBA_")}
    done = subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "doubling.py").write_text(MODULE, encoding="utf-8")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is of Linux")
def test_the_second_process_loads_what_the_first_compiled(module: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(module, XDG_CACHE_HOME=str(cache)) == [42, False, 0, True]
    assert run(module, XDG_CACHE_HOME=str(cache)) == [42, True, 1, True]
    assert list((cache / "hitl-clic" / "numba").rglob("doubling.twice-*.nbi"))
    assert [path.name for path in module.iterdir()] == ["doubling.py"], "nothing is written beside the code"


def test_a_folder_that_the_user_chose_is_used(module: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    assert run(module, NUMBA_CACHE_DIR=str(chosen), XDG_CACHE_HOME=str(tmp_path / "cache"))[0] == 42
    assert list(chosen.rglob("doubling.twice-*.nbi"))
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is of Linux")
def test_without_a_folder_every_process_compiles_for_itself(module: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    for _ in range(2):
        assert run(module, XDG_CACHE_HOME=str(tmp_path / "a file")) == [42, False, 0, True]
    assert [path.name for path in module.iterdir()] == ["doubling.py"]
