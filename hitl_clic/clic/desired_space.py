"""Desired action chunk spaces and how probable it is that a chunk lies in one.

Pure torch (`limited_correction` is numpy), any thread. Everything is a log-probability and finite for finite input.
Chunks are flattened: D = H * dim_a. Shapes: B states, S samples. A mask is 1 on the coordinates that count. The others
take no part in any distance, radius or normal: a desired space is a cylinder along them.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from hitl_clic.clic.buffer import Array
from hitl_clic.clic.settings import HalfSpaceSettings


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


def circular_gap(samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, ratio: float) -> Tensor:
    """Distance of samples from the circular desired space, 0 within: max(0, ||a - a^h|| - r) ([CC] Eq. 5).

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D]. ratio: gamma.

    Returns:
        [B, S], action units.
    """
    r = radius(robot, human, mask, ratio)[:, None]
    return (distance(samples, human[:, None], mask[:, None]) - r).clamp_min(0)


def half_space_gap(samples: Tensor, worse: Tensor, better: Tensor, mask: Tensor) -> Tensor:
    """Distance of samples from the half-space that is closer to `better` than to `worse`, 0 within ([CL]).

    Arguments and result as for `circular_gap`.
    """
    normal = (better - worse) * mask
    length = normal.square().sum(-1).clamp_min(1e-24).sqrt()
    beyond = (samples - ((worse + better) / 2)[:, None]) @ normal[..., None]
    return (-beyond[..., 0] / length[:, None]).clamp_min(0)


def half_space_log_p(samples: Tensor, worse: Tensor, better: Tensor, mask: Tensor, boundary: float) -> Tensor:
    """log p(a in the half-space that one contrastive pair bounds): closer to `better` than to `worse` ([CL]).

    Args:
        samples: [B, S, D]. worse, better, mask: [B, D]. boundary: softness, action units.

    Returns:
        [B, S].
    """
    mask = mask[:, None]
    to_worse = distance(samples, worse[:, None], mask)
    to_better = distance(samples, better[:, None], mask)
    return logsigmoid((to_worse - to_better) / boundary)


def limited_correction(robot: Array, human: Array, mask: Array, length: float) -> Array:
    """The human chunk of a relative pair, each step at most `length` from the robot's, in the same direction.

    The half-space of a relative correction is made of this chunk: how far a teacher drove says little of how far is
    right.

    Args:
        robot, human, mask: numpy float32 [H, dim_a]. Only masked axes count for the length. length: units of action.
    """
    apart = human - robot
    far = np.linalg.norm(apart * mask, axis=1, keepdims=True)
    return np.where(far > length, robot + apart * (length / np.maximum(far, 1e-12)), human).astype(np.float32)


def draw_directions(dim: int, pairs: int, generator: torch.Generator) -> Tensor:
    """Normal numbers that give the implicit pairs their directions, the same for every state of a batch; [pairs/2, D].

    Each stands for itself and for its opposite: the implicit pairs of a correction lie evenly around it, and where
    only two numbers are taught the sides alternate, as they do in the public reference.
    """
    return torch.randn(pairs // 2, dim, generator=generator, device=generator.device)


def implicit_log_p(
    samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, directions: Tensor, settings: HalfSpaceSettings
) -> Tensor:
    """log p(a in the desired half-space of a relative correction), tightened by implicit contrastive pairs ([CL]).

    With d = mask (a^h - a^r), g the tightness and alpha the angle, the M implicit negatives lie on a cone around d:
    n_i = a^r + g d + (1 - g) (cos(alpha) d + sin(alpha) w_i), w_i orthogonal to d and as long. Then
    log p = (sum_i L(n_i, a^h) + omega M L(a^r, a^r + g d)) / ((1 + omega) M), with L the `half_space_log_p` of a pair
    and omega the observed pair's weight. For one step of length e this is CLIC-Half with d = e h; a chunk has one d.

    A row with fewer than two taught coordinates has nothing orthogonal to d: its observed pair (a^r, a^h) stands alone,
    and so it does everywhere with M = 0.

    The norms ||a - n_i|| come from inner products with `directions`, which all rows share: the largest tensors are
    [B, S, M], [B, S, D] and [M, D], never [B, S, M, D].

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D]. directions: from `draw_directions`, [M/2, D].

    Returns:
        [B, S].
    """
    boundary, tightness = settings.boundary_temperature, settings.tightness
    alone = half_space_log_p(samples, robot, human, mask, boundary)
    if len(directions) == 0:
        return alone
    apart = (human - robot) * mask
    length = distance(human, robot, mask)[:, None]
    heading = apart / length
    # w_i = length * (masked direction without its part along the heading, made a unit vector)
    along = heading @ directions.T  # [B, M/2]
    size = (mask @ directions.square().T - along.square()).clamp_min(1e-12).sqrt()
    angle = math.radians(settings.angle_deg)
    forward = tightness + (1 - tightness) * math.cos(angle)
    aside = (1 - tightness) * math.sin(angle)
    # seen from the cone's axis at the negatives' height, where near negatives nothing large cancels
    seen = (samples - (robot + forward * apart)[:, None]) * mask[:, None]
    across = seen @ directions.T - (seen @ heading[:, :, None]) * along[:, None]  # [B, S, M/2]
    across = across * (2 * aside * length / size)[:, None]
    near = (seen.square().sum(-1) + (aside * length).square())[..., None]
    to_human = distance(samples, human[:, None], mask[:, None])[..., None]
    both = torch.cat([near - across, near + across], dim=-1)  # ||a - n_i||^2, [B, S, M]
    implicit = logsigmoid((both.clamp_min(1e-24).sqrt() - to_human) / boundary).mean(-1)
    observed = half_space_log_p(samples, robot, robot + tightness * apart, mask, boundary)
    weight = settings.observed_weight
    return torch.where(mask.sum(-1, keepdim=True) < 2, alone, (implicit + weight * observed) / (1 + weight))
