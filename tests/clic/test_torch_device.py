"""The torch device that a setting names, and what happens where the machine has none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import hitl_clic as hc
from hitl_clic.clic.torch_device import available, torch_device
from hitl_clic.methods import make_trainer
from hitl_clic.runner.torch_devices import check_devices
from hitl_clic.settings_layers import load

MISSING = "cuda:77"
"""A device that no machine has."""
RECORDED = Path(__file__).parents[2] / "recordings" / "oracle"


def test_the_cpu_is_always_there() -> None:
    assert torch_device("cpu") == torch.device("cpu")
    assert available()[0] == "cpu"


@pytest.mark.parametrize("name", [MISSING, "banana", "mps:9"])
def test_a_missing_device_is_refused_by_its_setting_in_one_line(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"^policy.inference.device = {name} is not possible on this machine"
    ) as caught:
        torch_device(name, "policy.inference.device")
    assert str(caught.value).endswith(f"allowed: {', '.join(available())}")
    assert "\n" not in str(caught.value)


def test_a_trainer_refuses_a_missing_device() -> None:
    settings = load(overrides={"method": "clic", "policy": {"device": MISSING}}).policy
    with pytest.raises(ValueError, match=r"policy\.device = cuda:77 is not possible"):
        make_trainer(3, 2, 2, settings, seed=0)


def test_only_the_devices_that_are_used_here_must_be_here() -> None:
    learns_there = load(overrides={"method": "clic", "policy": {"device": MISSING}}).policy
    check_devices(learns_there, learns=False, plans=True)  # clic plans on the CPU
    with pytest.raises(hc.UserError, match=r"policy\.device = cuda:77"):
        check_devices(learns_there, learns=True, plans=True)
    both = load(overrides={"method": "clic_paper", "policy": {"device": MISSING}}).policy
    with pytest.raises(hc.UserError, match=r"policy\.device = cuda:77"):
        check_devices(both, learns=False, plans=True)
    plans_there = load(overrides={"method": "clic", "policy": {"inference": {"device": MISSING}}}).policy
    with pytest.raises(hc.UserError, match=r"policy\.inference\.device = cuda:77"):
        check_devices(plans_there, learns=True, plans=True)


def test_a_session_or_training_on_a_missing_device_leaves_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(hc.UserError, match=r"policy\.device = cuda:77 is not possible on this machine"):
        hc.teach("push_t", "oracle", policy={"device": MISSING}, out=out)
    with pytest.raises(hc.UserError, match=r"policy\.device = cuda:77 is not possible on this machine"):
        hc.learn(RECORDED, updates=1, policy={"device": MISSING}, out=out)
    assert not out.exists()
