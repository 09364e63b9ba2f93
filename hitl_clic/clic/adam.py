"""Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101): torch's kernels without its class.

The first use of torch's optimiser classes loads torch's compiler, which costs a learner two seconds of its start and
which nothing here uses. Pure torch; the thread of the trainer that owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

FUSED = ("cpu", "cuda")
"""Device types on which every supported torch has a fused Adam."""
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Adam:
    """The optimiser of some parameters.

    Args:
        parameters: all on one device. weight_decay: share of the learning rate; 0 is plain Adam.

    Attributes:
        moments: by number of the parameter: "exp_avg" and "exp_avg_sq" of its shape, and "step", a number. Empty for a
            parameter that never had a gradient.
    """

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.moments: dict[int, dict[str, Tensor]] = {}
        self.fused = self.parameters[0].device.type in FUSED

    def forget_gradients(self) -> None:
        """Before a backward pass: gradients add up otherwise."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the parameters by their gradients at a learning rate; those without a gradient stay."""
        moved = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        for i in moved:
            if i not in self.moments:
                self.moments[i] = self._fresh(self.parameters[i])
        adamw(
            [self.parameters[i] for i in moved],
            [gradient for i in moved if (gradient := self.parameters[i].grad) is not None],
            [self.moments[i]["exp_avg"] for i in moved],
            [self.moments[i]["exp_avg_sq"] for i in moved],
            [],
            [self.moments[i]["step"] for i in moved],
            fused=self.fused,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def load(self, moments: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Continue from the `moments` of another one, on any device."""
        self.moments = {}
        for i, entry in moments.items():
            fresh = self._fresh(self.parameters[i])
            self.moments[i] = {name: entry[name].to(value) for name, value in fresh.items()}

    def _fresh(self, parameter: Tensor) -> dict[str, Tensor]:
        where = parameter.device if self.fused else torch.device("cpu")  # torch's kernels want it there
        return {
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "step": torch.zeros((), dtype=torch.float32, device=where),
        }
