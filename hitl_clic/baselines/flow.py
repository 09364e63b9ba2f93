"""Flow matching of chunks (Lipman et al., arXiv 2210.02747, Eq. 22 and 23 with sigma_min = 0).

a_u = (1 - u) z + u a^h with noise z ~ N(0, 1) and path time u in [0, 1]. A network learns the velocity a^h - z given
the state. Unlike cloning, it represents several solutions.

Pure torch; the loss runs in the learner process, the policy in the planner thread. Shapes: B states, S draws for each.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from hitl_clic.baselines.settings import FlowSettings
from hitl_clic.baselines.trunk import Trunk
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.objective import Objective
from hitl_clic.clic.settings import NetworkSettings
from hitl_clic.clic.shaping import Batch
from hitl_clic.types.records import Array, Proposal

Context = tuple[Tensor, ...]
FREQUENCIES = 4
"""Octaves of the sine and cosine features of the path time."""


class VelocityNetwork(StateNetwork):
    """v(s, a_u, u): state features scale and shift the layers of a small network on chunk and path time (FiLM).

    Args:
        dim_o, chunk: sizes of a state and of a chunk. settings: `trunk` reads the state, `hidden` the chunk.
    """

    def __init__(self, dim_o: int, chunk: ChunkShape, settings: NetworkSettings) -> None:
        super().__init__(dim_o, settings.fourier_frequencies)
        self.trunk = Trunk(self.dim_read, settings.trunk)
        self.heads = nn.ModuleList(nn.Linear(settings.trunk[-1], 2 * width) for width in settings.hidden)
        self.layers = nn.ModuleList(
            nn.Linear(i, o) for i, o in pairwise((chunk.dim + 2 * FREQUENCIES, *settings.hidden))
        )
        self.out = nn.Linear(settings.hidden[-1], chunk.dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def context(self, state: Tensor) -> Context:
        """Scale and shift of every layer for states [B, dim_o]; tensors [B, 1, width]."""
        features = self.trunk(self.read(state))[:, None]
        parts: list[Tensor] = []
        for head in self.heads:
            scale, shift = head(features).chunk(2, dim=-1)
            parts += [1 + scale, shift]
        return tuple(parts)

    def velocity(self, context: Context, chunks: Tensor, time: Tensor) -> Tensor:
        """Velocity [B, S, D] of chunks [B, S, D] at path times [B, S, 1], per unit of path time."""
        octaves = math.pi * 2.0 ** torch.arange(FREQUENCIES, device=time.device)
        h = torch.cat([chunks, torch.sin(time * octaves), torch.cos(time * octaves)], dim=-1)
        for i, layer in enumerate(self.layers):
            h = nn.functional.silu(torch.addcmul(context[2 * i + 1], layer(h), context[2 * i]))
        return self.out(h)


def flow_loss(
    network: VelocityNetwork, batch: Batch, settings: FlowSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean squared error of the velocity over the taught coordinates, a scalar, and its terms by name.

    Each state has `draws` samples of noise and path time. An untaught coordinate stays noise.
    """
    human, mask, device = batch.human[:, None], batch.mask[:, None], batch.human.device
    size = (len(batch.human), settings.draws, batch.human.shape[-1])
    noise = torch.randn(size, generator=generator, device=device)
    time = torch.rand(*size[:2], 1, generator=generator, device=device)
    path = torch.where(mask > 0, human - noise, 0)
    velocity = network.velocity(network.context(batch.state), noise + time * path, time)
    error = (velocity - path).square() * mask
    loss = error.sum() / (mask.sum() * settings.draws).clamp_min(1)
    return loss, {"loss": loss.detach()}


FLOW_MATCHING: Objective[VelocityNetwork, FlowSettings] = Objective("flow", VelocityNetwork, flow_loss)


class FlowPolicy(NetworkPolicy[VelocityNetwork, FlowSettings]):
    """Integrates one noise sample with `inference.flow_steps` Euler steps. Arguments as for `NetworkPolicy`."""

    @torch.no_grad()
    def find_chunk(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """A chunk [H, dim_a] that begins with the committed steps [d, dim_a], and energy 0.

        After each Euler step, committed coordinates are set to their known straight path.
        """
        del previous
        bound = self._tensor(committed)
        context = self.network.context(self._tensor(observation)[None])
        noise = torch.randn(1, 1, self.dim, generator=self.generator, device=self.device)
        chunk, steps = noise.clone(), self.settings.inference.flow_steps
        for step in range(steps):
            if self.yield_hook is not None:
                self.yield_hook()
            time = torch.full((1, 1, 1), step / steps, device=self.device)
            chunk += self.network.velocity(context, chunk, time) / steps
            chunk[..., : len(bound)] = torch.lerp(noise[..., : len(bound)], bound, (step + 1) / steps)
        flat = chunk[0, 0].clamp(-1, 1)
        flat[: len(bound)] = bound
        return Proposal(self._chunk(flat), 0.0)

    def _network(self, dim_o: int, chunk: ChunkShape) -> VelocityNetwork:
        return VelocityNetwork(dim_o, chunk, self.settings.network)

    def _answers(self, states: Tensor) -> Tensor:
        """Velocities of five distant chunks at path time 0.5."""
        chunks = torch.linspace(-1, 1, 5, device=self.device)[None, :, None].expand(len(states), 5, self.dim)
        return self.network.velocity(self.network.context(states), chunks, torch.full_like(chunks[..., :1], 0.5))
