"""Implicit behaviour cloning (Florence et al., arXiv 2109.00137): labels are chunks, not desired sets.

Network, negatives and inference are those of CLIC-Chunks, so only the supervision differs. `EnergyPolicy` plans.
Pure torch; the learner process runs it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hitl_clic.baselines.settings import IbcSettings
from hitl_clic.clic.energies import make_energy
from hitl_clic.clic.energy import Energy
from hitl_clic.clic.objective import Objective
from hitl_clic.clic.sampler import draw_negatives, uniform
from hitl_clic.clic.shaping import Batch, energies_and_penalty


def info_nce_loss(
    energy: Energy, batch: Batch, settings: IbcSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """InfoNCE: -log softmax(-E/tau) of a^h among itself and N_a negatives, plus the gradient penalty of [CC] Eq. 11.

    Untaught coordinates hold the same random numbers in all chunks of a state, so only taught coordinates contrast.

    Returns:
        The loss, a scalar, and its terms, detached, by name.
    """
    context = energy.context(batch.state)
    hold = None if batch.given is None else batch.fill
    negatives = draw_negatives(energy, context, batch.robot, batch.human, settings.negatives, generator, hold)
    order = torch.randperm(negatives.shape[1], generator=generator, device=negatives.device)  # for the penalty
    samples = torch.cat([batch.human[:, None], negatives[:, order]], dim=1)
    placeholder = uniform(len(samples), 1, samples.shape[-1], generator)
    samples = torch.where(batch.mask[:, None] > 0, samples, placeholder)
    values, penalty = energies_and_penalty(energy, context, samples, settings)
    contrast = -torch.log_softmax(-values / settings.temperature, dim=-1)[:, 0].mean()
    loss = contrast + settings.penalty_weight * penalty
    return loss, {"loss": loss.detach(), "contrast": contrast.detach(), "penalty": penalty.detach()}


INFO_NCE: Objective[Energy, IbcSettings] = Objective("ibc", make_energy, info_nce_loss)
