"""Other projects' readers, each in packages of its own beside the test's interpreter; cached between runs.

A reader runs as a child process with the packages' folder first in its path, so numpy and torch are those of the tests.
Where a folder cannot be made (no package index), the test is skipped by name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import platformdirs
import pytest


@dataclass(frozen=True)
class Tool:
    """The packages of one reader.

    Attributes:
        whole: requirements with what they depend on; alone: without that, where reading needs less.
        stand_ins: modules that it imports but does not use for reading, by file, with their text.
    """

    name: str
    alone: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    stand_ins: dict[str, str] = field(default_factory=dict)


LEROBOT = Tool(
    "lerobot-dataset",
    alone=("lerobot-dataset==0.4.4",),
    whole=("datasets==4.1.1", "huggingface-hub==0.35.3", "jsonlines==4.0.0", "termcolor>=2.4", "av==15.1.0"),
    # the real one must be built for the same torch; it turns pictures into tensors, and these datasets have none
    stand_ins={"torchvision/__init__.py": '__version__ = "0"\n', "torchvision/transforms.py": ""},
)
ROBOMIMIC = Tool(
    "robomimic",
    alone=("robomimic==0.3.0", "h5py>=3.10,<4", "termcolor>=2.4", "tqdm>=4", "psutil>=5"),
    # robosuite's binding of 2023; robomimic names its error class and calls nothing of it
    stand_ins={"mujoco_py/__init__.py": "class builder:\n    MujocoException = RuntimeError\n"},
)


def read_with(tool: Tool, script: str, dataset: Path, out: Path) -> dict[str, np.ndarray]:
    """What a tool's reader finds in a dataset.

    Args:
        script: Python text; its arguments are the dataset and the .npz file that it writes.
        out: the .npz file.
    """
    home = out.parent / "home"
    environment = os.environ | {
        "PYTHONPATH": str(_packages(tool)),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(home),
        "MUJOCO_GL": "disabled",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, str(dataset), str(out)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as found:
        return dict(found)


def _packages(tool: Tool) -> Path:
    """The folder with a tool's packages, made when it is first needed."""
    key = repr((tool, sys.version_info[:2], np.__version__, "same pyarrow"))
    name = f"{tool.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    folder = Path(platformdirs.user_cache_dir("hitl-clic-tests")) / name
    if folder.is_dir():
        return folder
    beside = folder.with_name(f"{name}.part-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        # those that the tests have: a newer pyarrow refuses an older numpy
        same = [f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "pyarrow")]
        _install(beside, [*same, *tool.whole] if tool.whole else [])
        _install(beside, ["--no-deps", *tool.alone])
    except subprocess.CalledProcessError as problem:
        shutil.rmtree(beside, ignore_errors=True)
        pytest.skip(f"{tool.name} cannot be installed here: {problem.stderr.strip()[-200:]}")
    for path, text in tool.stand_ins.items():
        (beside / path).parent.mkdir(exist_ok=True)
        (beside / path).write_text(text, encoding="utf-8")
    if not folder.is_dir():
        beside.rename(folder)
    return folder


def _install(folder: Path, what: list[str]) -> None:
    if what:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), *what]
        subprocess.run(command, check=True, capture_output=True, text=True)
