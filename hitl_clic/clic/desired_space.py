"""Desired action chunk spaces and how probable it is that a chunk lies in one.

Pure torch, any thread. Everything is a log-probability; nothing overflows for any finite input.
Chunks are flattened: D = H * dim_a. Shapes: B states, S samples.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import logsigmoid


def distance(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """||mask * (a - b)||_2 over the last axis ([CC] Eq. 2's metric, over the known coordinates only)."""
    return ((a - b) * mask).square().sum(-1).clamp_min(1e-24).sqrt()


def radius(robot: Tensor, human: Tensor, mask: Tensor, ratio: float) -> Tensor:
    """r = gamma * ||a^r - a^h||_2 ([CC] Eq. 5); [B]."""
    return ratio * distance(robot, human, mask)


def circular_log_p(
    samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, ratio: float, boundary: float
) -> Tensor:
    """log p(a in the circular desired space) = log sigmoid((r - ||a - a^h||) / T) ([CC] Eq. 5 and 6).

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D].
        ratio: gamma. boundary: T, action units.

    Returns:
        [B, S].
    """
    r = radius(robot, human, mask, ratio)[:, None]
    return logsigmoid((r - distance(samples, human[:, None], mask[:, None])) / boundary)


def half_space_log_p(samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, boundary: float) -> Tensor:
    """log p(a in the desired half-space): closer to a^h than to a^r ([CL], the observed contrastive pair alone).

    For relative corrections, where a^h is only better than a^r and not itself wanted.

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D]. boundary: softness, action units.

    Returns:
        [B, S].
    """
    mask = mask[:, None]
    to_robot = distance(samples, robot[:, None], mask)
    to_human = distance(samples, human[:, None], mask)
    return logsigmoid((to_robot - to_human) / boundary)
