"""Learning again from a recorded session: the same pairs, other numbers or another method."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from pair_stream import builder

import app
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.correction.from_recording import kept_pairs, rebuilt_pairs
from hitl_clic.correction.padding import Padding
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.learner import checkpoint
from hitl_clic.runner.recordings import builder_for, pairs_of_session, recorded_correction
from hitl_clic.session.curation import Choice
from hitl_clic.session.reader import Session
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EventRecord, TickRecord

RECORDINGS = Path(__file__).parents[2] / "recordings"
ORACLE = RECORDINGS / "oracle"


def same(one: ChunkPair, other: ChunkPair, but: tuple[str, ...] = ("id",)) -> bool:
    names = [field.name for field in fields(ChunkPair) if field.name not in but]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("name", ["oracle", "keyboard"])
def test_pairs_made_anew_from_the_ticks_are_those_that_were_sent(name: str) -> None:
    session = Session.open(RECORDINGS / name)
    read = recorded_correction(session)
    anew = rebuilt_pairs(session.ticks, session.plans, session.pairs, builder_for(session, read))
    sent = {pair.tick: pair for pair in kept_pairs(session.pairs, (), read.padding)}
    assert sorted(pair.tick for pair in anew) == sorted(sent)
    assert all(same(pair, sent[pair.tick]) for pair in anew)


def test_made_anew_a_late_teachers_pairs_are_still_about_what_it_saw() -> None:
    ticks = list(Session.open(ORACLE).of(TickRecord))
    first = {tick.episode: tick.tick for tick in reversed(ticks)}
    late = [replace(tick, stimulus_tick=max(first[tick.episode], tick.tick - 3)) for tick in ticks]
    first_builder, sent = builder("hold", 3), []
    for tick, following in zip(late, [*late[1:], None], strict=True):
        sent += first_builder.add(tick, np.full((4, 2), tick.tick, np.float32))
        if following is None or following.episode != tick.episode:
            sent += first_builder.finish_episode(tick)
    anew = rebuilt_pairs(late, (), sent, builder("hold", 3))
    assert len(anew) == len(sent) > 100
    assert all(same(pair, other) for pair, other in zip(anew, sent, strict=True))


def learnt_before(pair: ChunkPair, padding: str, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Label and mask as the learner made them when it still read the padding itself: a copy of that code."""
    robot, human, taught = pair.robot, pair.human, pair.mask
    relative = pair.correction_mode == "relative"
    if relative:
        apart = human - robot
        far = np.linalg.norm(apart * taught, axis=1, keepdims=True)
        human = np.where(far > length, robot + apart * (length / np.maximum(far, 1e-12)), human).astype(np.float32)
    if relative or padding == "mask":
        return human, taught
    padded = ~taught.any(axis=1, keepdims=True)
    return human, np.where(padded, np.float32(1), taught)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("padding", ["hold", "robot", "hindsight", "mask"])
def test_what_is_learnt_of_an_old_recording_is_bit_identical(padding: Padding, relative: bool) -> None:
    """The pairs of a recording from before, whose masks hold the taught coordinates only."""
    recorded = Session.open(ORACLE).pairs
    old = [replace(pair, correction_mode="relative" if relative else "absolute") for pair in recorded]
    assert any(not pair.mask.any(axis=1).all() for pair in old), "some labels were padded"
    numbers = ClicSettings(relative_length=0.15)
    trainer = ChunkTrainer(old[0].state.size, old[0].human.shape[1], len(old[0].human), numbers, 0)
    for pair in kept_pairs(old, (), padding):
        trainer.add(pair.id, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
    for pair in old:
        human, mask = learnt_before(pair, padding, 0.15)
        stored = trainer.buffer.pairs[pair.id]
        assert stored.relative == relative
        assert stored.human.dtype == stored.mask.dtype == np.float32
        assert np.array_equal(stored.human, human)
        assert np.array_equal(stored.mask, mask)
        assert np.array_equal(stored.robot, pair.robot)
        assert np.array_equal(stored.state, pair.state)


def test_another_padding_keeps_what_was_taught() -> None:
    session = Session.open(ORACLE)
    held, hindsight = (
        pairs_of_session(session, CorrectionSettings(padding=padding)) for padding in ("hold", "hindsight")
    )
    assert len(held) == len(hindsight) == len(session.pairs)
    followed, sent = 0, {pair.tick: pair for pair in session.pairs}
    for one, other in zip(held, hindsight, strict=True):
        assert same(one, other, but=("id", "human", "mask", "made_ns", "device_age_ns"))
        known = sent[one.tick].mask.any(axis=1)  # the recording is an old one: its masks hold taught steps only
        np.testing.assert_array_equal(one.human[known], other.human[known])
        followed += not np.array_equal(one.human, other.human)
    assert followed > 10  # hindsight knows better than to repeat the last action


@pytest.mark.parametrize("name", ["oracle", "keyboard"])
def test_what_hands_meant_is_read_from_what_they_did(name: str) -> None:
    session = Session.open(RECORDINGS / name)
    read, ticks = recorded_correction(session), session.ticks
    average = read.model_copy(update={"label_average_s": 0.3})
    meant, done = pairs_of_session(session, average), pairs_of_session(session, read)
    window = round(0.3 * session.settings.values["loop"]["rate_hz"])
    assert window > 1
    assert len(meant) == len(done) > 50
    moved = 0
    for one, other in zip(meant, done, strict=True):
        assert one.correction_mode == "absolute"
        assert same(one, other, but=("id", "correction_mode", "human", "made_ns", "device_age_ns"))
        said = []
        for tick in ticks[one.tick : one.tick + window]:
            if (
                tick.human_action is None
                or tick.episode != one.episode
                or tick.correction_mode != ticks[one.tick].correction_mode
            ):
                break
            said.append(tick.human_action)
        np.testing.assert_allclose(one.human[0], np.mean(said, axis=0), atol=1e-6)
        moved += not np.array_equal(one.human[0], other.human[0])
    assert moved > 5


def test_only_the_first_episodes_and_nothing_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session.open(ORACLE)
    first = pairs_of_session(session, CorrectionSettings(padding="hold"), Choice(first=1))
    assert 0 < len(first) < len(session.pairs)
    assert {pair.episode for pair in first} == {0}
    assert [pair.id for pair in first] == list(range(len(first)))
    back = EventRecord(50, 0, "discard", {"first": 2, "last": 4, "pairs": 3})
    monkeypatch.setattr(Session, "of", lambda self, kind: iter([back] if kind is EventRecord else []))
    session.__dict__["pairs"] = [pair for pair in first if pair.id < 8]
    assert [pair.tick for pair in pairs_of_session(session, CorrectionSettings(padding="hold"))] == [
        first[i].tick for i in (0, 1, 5, 6, 7)
    ]


def test_another_method_learns_the_recorded_corrections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "again"
    words = ["learn", str(ORACLE), "--method", "bc", "--updates", "400", "--out", str(out)]
    assert app.main(words) == 0
    assert "400 updates from 108 pairs" in capsys.readouterr().out
    settings = tomllib.loads((out / "settings.toml").read_text(encoding="utf-8"))
    recorded = tomllib.loads((ORACLE / "settings.toml").read_text(encoding="utf-8"))
    kept = ("task", "horizon", "execute", "seed")
    assert [settings[name] for name in kept] == [recorded[name] for name in kept]
    moved = ("pair_stride", "undo_s")  # to the table [correction]
    loop = {name: value for name, value in recorded["loop"].items() if name not in moved}
    assert settings["loop"].items() >= loop.items()  # settings that came later have their defaults
    assert (settings["method"], settings["policy"]["kind"], settings["correction"]["padding"]) == ("bc", "bc", "hold")
    weights, _ = checkpoint.read_weights(next((out / "checkpoints").glob("*.safetensors")))
    assert weights.step == 400
    assert app.main(["evaluate", str(out), "--episodes", "1", "--json"]) == 0


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        words = ["learn", str(ORACLE), "--updates", "3", "--seed", str(seed), "--out", str(tmp_path / name)]
        assert app.main(words) == 0
        path = next((tmp_path / name / "checkpoints").glob("*.safetensors"))
        found.append(checkpoint.read_weights(path)[0].tensors)
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    assert not all(np.array_equal(found[0][name], found[2][name]) for name in found[0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "sessions is missing"),
        (["--updates", "3"], "sessions is missing"),
        (["nowhere"], "sessions = nowhere does not exist"),
        ([str(RECORDINGS)], "settings.toml does not exist"),
        ([str(ORACLE), "--horizon", "4"], "--horizon is not an option"),
        ([str(ORACLE), "--method", "magic"], "method = magic"),
        (
            [str(ORACLE), "--policy.min-pairs", "500"],
            "sessions hold 108 pairs; allowed: as many as policy.min_pairs = 500",
        ),
        ([str(ORACLE), str(RECORDINGS / "keyboard")], "is of task push_t with horizon 4"),
        ([str(ORACLE), "--updates", "0"], "updates = 0"),
    ],
)
def test_what_cannot_be_learnt_from_is_named(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        app.main(["learn", *words, *(["--out", str(tmp_path / "out")] if words else [])])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
