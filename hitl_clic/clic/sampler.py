"""Drawing chunks of low energy: Langevin chains ([CC] Eq. 7) and their starts.

Pure torch, any thread; all random numbers come from the given generator. Shapes: B states, S chunks for each state,
D = H * dim_a. Results are detached: no gradient reaches the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.settings import NegativeSettings

Generator = torch.Generator


def step_sizes(steps: int, start: float, end: float) -> list[float]:
    """lambda_k = (start - end) (1 - k/(K-1))^2 + end for k = 0..K-1, as in the public CLIC code."""
    if steps == 1:
        return [start]
    return [(start - end) * (1 - k / (steps - 1)) ** 2 + end for k in range(steps)]


def uniform(batch: int, samples: int, dim: int, generator: Generator) -> Tensor:
    """Uniform samples of [-1, 1]^D; [B, S, D]."""
    return torch.rand(batch, samples, dim, generator=generator, device=generator.device) * 2 - 1


def langevin_step(
    chunks: Tensor, gradient: Tensor, size: float, noise: str, clip: float, generator: Generator | None
) -> Tensor:
    """One Langevin step: each coordinate moves by at most `clip` and stays in [-1, 1].

    Args:
        chunks, gradient: a and grad E, [B, S, D]. size: lambda.
        noise: "sqrt" is a - lambda grad E + sqrt(2 lambda) w ([CC] Eq. 7). "linear" is a - lambda (grad E / 2 + w), the
            step of the public CLIC code.
        generator: draws w; None is gradient descent without noise.

    Returns:
        [B, S, D].
    """
    pull, spread = (size, (2 * size) ** 0.5) if noise == "sqrt" else (0.5 * size, size)
    move = gradient * -pull
    if generator is not None:
        move += spread * torch.randn(chunks.shape, generator=generator, device=chunks.device)
    return (chunks + move.clamp_(-clip, clip)).clamp_(-1, 1)


@torch.no_grad()
def langevin(
    energy: Energy,
    context: Context,
    chunks: Tensor,
    sizes: list[float],
    noise: str,
    clip: float,
    generator: Generator | None,
    committed: Tensor | None = None,
    yield_hook: Callable[[], None] | None = None,
    hold: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """A Langevin chain from `chunks` ([CC] Eq. 7), one step for each of `sizes`.

    Args:
        energy, context: E and its context of B states. chunks: starts, [B, S, D]. sizes: lambda of each step.
        noise, clip, generator: see `langevin_step`.
        committed: first coordinates [c] of every chunk; they stay fixed.
        yield_hook: called before every step, see `NetworkPolicy`.
        hold: restores the fixed coordinates of chunks [B, S, D] after a step; `committed` replaces it.

    Returns:
        [B, S, D].
    """
    if committed is not None and len(committed):
        hold = partial(clamp_prefix, committed=committed)
    if hold is not None:
        chunks = hold(chunks)
    for size in sizes:
        if yield_hook is not None:
            yield_hook()
        _, gradient = energy.energy_and_gradient(context, chunks)
        chunks = langevin_step(chunks, gradient, size, noise, clip, generator)
        if hold is not None:
            chunks = hold(chunks)
    return chunks


def clamp_prefix(chunks: Tensor, committed: Tensor) -> Tensor:
    """The chunks [..., D] with their first c coordinates replaced by `committed` [c]."""
    chunks = chunks.clone()
    chunks[..., : len(committed)] = committed
    return chunks


def proposals(robot: Tensor, human: Tensor, samples: int, generator: Generator) -> Tensor:
    """Starts of the negatives, in four equal parts.

    The parts are: uniform; around a^h, and around a^r, at log-uniform scales from 0.01 to 1; and human chunks of random
    states of the batch, with noise of 0.05.

    Args:
        robot, human: [B, D]. samples: S.

    Returns:
        [B, S, D].
    """
    batch, dim = human.shape
    device = human.device
    share = samples // 4
    counts = (samples - 3 * share, share, share, share)
    scale = torch.exp(
        torch.rand(batch, counts[1] + counts[2], 1, generator=generator, device=device) * 4.6 - 4.6
    )  # exp(-4.6) = 0.01
    jitter = scale * torch.randn(batch, counts[1] + counts[2], dim, generator=generator, device=device)
    others = human[torch.randint(batch, (batch, counts[3]), generator=generator, device=device)]
    others = others + 0.05 * torch.randn(others.shape, generator=generator, device=device)
    return torch.cat(
        [
            uniform(batch, counts[0], dim, generator),
            human[:, None] + jitter[:, : counts[1]],
            robot[:, None] + jitter[:, counts[1] :],
            others,
        ],
        dim=1,
    ).clamp_(-1, 1)


def draw_negatives(
    energy: Energy,
    context: Context,
    robot: Tensor,
    human: Tensor,
    settings: NegativeSettings,
    generator: Generator,
    hold: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """N_a negatives for each state ([CC] Eq. 7 and 9).

    Args:
        energy, context: E and its context of B states; no gradient reaches it. robot, human: [B, D].
        settings: starts and chains. hold: see `langevin`.

    Returns:
        [B, N_a, D].
    """
    if settings.start == "proposals":
        start = proposals(robot, human, settings.samples, generator)
    else:
        start = uniform(len(human), settings.samples, human.shape[1], generator)
    sizes = step_sizes(settings.steps, settings.step_start, settings.step_end)
    fixed = tuple(part.detach() for part in context)
    return langevin(energy, fixed, start, sizes, settings.noise, settings.clip, generator, hold=hold)
