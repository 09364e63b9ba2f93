"""NearestStates: the chunk of a state is the mean of the chunks of the nearest remembered states.

A method is a network, a loss and a policy. The trainer keeps the pairs, draws batches and runs the optimiser.
"""

import torch
from torch import nn

from hitl_clic.clic.network import StateNetwork
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.objective import Objective
from hitl_clic.methods import Method
from hitl_clic.types.records import Proposal
from nearest_states_settings import NearestStatesSettings


REMEMBERED = 256  # states


class NearestStatesNetwork(StateNetwork):
    """Remembered states and their chunks; both are learnt. An untrained network gives zeros."""

    def __init__(self, dim_o, chunk, settings):
        super().__init__(dim_o, settings.fourier_frequencies)
        self.places = nn.Parameter(torch.randn(REMEMBERED, self.dim_read))
        self.chunks = nn.Parameter(torch.zeros(REMEMBERED, chunk.dim))
        self.reach = nn.Parameter(torch.ones(()))

    def forward(self, state):
        """Chunks [B, D] for states [B, dim_o]."""
        distance = torch.cdist(self.read(state), self.places)
        return torch.softmax(-(distance**2) / (2 * self.reach**2 + 1e-3), -1) @ self.chunks


def loss(network, batch, settings, generator):
    """Mean squared error to the human chunk over the taught coordinates, a scalar, and its terms by name."""
    error = (network(batch.state) - batch.human).square() * batch.mask
    value = error.sum() / batch.mask.sum().clamp_min(1)
    value = value + settings.spare * network.chunks.square().mean()
    return value, {"loss": value.detach()}


class NearestStatesPolicy(NetworkPolicy):
    """Plans the network's chunk."""

    @torch.no_grad()
    def find_chunk(self, observation, committed, previous):
        """The chunk [H, dim_a] with the committed steps [d, dim_a] in place, and energy 0."""
        decided = self._tensor(committed)
        chunk = self.network(self._tensor(observation)[None])[0].clamp(-1, 1)
        chunk[: len(decided)] = decided
        return Proposal(self._chunk(chunk), 0.0)

    def _network(self, dim_o, chunk):
        return NearestStatesNetwork(dim_o, chunk, self.settings.network)

    def _answers(self, states):
        return self.network(states)


METHOD = Method(NearestStatesSettings, Objective("nearest_states", NearestStatesNetwork, loss), NearestStatesPolicy)
