"""Refuses torch devices that this machine has not, before work begins. Any thread; loads torch only for a GPU."""

from __future__ import annotations

from hitl_clic.clic.settings import MethodSettings
from hitl_clic.types.errors import UserError


def check_devices(policy: MethodSettings, learns: bool, plans: bool) -> None:
    """Check the devices of the learner and the planner.

    Args:
        policy: the method's settings. learns, plans: whether learner and planner run on this machine.

    Raises:
        UserError: torch knows no such device, or this machine has none.
    """
    planner = "policy.inference.device" if policy.inference.device else "policy.device"
    used = {"policy.device": policy.device} if learns else {}
    if plans:
        used[planner] = policy.planner_device
    for setting, name in used.items():
        if name == "cpu":
            continue
        from hitl_clic.clic.torch_device import torch_device

        try:
            torch_device(name, setting)
        except ValueError as error:
            raise UserError(str(error)) from error
