"""Tasks, devices and methods of other packages: the examples installed as a stranger would, and the templates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hitl_clic.cli.new import KINDS, write_package
from hitl_clic.types.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = {"task": "reach_2d", "device": "udp_joystick", "method": "nearest_states"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the three examples are installed."""
    folder = tmp_path_factory.mktemp("installed")
    for name in EXAMPLES.values():
        source = tmp_path_factory.mktemp("source") / name
        shutil.copytree(ROOT / "examples" / name, source)
        pip = (*(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index"), "--no-build-isolation")
        done = subprocess.run([*pip, "--target", folder, source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


def run(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(installed), str(ROOT)])
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def hitl_clic(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(installed, cwd, "-m", "hitl_clic", *words)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_what_the_template_writes(kind: str, tmp_path: Path) -> None:
    written, example = write_package(kind, EXAMPLES[kind], tmp_path), ROOT / "examples" / EXAMPLES[kind]
    files = {file.name for file in written.iterdir()}
    assert files == {file.name for file in example.iterdir() if file.is_file()}
    for name in files:
        assert (written / name).read_text() == (example / name).read_text(), f"run: hitl-clic new {kind}"


@pytest.mark.parametrize(("kind", "name"), [("robot", "mine"), ("task", "My-Task"), ("task", "taken")])
def test_new_refuses_what_it_cannot_write(kind: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"is not (known|allowed)"):
        write_package(kind, name, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_of_an_example_pass(kind: str, installed: Path, tmp_path: Path) -> None:
    file = ROOT / "examples" / EXAMPLES[kind] / f"test_{EXAMPLES[kind]}.py"
    done = run(
        installed, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(file)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "name"), [("tasks", "reach_2d"), ("devices", "udp_joystick"), ("methods", "nearest_states")]
)
def test_each_list_says_where_an_entry_comes_from(command: str, name: str, installed: Path, tmp_path: Path) -> None:
    listed = hitl_clic(installed, tmp_path, command)
    assert listed.returncode == 0, listed.stderr
    (row,) = (line for line in listed.stdout.splitlines() if f" {name} " in line)
    assert f"{name} 0.1.0" in " ".join(row.split())


def test_a_task_and_a_method_of_others_are_taught_recorded_verified_and_evaluated(
    installed: Path, tmp_path: Path
) -> None:
    taught = hitl_clic(
        *(installed, tmp_path, "teach", "--task", "reach_2d", "--method", "nearest_states", "--device", "oracle"),
        *("--episodes", "3", "--pace", "max", "--headless", "--out", "session"),
    )
    assert taught.returncode == 0, taught.stderr
    assert "acts with x y; success: info.success" in taught.stdout
    verified = hitl_clic(installed, tmp_path, "replay", "session", "--verify", "--headless", "--json")
    assert json.loads(verified.stdout)["ok"], verified.stdout
    found = hitl_clic(*(installed, tmp_path, "evaluate", "session", "--episodes", "2", "--processes", "1", "--json"))
    figures = json.loads(found.stdout)
    assert figures["method"] == "nearest_states"
    assert figures["l2_error_per_step"] is not None
    assert len(figures["episodes"]) == 2


def test_an_environment_that_breaks_keeps_what_was_recorded(installed: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "support" / "foreign_envs.py", tmp_path)
    (tmp_path / "breaking.py").write_text(
        "from foreign_envs import BreaksAtStep, slider_teacher\n"
        "class Breaking(BreaksAtStep):\n"
        "    teacher = staticmethod(slider_teacher)\n"
        "    def __init__(self, render_mode=None):\n"
        "        super().__init__(render_mode, after=400)\n"
        "    def reset(self, **options):\n"
        "        if options.get('seed') == 10_001:\n"
        "            self.after = self.steps + 3\n"
        "        return super().reset(**options)\n"
    )
    taught = hitl_clic(
        *(installed, tmp_path, "teach", "--task", "breaking:Breaking", "--method", "bc", "--device", "oracle"),
        *("--episodes", "3", "--seed", "1", "--pace", "max", "--headless", "--out", "session"),
    )
    assert taught.returncode == 2, taught.stdout + taught.stderr
    assert "its step() raised OSError: the motor is too hot" in taught.stderr
    assert "Traceback" not in taught.stderr
    shown = hitl_clic(installed, tmp_path, "replay", "session", "--headless", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["episodes"] == 1
