"""Desired sets of chunks ([CC] Eq. 5 and 6) and desired half-spaces ([CL]), as log-probabilities.

Pure torch (`limited_correction` is numpy), any thread. All results are finite for finite input.
Shapes: B states, S samples, D = H * dim_a; all lengths are in action units. A mask is 1 on taught coordinates.
Untaught coordinates enter no distance, radius or normal.
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
    """||mask * (a - b)||_2 over the last axis: the norm of [CC] Eq. 2 on the taught coordinates; [..., D] -> [...]."""
    return ((a - b) * mask).square().sum(-1).clamp_min(1e-24).sqrt()


def radius(robot: Tensor, human: Tensor, mask: Tensor, ratio: float) -> Tensor:
    """r = gamma * ||a^r - a^h||_2 ([CC] Eq. 5); [B, D] -> [B]. `ratio` is gamma."""
    return ratio * distance(robot, human, mask)


def circular_log_p(
    samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, ratio: float, boundary: float
) -> Tensor:
    """log p(a in the ball-shaped desired set) = log sigmoid((r - ||a - a^h||) / T) ([CC] Eq. 5 and 6).

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D].
        ratio: gamma. boundary: T.

    Returns:
        [B, S].
    """
    r = radius(robot, human, mask, ratio)[:, None]
    return logsigmoid((r - distance(samples, human[:, None], mask[:, None])) / boundary)


def circular_gap(samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, ratio: float) -> Tensor:
    """Distance to the ball-shaped desired set: max(0, ||a - a^h|| - r), with r of [CC] Eq. 5.

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D]. ratio: gamma.

    Returns:
        [B, S].
    """
    r = radius(robot, human, mask, ratio)[:, None]
    return (distance(samples, human[:, None], mask[:, None]) - r).clamp_min(0)


def half_space_gap(samples: Tensor, worse: Tensor, better: Tensor, mask: Tensor) -> Tensor:
    """Distance to the half-space of points closer to `better` than to `worse` ([CL]); 0 inside.

    Args:
        samples: [B, S, D]. worse, better, mask: [B, D].

    Returns:
        [B, S].
    """
    normal = (better - worse) * mask
    length = normal.square().sum(-1).clamp_min(1e-24).sqrt()
    beyond = (samples - ((worse + better) / 2)[:, None]) @ normal[..., None]
    return (-beyond[..., 0] / length[:, None]).clamp_min(0)


def half_space_log_p(samples: Tensor, worse: Tensor, better: Tensor, mask: Tensor, boundary: float) -> Tensor:
    """log p(a is closer to `better` than to `worse`) = log sigmoid((||a - worse|| - ||a - better||) / T) ([CL]).

    Args:
        samples: [B, S, D]. worse, better, mask: [B, D]. boundary: T.

    Returns:
        [B, S].
    """
    mask = mask[:, None]
    to_worse = distance(samples, worse[:, None], mask)
    to_better = distance(samples, better[:, None], mask)
    return logsigmoid((to_worse - to_better) / boundary)


def limited_correction(robot: Array, human: Array, mask: Array, length: float) -> Array:
    """The human chunk of a relative pair, each step at most `length` from the robot's step; [H, dim_a].

    A relative command gives a direction only; its size is not a label. So the half-space uses the limited chunk.

    Args:
        robot, human, mask: numpy float32 [H, dim_a]. Only taught coordinates count for the length.
        length: greatest distance of a step from the robot's step.
    """
    apart = human - robot
    far = np.linalg.norm(apart * mask, axis=1, keepdims=True)
    return np.where(far > length, robot + apart * (length / np.maximum(far, 1e-12)), human).astype(np.float32)


def draw_directions(dim: int, pairs: int, generator: torch.Generator) -> Tensor:
    """Standard normal directions of the implicit pairs, shared by all states of a batch; [pairs/2, D].

    Each direction is used with both signs, so the implicit pairs are balanced around the correction. With two taught
    coordinates the pairs alternate between the two sides, as in the public CLIC code.
    """
    return torch.randn(pairs // 2, dim, generator=generator, device=generator.device)


def implicit_log_p(
    samples: Tensor, robot: Tensor, human: Tensor, mask: Tensor, directions: Tensor, settings: HalfSpaceSettings
) -> Tensor:
    """log p(a in the desired half-space of a relative correction), with implicit contrastive pairs ([CL], CLIC-Half).

    Let d = mask (a^h - a^r), g the tightness and alpha the angle. M implicit negatives lie on a cone around d:
    n_i = a^r + g d + (1 - g) (cos(alpha) d + sin(alpha) w_i), where w_i is orthogonal to d and ||w_i|| = ||d||.
    log p = (sum_i L(n_i, a^h) + omega M L(a^r, a^r + g d)) / ((1 + omega) M).
    L is `half_space_log_p` of one pair; omega is the weight of the observed pair. For H = 1, d = e h as in [CL].

    With fewer than two taught coordinates no vector is orthogonal to d. Such rows, and all rows if M = 0, use the
    observed pair (a^r, a^h) alone.

    The norms ||a - n_i|| come from inner products with `directions`. So no tensor of shape [B, S, M, D] is made.

    Args:
        samples: [B, S, D]. robot, human, mask: [B, D]. directions: from `draw_directions`, [M/2, D].
        settings: numbers of the half-space.

    Returns:
        [B, S].
    """
    boundary, tightness = settings.boundary_temperature, settings.tightness
    observed_only = half_space_log_p(samples, robot, human, mask, boundary)
    if len(directions) == 0:
        return observed_only
    correction = (human - robot) * mask
    length = distance(human, robot, mask)[:, None]
    heading = correction / length
    # w_i = length * unit vector of the masked direction minus its component along the heading
    along = heading @ directions.T  # [B, M/2]
    size = (mask @ directions.square().T - along.square()).clamp_min(1e-12).sqrt()
    angle = math.radians(settings.angle_deg)
    forward = tightness + (1 - tightness) * math.cos(angle)
    sideways = (1 - tightness) * math.sin(angle)
    # offsets from the centre of the circle of negatives: this avoids cancellation for samples near a negative
    offset = (samples - (robot + forward * correction)[:, None]) * mask[:, None]
    across = offset @ directions.T - (offset @ heading[:, :, None]) * along[:, None]  # [B, S, M/2]
    across = across * (2 * sideways * length / size)[:, None]
    common = (offset.square().sum(-1) + (sideways * length).square())[..., None]
    to_human = distance(samples, human[:, None], mask[:, None])[..., None]
    to_negatives = torch.cat([common - across, common + across], dim=-1)  # ||a - n_i||^2, [B, S, M]
    implicit = logsigmoid((to_negatives.clamp_min(1e-24).sqrt() - to_human) / boundary).mean(-1)
    observed = half_space_log_p(samples, robot, robot + tightness * correction, mask, boundary)
    weight = settings.observed_weight
    return torch.where(mask.sum(-1, keepdim=True) < 2, observed_only, (implicit + weight * observed) / (1 + weight))
