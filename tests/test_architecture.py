"""The arrows between rooms, by import-linter; and that the contracts notice when one is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BREACHES = {
    "hitl_clic/control/breach.py": "import torch\n",
    "hitl_clic/learner/breach.py": "import hitl_clic.tasks\n",
    "hitl_clic/session/breach.py": "import pygame\nimport pymunk\n",
    "hitl_clic/link/breach.py": "import hitl_clic.control\nimport app\n",
    "hitl_clic/clic/breach.py": "import msgpack\n",
    "devices/breach.py": "import hitl_clic.records\n",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_arrows_only_run_down() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_contract_notices_a_breach(tmp_path: Path) -> None:
    for name in ("hitl_clic", "devices"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in BREACHES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("[[tool.importlinter.contracts]]")
    assert f"Contracts: 0 kept, {contracts} broken." in done.stdout, done.stdout
