"""The package as a stranger installs it: what a wheel holds, and that it works in any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    without = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**without, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources: setuptools leaves files beside what it builds."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "app.py"):
        shutil.copy(ROOT / name, source)
    for name in ("hitl_clic", "devices", "configs", "benchmarks", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    out = tmp_path_factory.mktemp("wheel")
    build = run(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"),
        *("--wheel-dir", out, source),
        cwd=source,
    )
    assert build.returncode == 0, build.stderr
    assert "deprecat" not in (build.stdout + build.stderr).lower()
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    pip = run(
        *(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", folder, wheel), cwd=folder
    )
    assert pip.returncode == 0, pip.stderr
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of someone else's, with modules whose names the package uses inside."""
    for name in ("app", "devices", "configs", "benchmarks"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a foreign module was imported')\n", encoding="utf-8")
    return tmp_path


def test_the_wheel_holds_the_package_alone_and_every_preset(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"hitl_clic"}
    presets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "configs").rglob("*.toml")}
    assert {f"hitl_clic/{preset}" for preset in presets} == {name for name in names if name.endswith(".toml")}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "devices").rglob("*.py")}
    assert {f"hitl_clic/{module}" for module in modules} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.timeout(600)
def test_the_command_runs_in_any_folder_and_collides_with_no_foreign_module(installed: Path, foreign: Path) -> None:
    short = (
        "--episodes",
        "2",
        "--task-options",
        "max_steps",
        "60",
        "--policy.inference.candidates",
        "64",
        "--policy.inference.chains",
        "8",
    )
    done = run(
        *(installed / "bin" / "hitl-clic", "demo", "--headless", "--task", "line_following", *short, "--out", "first"),
        cwd=foreign,
        PYTHONPATH=os.pathsep.join([str(installed), str(foreign)]),
    )
    assert done.returncode == 0, done.stderr
    assert "equal bit for bit" in done.stdout
    assert done.stdout.rstrip().endswith("hitl-clic teach --task line_following --device keyboard")
    assert (foreign / "first" / "session.mcap").exists()


def test_the_installed_package_is_the_one_that_runs(installed: Path, foreign: Path) -> None:
    code = "import hitl_clic, hitl_clic.presets as p; print(hitl_clic.__file__); print(p.read('tasks', 'push_t'))"
    done = run(sys.executable, "-c", code, cwd=foreign, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    where, values = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert "rate_hz" in values


def test_bench_of_an_installed_package_says_in_one_line_that_it_needs_a_checkout(
    installed: Path, foreign: Path
) -> None:
    (installed / "benchmarks").mkdir(exist_ok=True)  # of another package
    done = run(installed / "bin" / "hitl-clic", "bench", cwd=foreign, PYTHONPATH=str(installed))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("hitl-clic: bench needs a checkout of the repository")
