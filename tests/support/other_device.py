"""A device that is not the CPU, on a machine that has no other.

Tensors of `elsewhere` are CPU tensors in a wrapper that says it is of the device "meta". As with a GPU, an operation
that mixes them with tensors of the CPU (numbers apart) is refused, and so is `.numpy()`; what asks for their values
gets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")


class There(Tensor):
    """A tensor elsewhere; `here` are its numbers."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> There:
        made = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
        )
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What happens to tensors there while the mode is off: the same."""
        return _run(func, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """Makes tensors there when they are asked for there, and refuses to mix."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        return _run(func, args, kwargs or {})


class Generator(torch.Generator):
    """Draws here and says it is there."""

    def __new__(cls, device: Any = None) -> Generator:
        return super().__new__(cls, "cpu")

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where the numbers are wanted."""
        return DEVICE


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    known = {id(tensor.here): tensor for tensor in tensors if isinstance(tensor, There)}
    moves = func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_)
    strangers = [tuple(t.shape) for t in tensors if not isinstance(t, There) and t.dim() > 0]
    if known and strangers and not moves:
        raise RuntimeError(f"{func} mixes devices: tensors of the shapes {strangers} are on the CPU")
    asked = kwargs.get("device")
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner_args, inner_kwargs = tree_map_only(There, lambda tensor: tensor.here, (args, kwargs))
    out = func(*inner_args, **inner_kwargs)
    if func.overloadpacket is torch.ops.aten.copy_:
        return args[0]
    stays = bool(known) if asked is None else torch.device(asked).type == DEVICE.type
    if not stays:
        return out
    return tree_map_only(Tensor, lambda tensor: known[id(tensor)] if id(tensor) in known else There(tensor), out)


_TENSOR = torch.tensor


def _tensor(data: Any, *, device: Any = None, **rest: Any) -> Tensor:
    """`torch.tensor`, which else makes a true "meta" tensor without asking the mode."""
    made = _TENSOR(data, **rest)
    return made if device is None else made.to(device)


@contextmanager
def elsewhere(monkeypatch: Any) -> Iterator[torch.device]:
    """Within it, `DEVICE` is a device with numbers in it."""
    with monkeypatch.context() as patch, Elsewhere():
        patch.setattr(torch, "Generator", Generator)
        patch.setattr(torch, "tensor", _tensor)
        yield DEVICE
