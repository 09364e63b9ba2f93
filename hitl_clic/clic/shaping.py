"""Policy shaping: move the policy's probability mass into the desired sets ([CC] Eq. 9 to 11).

Pure torch, any thread; no I/O. All probabilities are logarithms, so results are finite for every finite energy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hitl_clic.clic.desired_set import (
    circular_gap,
    circular_log_p,
    draw_directions,
    half_space_gap,
    implicit_log_p,
)
from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.sampler import draw_negatives
from hitl_clic.clic.settings import ClicSettings, EnergyMethodSettings


@dataclass(frozen=True, slots=True)
class Batch:
    """B pairs with flattened chunks.

    Attributes:
        state: [B, dim_o]. robot, human: a^r and a^h, [B, D].
        mask: 1 on taught coordinates, [B, D]. relative: True for relative corrections, [B].
        given: True on coordinates of the committed first steps, [B, D]; None if no step is committed.
    """

    state: Tensor
    robot: Tensor
    human: Tensor
    mask: Tensor
    relative: Tensor
    given: Tensor | None = None

    def fill(self, samples: Tensor) -> Tensor:
        """The samples [B, S, D] with the human chunk's numbers on the given coordinates."""
        return samples if self.given is None else torch.where(self.given[:, None], self.human[:, None], samples)


def log_target(energy: Tensor, log_p: Tensor, temperature: float, power: float) -> Tensor:
    """log softmax(-E/tau + power * log p) over the evaluation set: the target policy of [CC] Eq. 10.

    Args:
        energy, log_p: [B, S]. temperature: tau. power: 1 in [CC].

    Returns:
        [B, S].
    """
    return torch.log_softmax(-energy.detach() / temperature + power * log_p, dim=-1)


def kl_to_target(energy: Tensor, target: Tensor, temperature: float) -> Tensor:
    """KL(target || softmax(-E/tau)), mean over the batch ([CC] Eq. 11); a scalar.

    Args:
        energy: [B, S]. target: log-probabilities, [B, S]. temperature: tau.
    """
    policy = torch.log_softmax(-energy / temperature, dim=-1)
    return (target.exp() * (target - policy)).sum(-1).mean()


def gradient_penalty(gradient: Tensor, margin: float) -> Tensor:
    """Mean of max(0, ||grad_a E||_inf - m)^2 over the evaluation set ([CC] Eq. 11); a scalar.

    No mask applies: Langevin chains move on all coordinates, so the slope must be bounded on all of them.

    Args:
        gradient: [B, S, D]. margin: m, energy per action unit.
    """
    return (gradient.abs().amax(-1) - margin).clamp_min(0).square().mean()


def energies_and_penalty(
    energy: Energy, context: Context, samples: Tensor, settings: EnergyMethodSettings
) -> tuple[Tensor, Tensor]:
    """E [B, S] of samples [B, S, D], and the gradient penalty of the first `penalty_samples`, a scalar."""
    few = settings.penalty_samples or samples.shape[1]
    if settings.penalty_weight == 0:
        values = energy.energy(context, samples)
        return values, values.new_zeros(())
    if few < samples.shape[1]:
        first, gradient = energy.energy_and_gradient(context, samples[:, :few])
        values = torch.cat([first, energy.energy(context, samples[:, few:])], dim=1)
    else:
        values, gradient = energy.energy_and_gradient(context, samples)
    return values, gradient_penalty(gradient, settings.penalty_margin)


def observation_log_p(samples: Tensor, batch: Batch, settings: ClicSettings, generator: torch.Generator) -> Tensor:
    """log p(a in the desired set of its pair): [CC] Eq. 6 for absolute, [CL] for relative corrections.

    Args:
        samples: [B, S, D]. generator: used only if the batch has a relative correction.

    Returns:
        [B, S].
    """
    boundary = settings.boundary_temperature
    log_p = circular_log_p(samples, batch.robot, batch.human, batch.mask, settings.radius_ratio, boundary)
    (rows,) = torch.where(batch.relative)
    if len(rows):
        directions = draw_directions(samples.shape[-1], settings.half_space.pairs, generator)
        log_p[rows] = implicit_log_p(
            samples[rows], batch.robot[rows], batch.human[rows], batch.mask[rows], directions, settings.half_space
        )
    return log_p


def mode_loss(energy: Energy, context: Context, batch: Batch, settings: ClicSettings) -> Tensor:
    """Mean squared distance of the mode centres from the desired sets, weighted by responsibility for a^h; a scalar.

    For large D, contrasts place a mode badly: nearly all samples are farther from a^h than the mode is. This loss moves
    the responsible mode to the edge of the desired set and no further. So overlapping sets keep their intersection,
    and the other modes stay free for other solutions. 0 for an energy without modes.
    """
    centres, shares = energy.centres(context), energy.shares(context, batch.human[:, None])
    if centres is None or shares is None:
        return batch.human.new_zeros(())
    circular = circular_gap(centres, batch.robot, batch.human, batch.mask, settings.mode_loss.ratio)
    half_space = half_space_gap(centres, batch.robot, batch.human, batch.mask)
    gap = torch.where(batch.relative[:, None], half_space, circular)
    return (shares[:, 0].detach() * gap.square()).sum(-1).mean()


def permute_untaught(samples: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """The samples with their untaught coordinates permuted among the samples of the same state.

    Untaught coordinates of a^h and a^r are placeholders. The samples in the desired set descend from a^h. If they
    kept its placeholder, the target would teach it. After the permutation, taught and untaught coordinates are
    independent.

    Args:
        samples: [B, S, D]. mask: [B, D], 1 on taught coordinates. generator: used only if some are untaught.

    Returns:
        [B, S, D].
    """
    if bool((mask > 0).all()):
        return samples
    order = torch.rand(samples.shape[:2], generator=generator, device=samples.device).argsort(dim=1)
    permuted = samples.gather(1, order[..., None].expand_as(samples))
    return torch.where(mask[:, None] > 0, samples, permuted)


def shaping_loss(
    energy: Energy, batch: Batch, settings: ClicSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one batch ([CC] Eq. 11, plus the mode loss), a scalar, and its terms, detached, by name."""
    context = energy.context(batch.state)
    hold = None if batch.given is None else batch.fill
    negatives = draw_negatives(energy, context, batch.robot, batch.human, settings.negatives, generator, hold)
    samples = torch.cat([batch.human[:, None], batch.robot[:, None], negatives], dim=1)  # Eq. 9
    samples = batch.fill(samples)  # all samples, a^r too, share the given steps
    samples = permute_untaught(samples, batch.mask, generator)
    few = settings.penalty_samples or samples.shape[1]
    if few < samples.shape[1]:  # the penalty uses the first samples, so their order must be random
        order = torch.randperm(samples.shape[1], generator=generator, device=samples.device)
        samples = samples[:, order]
    log_p = observation_log_p(samples, batch, settings, generator)
    values, penalty = energies_and_penalty(energy, context, samples, settings)
    target = log_target(values, log_p, settings.temperature, settings.boundary_power)
    divergence = kl_to_target(values, target, settings.temperature)
    loss = divergence + settings.penalty_weight * penalty
    terms = {"kl": divergence.detach(), "penalty": penalty.detach()}
    if settings.mode_loss.weight:
        of_modes = mode_loss(energy, context, batch, settings)
        loss = loss + settings.mode_loss.weight * of_modes
        terms["mode_loss"] = of_modes.detach()
    return loss, {"loss": loss.detach(), **terms}
