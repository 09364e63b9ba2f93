"""Behaviour cloning of chunks: regression of one chunk for each state.

With corrections given while the robot drives, this is HG-DAgger (Kelly et al., arXiv 1810.02890). Of two equally good
solutions it predicts the mean. Pure torch; the loss runs in the learner process, the policy in the planner thread.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitl_clic.baselines.settings import BcSettings
from hitl_clic.baselines.trunk import Trunk
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.objective import Objective
from hitl_clic.clic.settings import NetworkSettings
from hitl_clic.clic.shaping import Batch
from hitl_clic.types.records import Array, Proposal


class CloningNetwork(StateNetwork):
    """State -> chunk. An untrained network gives zeros.

    Args:
        dim_o, chunk: sizes of a state and of a chunk. settings: the layers are `trunk`, then `hidden`.
    """

    def __init__(self, dim_o: int, chunk: ChunkShape, settings: NetworkSettings) -> None:
        super().__init__(dim_o, settings.fourier_frequencies)
        widths = (*settings.trunk, *settings.hidden)
        self.trunk = Trunk(self.dim_read, widths)
        self.out = nn.Linear(widths[-1], chunk.dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, state: Tensor) -> Tensor:
        """Chunks [B, D] for states [B, dim_o]."""
        return self.out(self.trunk(self.read(state)))


def cloning_loss(
    network: CloningNetwork, batch: Batch, settings: BcSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean squared error to the human chunk over the taught coordinates, a scalar, and its terms by name."""
    del settings, generator
    error = (network(batch.state) - batch.human).square() * batch.mask
    loss = error.sum() / batch.mask.sum().clamp_min(1)
    return loss, {"loss": loss.detach()}


CLONING: Objective[CloningNetwork, BcSettings] = Objective("bc", CloningNetwork, cloning_loss)


class CloningPolicy(NetworkPolicy[CloningNetwork, BcSettings]):
    """Plans the network's chunk. Arguments as for `NetworkPolicy`."""

    @torch.no_grad()
    def find_chunk(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """The chunk [H, dim_a] with the committed steps [d, dim_a] in place, and energy 0."""
        del previous
        bound = self._tensor(committed)
        chunk = self.network(self._tensor(observation)[None])[0].clamp(-1, 1)
        chunk[: len(bound)] = bound
        return Proposal(self._chunk(chunk), 0.0)

    def _network(self, dim_o: int, chunk: ChunkShape) -> CloningNetwork:
        return CloningNetwork(dim_o, chunk, self.settings.network)

    def _answers(self, states: Tensor) -> Tensor:
        return self.network(states)
