"""The torch device that a setting names. Pure torch; any thread or process."""

from __future__ import annotations

import torch


def torch_device(name: str, setting: str = "policy.device") -> torch.device:
    """The device of a name such as cpu or cuda:1.

    Args:
        setting: the name's setting, for the error.

    Raises:
        ValueError: torch knows no such device, or this machine or this build of torch has none.
    """
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: a build without CUDA
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"{setting} = {name} is not possible on this machine ({reason}); allowed: {', '.join(available())}"
        ) from error


def available() -> list[str]:
    """Names of the devices of this machine that torch can use."""
    names = ["cpu"]
    names += ["cuda"] if torch.cuda.is_available() else []
    names += ["mps"] if torch.backends.mps.is_available() else []
    return names
