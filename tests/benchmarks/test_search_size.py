"""The benchmark of the search's size: resumable rows, and energies that tell a good search from a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import search_size
from benchmarks.chunk_table import append_row, read_rows
from benchmarks.search_size import BLOCK, Search, Source, blocks, energies

RECORDED = Path(__file__).parents[2] / "recordings" / "oracle"


@pytest.fixture
def source() -> Source:
    return Source.read(str(RECORDED))


def test_a_search_is_read_from_its_sizes() -> None:
    assert Search.read("192/12/20") == Search(192, 12, 20)
    assert Search.read("192/12/20/64").bank == 64
    assert Search(192, 12, 20).settings() == {"candidates": 192, "chains": 12, "refine_steps": 20}
    for wrong in ("192", "192/12", "0/12/20", "a/b/c"):
        with pytest.raises(ValueError, match=r"search|literal"):
            Search.read(wrong)


def test_blocks_that_are_stored_are_not_measured_again(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[tuple[str, int, int]] = []

    def evaluated(source: Source, search: Search, first: int, episodes: int) -> dict[str, Any]:
        measured.append((f"{search.candidates}/{search.chains}/{search.refine_steps}", first, episodes))
        return {"episodes": episodes, "success_rate": 1.0}

    monkeypatch.setattr(search_size, "_evaluated", evaluated)
    rows, searches, episodes = tmp_path / "rows.jsonl", ("8/2/1", "8/2/2"), BLOCK + 5
    found = blocks([source], searches, episodes, rows)
    for _ in range(3):  # and then it is stopped
        append_row(next(found), rows)
    for row in blocks([source], searches, episodes, rows):
        append_row(row, rows)
    assert measured == [(search, first, count) for first, count in ((0, BLOCK), (BLOCK, 5)) for search in searches]
    assert len(read_rows(rows)) == len(measured)
    assert {row["task"] for row in read_rows(rows)} == {"line_following"}


@pytest.mark.usefixtures("one_thread")
def test_more_steps_find_lower_energies(source: Source) -> None:
    poor, good = energies(source, ("8/1/1", "192/12/20"), starts=1, steps=12)
    assert (poor["search"], good["search"]) == ("8/1/1", "192/12/20")
    assert poor["plans"] == good["plans"] == 12 // source.settings.execute
    assert poor["gap_mean"] > good["gap_mean"] >= 0
    assert good["plan_ms"]["p50"] > 0
