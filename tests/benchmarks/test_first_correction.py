"""The benchmark of first corrections: which pairs are one correction, and the table of its rows."""

from __future__ import annotations

import numpy as np

from benchmarks.first_correction import first_correction, table
from hitl_clic.types.messages import ChunkPair


def pair(number: int, tick: int, episode: int = 0) -> ChunkPair:
    chunk = np.zeros((2, 1), dtype=np.float32)
    return ChunkPair(number, episode, tick, "absolute", chunk[0], chunk, chunk, chunk, 0, 0, 0)


def test_a_correction_ends_at_a_gap_of_more_than_a_chunk() -> None:
    pairs = [pair(0, 10), pair(1, 11), pair(2, 15), pair(3, 20), pair(4, 21)]
    assert [one.id for one in first_correction(pairs, horizon=4)] == [0, 1, 2]


def test_a_correction_ends_with_its_episode() -> None:
    pairs = [pair(0, 10), pair(1, 11), pair(2, 12, episode=1)]
    assert [one.id for one in first_correction(pairs, horizon=4)] == [0, 1]


def test_pairs_without_a_gap_are_one_correction() -> None:
    pairs = [pair(0, 10), pair(1, 12)]
    assert first_correction(pairs, horizon=4) == tuple(pairs)


def test_the_table_has_means_over_the_seeds() -> None:
    of = {"task": "push_t", "horizon": 4, "variant": "plain", "updates_later": 200, "evaluations": 100}
    rows = [
        of
        | {"part": "kept, one correction", "pairs": 12 + seed, "seed": seed, "updates": 1000}
        | {"held_out": 0.2 + 0.1 * seed, "l2_error_per_step": 0.5, "success_rate": 0.9 + 0.1 * seed}
        for seed in (0, 1)
    ]
    rows.append(
        of
        | {"part": "untaught", "variant": "no_caution", "pairs": 8, "seed": 0, "updates": 216, "held_out": 1.3}
        | {"evaluations": 0}
    )
    assert table(rows)[2:] == [
        "| push_t | 4 | kept, one correction |  | 1000 | 0.25 | 0.50 | 0.95 | 100 | 2 |",
        "| push_t | 4 | untaught, no caution | 8 | 216 | 1.30 |  |  | 0 | 1 |",
    ]
