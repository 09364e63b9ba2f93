"""The method's equations one number at a time, in float64, sharing no code with `hitl_clic.clic`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def slow_distance(a: Numbers, b: Numbers, mask: Numbers) -> float:
    return math.sqrt(sum(float(m) * (float(x) - float(y)) ** 2 for x, y, m in zip(a, b, mask, strict=True)))


def slow_log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def slow_circular(samples: Numbers, robot: Numbers, human: Numbers, mask: Numbers, gamma: float, t: float) -> Numbers:
    out = np.zeros(samples.shape[:2])
    for i in range(samples.shape[0]):
        r = gamma * slow_distance(robot[i], human[i], mask[i])
        for j in range(samples.shape[1]):
            out[i, j] = slow_log_sigmoid((r - slow_distance(samples[i, j], human[i], mask[i])) / t)
    return out


def slow_half(samples: Numbers, worse: Numbers, better: Numbers, mask: Numbers, t: float) -> Numbers:
    out = np.zeros(samples.shape[:2])
    for i in range(samples.shape[0]):
        for j in range(samples.shape[1]):
            far = slow_distance(samples[i, j], worse[i], mask[i])
            out[i, j] = slow_log_sigmoid((far - slow_distance(samples[i, j], better[i], mask[i])) / t)
    return out


def slow_negatives(
    robot: Numbers, human: Numbers, mask: Numbers, directions: Numbers, angle_deg: float, tightness: float
) -> list[Numbers]:
    """The implicit negatives of one correction, each direction and its opposite; none without an orthogonal one."""
    d = [float(m) * (float(h) - float(r)) for r, h, m in zip(robot, human, mask, strict=True)]
    long = math.sqrt(sum(x * x for x in d))
    if sum(mask) < 2:
        return []
    negatives = []
    for row in directions:
        g = [float(m) * float(x) for m, x in zip(mask, row, strict=True)]
        if long > 0:  # Gram and Schmidt
            part = sum(x * y for x, y in zip(g, d, strict=True)) / long**2
            g = [x - part * y for x, y in zip(g, d, strict=True)]
        size = math.sqrt(sum(x * x for x in g))
        for sign in (1, -1):
            u = [sign * x * long / size for x in g]
            v = [
                y * math.cos(math.radians(angle_deg)) + x * math.sin(math.radians(angle_deg))
                for x, y in zip(u, d, strict=True)
            ]
            negatives.append(
                np.array([float(r) + tightness * y + (1 - tightness) * z for r, y, z in zip(robot, d, v, strict=True)])
            )
    return negatives


def slow_implicit(
    samples: Numbers,
    robot: Numbers,
    human: Numbers,
    mask: Numbers,
    directions: Numbers,
    angle_deg: float,
    tightness: float,
    observed_weight: float,
    t: float,
) -> Numbers:
    """CLIC-Half: every implicit pair for itself; the observed pair alone where there is none."""
    out = np.zeros(samples.shape[:2])
    for i in range(samples.shape[0]):
        negatives = slow_negatives(robot[i], human[i], mask[i], directions, angle_deg, tightness)
        m = len(negatives)
        first = robot[i] + tightness * mask[i] * (human[i] - robot[i])
        for j in range(samples.shape[1]):
            a = samples[i, j]
            if m == 0:
                out[i, j] = slow_half(a[None, None], robot[i : i + 1], human[i : i + 1], mask[i : i + 1], t)[0, 0]
                continue
            to_human = slow_distance(a, human[i], mask[i])
            total = sum(slow_log_sigmoid((slow_distance(a, n, mask[i]) - to_human) / t) for n in negatives)
            observed = (slow_distance(a, robot[i], mask[i]) - slow_distance(a, first, mask[i])) / t
            total += observed_weight * m * slow_log_sigmoid(observed)
            out[i, j] = total / ((1 + observed_weight) * m)
    return out


def slow_log_softmax(row: list[float]) -> list[float]:
    top = max(row)
    total = top + math.log(sum(math.exp(v - top) for v in row))
    return [v - total for v in row]


def slow_target(energy: Numbers, log_p: Numbers, tau: float, power: float) -> Numbers:
    return np.array(
        [
            slow_log_softmax([-e / tau + power * p for e, p in zip(es, ps, strict=True)])
            for es, ps in zip(energy, log_p, strict=True)
        ]
    )


def slow_kl(energy: Numbers, target: Numbers, tau: float) -> float:
    total = 0.0
    for es, ts in zip(energy, target, strict=True):
        policy = slow_log_softmax([-e / tau for e in es])
        total += sum(math.exp(t) * (t - p) for t, p in zip(ts, policy, strict=True))
    return total / len(energy)


def slow_penalty(gradient: Numbers, margin: float) -> float:
    found = [max(0.0, max(abs(float(g)) for g in row) - margin) ** 2 for state in gradient for row in state]
    return sum(found) / len(found)
