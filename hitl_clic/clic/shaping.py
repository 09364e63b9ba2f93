"""Policy shaping: move the policy's mass into the desired spaces ([CC] Eq. 9 to 11).

Pure torch, any thread; no I/O. All in log-space: finite for every finite energy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hitl_clic.clic.desired_space import (
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
        state: [B, dim_o]. robot, human: a^r, a^h, [B, D].
        mask: 1 where a coordinate counts in distances, [B, D]. relative: [B], True for relative corrections.
        given: True on coordinates of the first steps that are known beforehand, [B, D]; None if nothing is.
    """

    state: Tensor
    robot: Tensor
    human: Tensor
    mask: Tensor
    relative: Tensor
    given: Tensor | None = None

    def fill(self, samples: Tensor) -> Tensor:
        """The samples [B, S, D] with the human's numbers where they are given."""
        return samples if self.given is None else torch.where(self.given[:, None], self.human[:, None], samples)


def log_target(energy: Tensor, log_p: Tensor, temperature: float, power: float) -> Tensor:
    """log of the target policy on the evaluation set: log softmax(-E/tau + power * log p) ([CC] Eq. 10); [B, S]."""
    return torch.log_softmax(-energy.detach() / temperature + power * log_p, dim=-1)


def kl_to_target(energy: Tensor, target: Tensor, temperature: float) -> Tensor:
    """KL(target || softmax(-E/tau)), mean over the batch ([CC] Eq. 11); `target` is a log-probability [B, S]."""
    policy = torch.log_softmax(-energy / temperature, dim=-1)
    return (target.exp() * (target - policy)).sum(-1).mean()


def gradient_penalty(gradient: Tensor, margin: float) -> Tensor:
    """mean of max(0, ||grad_a E||_inf - m)^2 over the set ([CC] Eq. 11); gradient [B, S, D].

    It knows no mask: it bounds the energy's slope for the chains that walk on it, whatever was taught. Without it on
    untaught coordinates nothing at all would hold the energy there.
    """
    return (gradient.abs().amax(-1) - margin).clamp_min(0).square().mean()


def energies_and_penalty(
    energy: Energy, context: Context, samples: Tensor, settings: EnergyMethodSettings
) -> tuple[Tensor, Tensor]:
    """E of each of the samples [B, S, D], [B, S], and the gradient penalty on the first `penalty_samples`, a scalar."""
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
    """log p of each sample lying in its pair's desired space, by the kind of the correction; [B, S].

    The generator is asked only if the batch has a relative correction.
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
    """Mean squared distance of the wells' centres from the desired spaces, each by its share in a^h; a scalar.

    Contrasts say little of where a well should lie once D is large: nearly every sample differs from a^h by more than
    the well is off, and in directions that have nothing to do with it. This says it outright. A well that answers for a
    correction is drawn into its desired space and no further, so overlapping spaces still meet in what they share; the
    other wells are left to the other ways of doing it. 0 for an energy without wells.
    """
    centres, shares = energy.centres(context), energy.shares(context, batch.human[:, None])
    if centres is None or shares is None:
        return batch.human.new_zeros(())
    circular = circular_gap(centres, batch.robot, batch.human, batch.mask, settings.mode_loss.ratio)
    half_space = half_space_gap(centres, batch.robot, batch.human, batch.mask)
    gap = torch.where(batch.relative[:, None], half_space, circular)
    return (shares[:, 0].detach() * gap.square()).sum(-1).mean()


def deal_untaught(samples: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """The samples, each with the untaught coordinates of another sample of the same state, drawn without replacement.

    What stands on untaught coordinates of a^h and a^r is a placeholder. A few samples lie in the desired space, and
    those descend from a^h: if they kept its placeholder, the target would put its mass there and teach it. Dealt anew,
    what is untaught is independent of what is taught over the whole set, so only the energy itself decides on it.

    Args:
        samples: [B, S, D]. mask: [B, D], 1 on taught coordinates. The generator is asked only if some are not.

    Returns:
        [B, S, D].
    """
    if bool((mask > 0).all()):
        return samples
    order = torch.rand(samples.shape[:2], generator=generator, device=samples.device).argsort(dim=1)
    dealt = samples.gather(1, order[..., None].expand_as(samples))
    return torch.where(mask[:, None] > 0, samples, dealt)


def shaping_loss(
    energy: Energy, batch: Batch, settings: ClicSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of one batch ([CC] Eq. 11) and its terms, detached, by name."""
    with torch.no_grad():
        context = energy.context(batch.state)
    hold = None if batch.given is None else batch.fill
    negatives = draw_negatives(energy, context, batch.robot, batch.human, settings.negatives, generator, hold)
    samples = torch.cat([batch.human[:, None], batch.robot[:, None], negatives], dim=1)  # Eq. 9
    # Where steps are given a^r has them too. The desired space stays the pair's own, cut where the given steps are.
    samples = batch.fill(samples)
    samples = deal_untaught(samples, batch.mask, generator)
    few = settings.penalty_samples or samples.shape[1]
    if few < samples.shape[1]:  # the penalty looks at the first ones: let those be any
        order = torch.randperm(samples.shape[1], generator=generator, device=samples.device)
        samples = samples[:, order]
    log_p = observation_log_p(samples, batch, settings, generator)
    context = energy.context(batch.state)
    values, penalty = energies_and_penalty(energy, context, samples, settings)
    target = log_target(values, log_p, settings.temperature, settings.boundary_power)
    divergence = kl_to_target(values, target, settings.temperature)
    loss = divergence + settings.penalty_weight * penalty
    terms = {"kl": divergence.detach(), "penalty": penalty.detach()}
    if settings.mode_loss.weight:
        drawn = mode_loss(energy, context, batch, settings)
        loss = loss + settings.mode_loss.weight * drawn
        terms["mode_loss"] = drawn.detach()
    return loss, {"loss": loss.detach(), **terms}
