"""Imports run down the layers and keep every other contract; a planted breach of each is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}
LAYERS = [layer.split(" | ") for layer in CONTRACTS["layers"]["layers"]]

BREACHES = {
    "hitl_clic/control/breach.py": "import torch\n",
    "hitl_clic/learner/breach.py": "import hitl_clic.tasks\n",
    "hitl_clic/session/breach.py": "import pygame\nimport pymunk\n",
    "hitl_clic/link/breach.py": "import hitl_clic.control\nimport app\n",
    "hitl_clic/clic/breach.py": "import msgpack\n",
    "hitl_clic/devices/breach.py": "import torch\n",
}
"""At least one breach of every contract."""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, to plant breaches in."""
    shutil.copytree(ROOT / "hitl_clic", tmp_path / "hitl_clic", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_keep_every_contract() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_notices_a_breach(copy: Path) -> None:
    for name, text in BREACHES.items():
        (copy / name).write_text(text, encoding="utf-8")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Contracts: 0 kept, {len(CONTRACTS)} broken." in done.stdout, done.stdout


def test_every_layer_notices_an_import_of_the_layer_above(copy: Path) -> None:
    planted = []
    for above, below in pairwise(LAYERS):
        for layer in below:
            folder = copy / "hitl_clic" / layer
            file = folder / "breach.py" if folder.is_dir() else folder.with_suffix(".py")
            with file.open("a", encoding="utf-8") as module:
                module.write(f"\nimport hitl_clic.{above[0]}\n")
            planted.append(f"hitl_clic.{layer} is not allowed to import hitl_clic.{above[0]}")
    done = lint(copy)
    assert [breach for breach in planted if breach not in done.stdout] == []


def test_a_package_without_a_layer_is_noticed(copy: Path) -> None:
    (copy / "hitl_clic/stray.py").write_text("")
    done = lint(copy)
    assert done.returncode == 1
    assert "stray" in done.stdout
