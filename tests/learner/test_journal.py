"""Journal and checkpoints: no flushed entry is lost; damaged files are refused or truncated."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import msgpack
import numpy as np
import pytest
from fake_learner import SETTINGS, make_pair
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from hitl_clic.learner import checkpoint
from hitl_clic.learner.checkpoint import Checkpoint
from hitl_clic.learner.journal import MAGIC, Entry, Journal, read_journal
from hitl_clic.link.handshake import Published, Withdrawal
from hitl_clic.types.messages import ChunkPair, Hello, UpdateRequest, Weights

ENTRIES = [
    Entry("a", Hello("a", "actor", SETTINGS)),
    Entry("a", make_pair(0)),
    Entry("a", make_pair(1)),
    Entry("a", Withdrawal(0)),
    Entry("a", UpdateRequest(1, 5)),
    Entry("", Published(1, 5)),
]


def written(path: Path) -> bytes:
    journal = Journal(path, "run")
    for entry in ENTRIES:
        journal.append(entry)
    journal.close()
    return path.read_bytes()


def shape(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.run_id, type(entry.message).__name__) for entry in entries]


def test_a_journal_reads_back_what_was_written(tmp_path: Path) -> None:
    written(tmp_path / "j")
    again = Journal(tmp_path / "j", "other")
    assert (again.run_id, again.cut_bytes, len(again)) == ("run", 0, len(ENTRIES))
    assert shape(again.read()) == shape(ENTRIES)
    pair = again.read()[1].message
    assert isinstance(pair, ChunkPair)
    assert np.array_equal(pair.human, make_pair(0).human)
    again.append(Entry("a", make_pair(2)))
    again.flush()
    assert len(read_journal(tmp_path / "j")[1]) == len(ENTRIES) + 1
    again.close()


@pytest.mark.parametrize("protocol", [1, 9])
def test_an_entry_of_another_protocol_is_refused_by_number(tmp_path: Path, protocol: int) -> None:
    """Also protocol 1, whose masks have another meaning."""
    bodies = ({"format": 1, "run_id": "run"}, ["a", msgpack.packb({"protocol": protocol, "type": "pair"})])
    packed = [msgpack.packb(body) for body in bodies]
    (tmp_path / "j").write_bytes(MAGIC + b"".join(struct.pack("<II", len(b), zlib.crc32(b)) + b for b in packed))
    with pytest.raises(ValueError, match=f"entry 0 .*protocol {protocol} is not .*hitl-clic learn"):
        read_journal(tmp_path / "j")


def test_flushed_entries_are_readable_while_the_journal_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "run")
    journal.append(ENTRIES[1])
    journal.flush()
    assert len(read_journal(tmp_path / "j")[1]) == 1
    journal.close()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_an_incomplete_entry_is_removed_at_any_byte(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    content = written(path)
    kept = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:kept])
    torn = Journal(path, "anew")
    entries = torn.read()
    assert shape(entries) == shape(ENTRIES)[: len(entries)]
    assert torn.run_id == "run" or not entries
    torn.append(ENTRIES[2])
    torn.close()
    assert len(read_journal(path)[1]) == len(entries) + 1


def test_a_flipped_byte_ends_the_journal_there(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "j"))
    content[-3] ^= 1
    (tmp_path / "j").write_bytes(content)
    journal = Journal(tmp_path / "j", "run")
    assert len(journal) == len(ENTRIES) - 1
    assert journal.cut_bytes > 0
    journal.close()


def test_a_foreign_file_stays_unchanged(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"something else entirely")
    with pytest.raises(ValueError, match="not a learner's journal"):
        Journal(tmp_path / "j", "run")
    assert (tmp_path / "j").read_bytes() == b"something else entirely"
    (tmp_path / "k").write_bytes(MAGIC)
    with pytest.raises(ValueError, match="is empty"):
        read_journal(tmp_path / "k")


def test_two_learners_cannot_share_a_journal(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    journal = Journal(tmp_path / "j", "run")
    with pytest.raises(ValueError, match="used by another learner"):
        Journal(tmp_path / "j", "run")
    journal.close()


def made(step: int) -> Checkpoint:
    weights = Weights("run", 4, 4, step, 17, {"w": np.arange(3.0), "turned": np.arange(6.0).reshape(2, 3).T})
    state = {"counts": np.array([step, 2]), "scalar": np.array(1.5), "empty": np.zeros((0, 4), np.float32)}
    return Checkpoint(weights, state, SETTINGS, entries=9, duplicated=2)


def test_a_checkpoint_reads_back_and_the_newest_three_stay(tmp_path: Path) -> None:
    for step in (1, 20, 300, 1_000_000):
        checkpoint.write(tmp_path / "checkpoints", made(step))
    kept = [path.name for path in checkpoint.paths(tmp_path / "checkpoints")]
    assert kept == ["step-000020.safetensors", "step-000300.safetensors", "step-1000000.safetensors"]
    newest = checkpoint.latest(tmp_path)
    assert newest is not None
    assert newest == checkpoint.latest(tmp_path / "checkpoints")
    read = checkpoint.read(newest)
    assert (read.settings, read.entries, read.duplicated) == (SETTINGS, 9, 2)
    for name, value in made(1_000_000).state.items():
        assert read.state[name].dtype == value.dtype
        assert np.array_equal(read.state[name], value)
    weights, agreed = checkpoint.read_weights(newest)
    assert agreed == SETTINGS
    assert replace(weights, tensors={}) == Weights("run", 4, 4, 1_000_000, 17, {})
    assert np.array_equal(weights.tensors["turned"], np.arange(6.0).reshape(2, 3).T)


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None


def test_foreign_and_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    garbage = tmp_path / "step-000001.safetensors"
    garbage.write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"step-000001\.safetensors cannot be read"):
        checkpoint.read(garbage)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": np.zeros(3)}, foreign)
    with pytest.raises(ValueError, match="its format is None"):
        checkpoint.read_weights(foreign)
    header = {"run_id": "run", "settings": {}, **dict.fromkeys(("version", "parent", "step", "newest_pair"), 1)}
    header |= {"entries": 1, "duplicated": 0}
    incomplete = tmp_path / "incomplete.safetensors"
    save_file({"w": np.zeros(3)}, incomplete, {"format": checkpoint.FORMAT, "about": json.dumps(header)})
    with pytest.raises(ValueError, match="missing required field `crc32`"):
        checkpoint.read(incomplete)
    good = checkpoint.write(tmp_path, made(5))
    content = bytearray(good.read_bytes())
    content[-1] ^= 1
    good.write_bytes(content)
    with pytest.raises(ValueError, match="checksum is wrong"):
        checkpoint.read(good)
    with pytest.raises(ValueError, match="cannot be read"):
        checkpoint.read(tmp_path / "absent.safetensors")
