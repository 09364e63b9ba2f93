"""Exports: what is written, what is left out, and what is refused without a trace."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import recorded

import hitl_clic as hc
from hitl_clic.correction.from_recording import kept_pairs, withdrawn_ids
from hitl_clic.exchange.lerobot_stats import merged, stats_of
from hitl_clic.runner.exporting import export
from hitl_clic.session.curation import append_labels, correction_label, corrections_of, episode_label
from hitl_clic.session.reader import Session
from hitl_clic.types.records import EventRecord

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded.record(tmp_path_factory.mktemp("line") / "session", "line_following", episodes=3, max_steps=12)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_gives_every_tick_and_kept_pair_bit_for_bit(tmp_path: Path) -> None:
    result = hc.export(RECORDINGS / "oracle", "csv", tmp_path / "out")
    session = Session.open(RECORDINGS / "oracle")
    frames, pairs = rows(tmp_path / "out/frames.csv"), rows(tmp_path / "out/pairs.csv")
    assert (result.frames, result.pairs, result.episodes) == (len(session.ticks), len(pairs), len(session.episodes))
    for row, tick in zip(frames, session.ticks, strict=True):
        written = np.array([row[f"action.{axis}"] for axis in ("x", "y")], np.float32)
        assert np.array_equal(written.view(np.uint32), tick.executed.view(np.uint32))
        assert int(row["tick"]) == tick.tick
    kept = kept_pairs(session.pairs, withdrawn_ids(session.of(EventRecord)), "none")
    assert [int(row["pair.id"]) for row in pairs] == [pair.id for pair in sorted(kept, key=lambda pair: pair.tick)]


def test_labels_and_choices_decide_what_is_exported(line: Path, tmp_path: Path) -> None:
    session_folder = tmp_path / "session"
    shutil.copytree(line, session_folder)
    episode, first, last = corrections_of(Session.open(session_folder).ticks)[0]
    append_labels(
        session_folder,
        [episode_label("success", 1), episode_label("discard", 2), correction_label("withdraw", first, last)],
    )
    whole = export(session_folder, "csv", tmp_path / "whole")
    assert whole.episodes == 2
    taught = {int(row["frame"]) for row in rows(tmp_path / "whole/pairs.csv") if row["episode"] == "0"}
    assert episode == 0
    assert taught
    assert not taught & set(range(first, last + 1))
    reached = export(session_folder, "csv", tmp_path / "reached", only_successes=True)
    assert reached.episodes == 1
    assert [row["session_episode"] for row in rows(tmp_path / "reached/episodes.csv")] == ["2"]
    without = export(session_folder, "csv", tmp_path / "without", without_episodes=(1,))
    assert [row["session_episode"] for row in rows(tmp_path / "without/episodes.csv")] == ["2"]
    assert without.episodes == 1


@pytest.mark.parametrize("to", ["lerobot", "robomimic", "csv"])
def test_a_refused_export_leaves_nothing(line: Path, tmp_path: Path, to: str) -> None:
    with pytest.raises(hc.UserError, match=r"without_episodes = 9 is not allowed; .* has episodes 1 to 3"):
        export(line, to, tmp_path / "out", without_episodes=(9,))  # type: ignore[arg-type]
    with pytest.raises(hc.UserError, match="no episode is left"):
        export(line, to, tmp_path / "out", without_episodes=(1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(hc.UserError, match="export each kind separately"):
        export([line, RECORDINGS / "keyboard"], to, tmp_path / "out")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(hc.UserError, match="exists already and is not overwritten"):
        export(line, to, tmp_path / "out")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]


def test_an_unknown_format_is_refused(line: Path, tmp_path: Path) -> None:
    with pytest.raises(hc.UserError, match="to = rlds is not a format"):
        export(line, "rlds", tmp_path / "out")  # type: ignore[arg-type]


def test_a_damaged_tick_leaves_nothing(line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hitl_clic.exchange import csv_writer

    def fails(self: object, episode: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv_writer.CsvWriter, "add", fails)
    with pytest.raises(hc.UserError, match="cannot be written: No space left on device"):
        export(line, "csv", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_merged_statistics_are_those_of_all_rows() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(2, 3, size=(30, 3)).astype(np.float32)
    found, expected = merged(stats_of(one), stats_of(other)), stats_of(np.concatenate([one, other]))
    for name in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)


def test_lerobot_writes_the_layout_of_its_version(line: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    export(line, "lerobot", tmp_path / "out")
    info = json.loads((tmp_path / "out/meta/info.json").read_text(encoding="utf-8"))
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["fps"]) == (3, 20)
    assert info["features"]["pair.human"]["shape"] == [4, 2]
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == [
        "data/chunk-000/file-000.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "meta/hitl_clic.json",
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
    ]
