"""Implicit behaviour cloning (Florence et al., arXiv 2109.00137): the method's energy, taught points instead of sets.

Network, samples and inference are the method's own, so that what differs is the supervision alone; plans are made by
`EnergyPolicy`. A relative correction counts as if its chunk were wanted itself.

Pure torch; learner process.
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
    """-log of the human chunk's share of softmax(-E/tau) among itself and N_a negatives, and the gradient penalty.

    Coordinates that do not count hold the same random numbers in all chunks of a state: whatever they are, the ones
    that count are told apart by themselves.
    """
    with torch.no_grad():
        context = energy.context(batch.state)
    hold = None if batch.given is None else batch.fill
    negatives = draw_negatives(energy, context, batch.robot, batch.human, settings.negatives, generator, hold)
    order = torch.randperm(negatives.shape[1], generator=generator, device=negatives.device)  # the penalty sees any
    samples = torch.cat([batch.human[:, None], negatives[:, order]], dim=1)
    anything = uniform(len(samples), 1, samples.shape[-1], generator)
    samples = torch.where(batch.mask[:, None] > 0, samples, anything)
    values, penalty = energies_and_penalty(energy, energy.context(batch.state), samples, settings)
    contrast = -torch.log_softmax(-values / settings.temperature, dim=-1)[:, 0].mean()
    loss = contrast + settings.penalty_weight * penalty
    return loss, {"loss": loss.detach(), "contrast": contrast.detach(), "penalty": penalty.detach()}


INFO_NCE: Objective[Energy, IbcSettings] = Objective("ibc", make_energy, info_nce_loss)
