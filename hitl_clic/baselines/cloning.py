"""Behaviour cloning of chunks: one chunk for each state, the mean of what the human would do there.

With corrections given while the robot drives this is HG-DAgger (Kelly et al., arXiv 1810.02890). Where two ways are
equally good it takes the one between them. A relative correction counts as if its chunk were wanted itself.

Pure torch; the loss runs in the learner process, the policy in the planner thread.
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
    """State -> chunk. Untrained it says zero: stand still.

    Args:
        dim_o, chunk: sizes of a state and of a chunk. settings: its layers are `trunk`, then `hidden`.
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
    """Mean squared error to the human's chunk over the coordinates that count."""
    del settings, generator
    error = (network(batch.state) - batch.human).square() * batch.mask
    loss = error.sum() / batch.mask.sum().clamp_min(1)
    return loss, {"loss": loss.detach()}


CLONING: Objective[CloningNetwork, BcSettings] = Objective("bc", CloningNetwork, cloning_loss)


class CloningPolicy(NetworkPolicy[CloningNetwork, BcSettings]):
    """The network's chunk; nothing is random and nothing is searched. See `NetworkPolicy` for the arguments."""

    @torch.no_grad()
    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """The chunk [H, dim_a], its committed steps as given, and energy 0: there is none."""
        del previous
        bound = self._tensor(committed)
        chunk = self.network(self._tensor(observation)[None])[0].clamp(-1, 1)
        chunk[: len(bound)] = bound
        return Proposal(self._chunk(chunk), 0.0)

    def _network(self, dim_o: int, chunk: ChunkShape) -> CloningNetwork:
        return CloningNetwork(dim_o, chunk, self.settings.network)

    def _answers(self, states: Tensor) -> Tensor:
        return self.network(states)
