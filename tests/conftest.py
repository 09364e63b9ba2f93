"""What tests share: a virtual display for those that open a real window, torch on one thread, no deadlines for drawn
examples."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from hitl_clic.cockpit.drawing.welcome import remember
from tools.virtual_display import virtual_display

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def _nobody_is_new_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Windows of tests greet nobody, and leave no mark on the account of who runs them."""
    before, home = os.environ.get("XDG_STATE_HOME"), tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(home)
    remember()
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: small tensors are not worth more, and sums come out in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual display of its own."""
    with virtual_display() as name:
        yield name
