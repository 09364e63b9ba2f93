"""A trainer of numpy alone, and a learner process around it: `python fake_learner.py ADDRESS OUT [JSON]`."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hitl_clic.learner.process import run_learner
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.link.settings import LinkSettings
from hitl_clic.types.messages import ChunkPair

SETTINGS = {"task": "fake", "horizon": 3, "dim_a": 2, "dim_o": 4, "gamma": 0.1}
LINK = LinkSettings(heartbeat_s=0.05, lost_after_s=1.0, resend_after_s=0.2)


def make_pair(number: int, seed: int = 0) -> ChunkPair:
    """A pair like a loop makes them."""
    generator = np.random.default_rng([seed, number])
    robot, human = generator.uniform(-1, 1, (2, 3, 2)).astype(np.float32)
    return ChunkPair(
        id=number,
        episode=number // 10,
        tick=4 * number,
        correction_mode="relative" if number % 3 else "absolute",
        state=generator.normal(size=4).astype(np.float32),
        robot=robot,
        human=human,
        mask=np.ones((3, 2), np.float32),
        weight_version=1,
        device_age_ns=1_000_000,
        made_ns=123_456_789 + number,
    )


class FakeTrainer:
    """Follows the mean of the human chunks in its batches; its numbers depend on the order of everything it is told.

    Its weights hold the ids of its pairs too, so that a test can see what was ingested.
    """

    def __init__(self, settings: Mapping[str, object]) -> None:
        if settings.get("horizon") != 3:
            raise ValueError("horizon must be 3 for the fake method")
        self.pairs: dict[int, np.ndarray] = {}
        self.added: list[int] = []
        self.fresh: list[int] = []
        self.generator = np.random.default_rng(0)
        self.value = np.zeros((3, 2))
        self.updates = 0
        self.newest_pair = -1
        self.update_s = float(str(settings.get("update_s", 0.0)))
        self.poison_at = -1

    def __len__(self) -> int:
        return len(self.pairs)

    def add(
        self, pair_id: int, kind: str, state: np.ndarray, robot: np.ndarray, human: np.ndarray, mask: np.ndarray
    ) -> None:
        if human.shape != (3, 2):
            raise ValueError("human must be [3, 2]")
        self.pairs[pair_id] = human.copy()
        self.added.append(pair_id)
        self.fresh.append(pair_id)

    def remove(self, pair_id: int) -> bool:
        if pair_id in self.fresh:
            self.fresh.remove(pair_id)
        return self.pairs.pop(pair_id, None) is not None

    def ready(self) -> bool:
        return len(self.pairs) >= 4

    def update(self) -> dict[str, float]:
        time.sleep(self.update_s)
        chosen, self.fresh = self.fresh[:4], self.fresh[4:]
        while len(chosen) < 4:
            chosen.append(int(self.generator.choice(list(self.pairs))))
        self.value += 0.1 * (np.mean([self.pairs[i] for i in chosen], axis=0) - self.value)
        self.updates += 1
        self.newest_pair = max(self.newest_pair, *chosen)
        if self.updates == self.poison_at:
            self.value[:] = np.nan
        return {"loss": float(np.abs(self.value).sum())}

    def weights(self) -> dict[str, np.ndarray]:
        return {"value": self.value.copy(), "held": np.array(sorted(self.pairs), np.int64)}

    def state(self) -> dict[str, np.ndarray]:
        text = json.dumps(self.generator.bit_generator.state).encode()
        return {
            "value": self.value.copy(),
            "generator": np.frombuffer(text, np.uint8),
            "order": np.array(list(self.pairs), np.int64),
            "fresh": np.array(self.fresh, np.int64),
            "counts": np.array([self.updates, self.newest_pair], np.int64),
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        if list(self.pairs) != state["order"].tolist():
            raise ValueError("the pairs are not those of the state")
        self.value = state["value"].copy()
        self.generator.bit_generator.state = json.loads(state["generator"].tobytes().decode())
        self.fresh = [int(i) for i in state["fresh"]]
        self.updates, self.newest_pair = (int(n) for n in state["counts"])


def main() -> None:
    address, out, *rest = sys.argv[1:]
    options = json.loads(rest[0]) if rest else {}
    orphan = options.pop("exit_when_orphaned", False)
    logging.basicConfig(level=logging.INFO)
    training = TrainingSettings(niceness=0, **options)
    run_learner(address, Path(out), FakeTrainer, training=training, link=LINK, exit_when_orphaned=orphan)


if __name__ == "__main__":
    main()
