"""Training of a network on pairs: Adam with warm-up and cosine restarts, all random numbers from one seed.

Pure torch and numpy, no I/O, no threads; runs in the learner process, in offline learning and in benchmarks.
`state` and `load_state` hold everything except the pairs. A resumed run continues bit for bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hitl_clic.clic import caution
from hitl_clic.clic.adam import Adam
from hitl_clic.clic.buffer import Array, PairBuffer, StoredPair
from hitl_clic.clic.desired_set import limited_correction
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.objective import SHAPING, Objective
from hitl_clic.clic.settings import MethodSettings
from hitl_clic.clic.shaping import Batch
from hitl_clic.clic.torch_device import torch_device
from hitl_clic.types.symmetry import Symmetry

LEAST_SPREAD = 1e-2
"""Spread of a state number that never changes, in the task's units; 1 / n for the first n pairs."""


def learning_rate(update: int, settings: MethodSettings) -> float:
    """Learning rate of update 0, 1, ...: linear warm-up, then cosine decay with restarts."""
    top, end = settings.learning_rate, settings.learning_rate_end
    if update < settings.warmup_updates:
        return end + (top - end) * update / settings.warmup_updates
    phase = (update - settings.warmup_updates) % settings.cycle_updates / settings.cycle_updates
    return end + (top - end) * (1 + math.cos(math.pi * phase)) / 2


class ChunkTrainer:
    """Stores the pairs and trains the network of an objective on them.

    Args:
        dim_o, dim_a, horizon: sizes of states, actions and chunks.
        settings: the method's numbers. seed: seeds all random numbers.
        symmetries: each drawn pair is replaced by itself or one of its images, with equal probability.
        objective: network and loss; `hitl_clic.methods.make_trainer` chooses it by `settings.kind`.

    Raises:
        ValueError: a symmetry has other sizes, `settings.kind` names another objective, or the device is missing.
    """

    def __init__(
        self,
        dim_o: int,
        dim_a: int,
        horizon: int,
        settings: MethodSettings,
        seed: int,
        symmetries: Sequence[Symmetry] = (),
        objective: Objective[Any, Any] = SHAPING,
    ) -> None:
        if settings.kind != objective.kind:
            raise ValueError(f"the settings are for method {settings.kind!r}, the objective is {objective.kind!r}")
        for symmetry in symmetries:
            if symmetry.sizes != (dim_o, dim_a):
                raise ValueError(f"a symmetry is of sizes {symmetry.sizes}, the task of {(dim_o, dim_a)}")
        self.symmetries, self.objective = tuple(symmetries), objective
        self.dim_o, self.dim_a, self.horizon, self.settings = dim_o, dim_a, horizon, settings
        self.device = torch_device(settings.device)
        with torch.random.fork_rng(devices=[]):  # seeds the initial weights and keeps torch's global generator
            torch.manual_seed(seed)
            self.network: StateNetwork = objective.network(dim_o, ChunkShape(horizon, dim_a), settings.network).to(
                self.device
            )
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.buffer = PairBuffer(settings.buffer, np.random.default_rng(seed))
        self.optimiser = Adam(self.network.parameters(), settings.weight_decay)
        self.averaged = [p.detach().clone() for p in self.network.parameters()] if settings.average else []
        self.updates = 0
        self.standardised_pairs = 0
        """Number of pairs whose statistics the network has."""
        self.newest_pair = -1

    def __len__(self) -> int:
        return len(self.buffer)

    def add(self, pair_id: int, correction_mode: str, state: Array, robot: Array, human: Array, mask: Array) -> None:
        """Store a pair: state [dim_o]; robot, human, mask [H, dim_a].

        The human chunk of a relative pair is limited to `relative_length`, see `limited_correction`.

        Raises:
            ValueError: a shape does not fit, or a number is not finite.
        """
        chunk = (self.horizon, self.dim_a)
        for name, value, shape in (
            ("state", state, (self.dim_o,)),
            ("robot", robot, chunk),
            ("human", human, chunk),
            ("mask", mask, chunk),
        ):
            if value.shape != shape:
                raise ValueError(f"pair {pair_id}: {name} has shape {value.shape}, expected {shape}")
            if not np.isfinite(value).all():
                raise ValueError(f"pair {pair_id}: {name} has numbers that are not finite")
        relative = correction_mode == "relative"
        if relative:
            human = limited_correction(robot, human, mask, self.settings.relative_length)
        self.buffer.add(StoredPair(pair_id, relative, state, robot, human, mask))

    def remove(self, pair_id: int) -> bool:
        """Remove a pair that its teacher withdrew. False if the id is not stored."""
        return self.buffer.remove(pair_id)

    def ready(self) -> bool:
        """Whether there are enough pairs for an update."""
        return len(self.buffer) >= self.settings.min_pairs

    def update(self) -> dict[str, float]:
        """One update from one batch ([CC] Algorithm 1, lines 26 to 33); its loss terms by name."""
        if self.settings.network.standardise and self._due_for_standardising():
            self._standardise()
            self.standardised_pairs = len(self.buffer)
        batch = self._batch(self.buffer.draw(self.settings.batch))
        loss, terms = self.objective.loss(self.network, batch, self.settings, self.generator)
        self.optimiser.forget_gradients()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_clip)
        self.optimiser.step(learning_rate(self.updates, self.settings))
        if self.averaged:
            # a small decay at first, so that the average forgets the untrained weights
            decay = min(self.settings.average, (1 + self.updates) / (10 + self.updates))
            torch._foreach_lerp_(self.averaged, [p.detach() for p in self.network.parameters()], 1 - decay)
        self.updates += 1
        self.newest_pair = self.buffer.newest_drawn
        return {name: float(value) for name, value in terms.items()}

    def weights(self) -> dict[str, np.ndarray]:
        """Everything the policy needs, by name: the (averaged) network, `human_chunks` [K, D], and `caution.arrays`."""
        tensors = {name: value.detach().cpu().numpy().copy() for name, value in self.network.state_dict().items()}
        if self.averaged:
            for (name, _), mean in zip(self.network.named_parameters(), self.averaged, strict=True):
                tensors[name] = mean.cpu().numpy().copy()
        tensors["human_chunks"] = self._human_chunks()
        if 0 < len(self.buffer) < self.settings.cautious_pairs:
            tensors |= caution.arrays(self._states(), len(self.buffer), self.settings.cautious_pairs)
        return tensors

    def state(self) -> dict[str, np.ndarray]:
        """Everything except the pairs, as arrays by name."""
        arrays = {f"network.{name}": value.detach().cpu().numpy() for name, value in self.network.state_dict().items()}
        for i, entry in self.optimiser.moments.items():
            for name, value in entry.items():
                arrays[f"adam.{i}.{name}"] = value.detach().cpu().numpy()
        for i, mean in enumerate(self.averaged):
            arrays[f"average.{i}"] = mean.cpu().numpy()
        arrays["generator.torch"] = self.generator.get_state().numpy()
        arrays["generator.numpy"] = _text(json.dumps(self.buffer.generator.bit_generator.state))
        arrays["buffer.order"] = np.array(list(self.buffer.pairs), np.int64)
        arrays["buffer.fresh"] = np.array(self.buffer.fresh, np.int64)
        arrays["buffer.epoch"] = np.array(self.buffer.epoch, np.int64)
        arrays["counts"] = np.array(
            [self.updates, self.newest_pair, self.buffer.newest_drawn, self.standardised_pairs], np.int64
        )
        return {name: np.array(value) for name, value in arrays.items()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore a `state`. Its pairs must be added first.

        Raises:
            ValueError: the state belongs to another network, or to another type of torch device.
        """
        try:
            self.network.load_state_dict({k[8:]: torch.tensor(v) for k, v in state.items() if k.startswith("network.")})
            averaged = [torch.tensor(state[f"average.{i}"]).to(self.device) for i in range(len(self.averaged))]
            counts = [int(n) for n in state["counts"]]
        except (RuntimeError, KeyError, ValueError) as error:
            raise ValueError(f"the checkpoint does not fit this network: {error}") from error
        try:
            self.generator.set_state(torch.tensor(state["generator.torch"]))
        except RuntimeError as error:
            where = f"policy.device = {self.settings.device}"
            raise ValueError(
                f"the checkpoint is of another type of device than {where}; resume on the type that made it"
            ) from error
        self.averaged = averaged
        moments: dict[int, dict[str, Tensor]] = {}
        for _, index, name in (key.split(".", 2) for key in state if key.startswith("adam.")):
            moments.setdefault(int(index), {})[name] = torch.tensor(state[f"adam.{index}.{name}"])
        self.optimiser.load(moments)
        self.buffer.generator.bit_generator.state = json.loads(bytes(state["generator.numpy"]).decode())
        seen = {int(i) for i in state["buffer.order"]}
        self.buffer.fresh = [int(i) for i in state["buffer.fresh"] if int(i) in self.buffer.pairs]
        self.buffer.fresh += [i for i in self.buffer.pairs if i not in seen]
        self.buffer.epoch = [int(i) for i in state["buffer.epoch"]]
        self.updates, self.newest_pair, self.buffer.newest_drawn = counts[:3]
        self.standardised_pairs = counts[3] if len(counts) > 3 else len(self.buffer)  # older checkpoints have three

    def _due_for_standardising(self) -> bool:
        """True at updates 0, 1, 2, 4, 8, ..., and where the pairs have doubled: the statistics change quickly then."""
        return self.updates & (self.updates - 1) == 0 or len(self.buffer) >= 2 * self.standardised_pairs

    def _standardise(self) -> None:
        states = self._states()
        self.network.shift.copy_(torch.from_numpy(states.mean(0)))
        # One state spreads over nothing: without a floor, every other state would be read as infinitely far from it.
        floor = max(LEAST_SPREAD, 1 / len(self.buffer))
        self.network.spread.copy_(torch.from_numpy((states.std(0) + floor).astype(np.float32)))

    def _states(self) -> Array:
        """The states of all pairs and their images, [K, dim_o]."""
        taught = np.stack([pair.state for pair in self.buffer.pairs.values()])
        return np.concatenate([taught, *(symmetry.of_state(taught) for symmetry in self.symmetries)])

    def _batch(self, pairs: list[StoredPair]) -> Batch:
        """The pairs as tensors; each is replaced by itself or one of its images."""
        state = np.stack([p.state for p in pairs])
        robot, human, mask = (np.stack([getattr(p, name) for p in pairs]) for name in ("robot", "human", "mask"))
        if self.symmetries:
            # the last number stands for the pair itself
            which = self.buffer.generator.integers(len(self.symmetries) + 1, size=len(pairs))
            for number, symmetry in enumerate(self.symmetries):
                rows = which == number
                state[rows] = symmetry.of_state(state[rows])
                robot[rows] = symmetry.of_action(robot[rows])
                human[rows] = symmetry.of_action(human[rows])
                mask[rows] = symmetry.of_mask(mask[rows])

        given: np.ndarray | None = None
        most = min(self.settings.given_steps, self.horizon - 1)  # at least one step remains to learn
        if most:
            steps = self.buffer.generator.integers(most + 1, size=len(pairs))
            given = (np.arange(self.horizon) < steps[:, None])[..., None] & (mask > 0)

        def tensor(array: Array) -> Tensor:
            return torch.from_numpy(array.reshape(len(pairs), -1)).to(self.device)

        return Batch(
            state=tensor(state),
            robot=tensor(robot),
            human=tensor(human),
            mask=tensor(mask),
            relative=torch.tensor([p.relative for p in pairs], device=self.device),
            given=None if given is None else torch.from_numpy(given.reshape(len(pairs), -1)).to(self.device),
        )

    def _human_chunks(self) -> np.ndarray:
        """At most `inference.bank` human chunks of the buffer, [K, D]: the planner's candidates."""
        ids = list(self.buffer.pairs)
        size = self.settings.bank_size
        if len(ids) > size:  # evenly spaced over the buffer, the newest included
            ids = [ids[i] for i in np.linspace(0, len(ids) - 1, size).astype(int)]
        if not ids:
            return np.zeros((0, self.horizon * self.dim_a), np.float32)
        chunks = np.stack([self.buffer.pairs[i].human for i in ids])
        for number, symmetry in enumerate(self.symmetries):
            share = slice(number, None, len(self.symmetries) + 1)
            chunks[share] = symmetry.of_action(chunks[share])
        return chunks.reshape(len(ids), -1)


def _text(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)
