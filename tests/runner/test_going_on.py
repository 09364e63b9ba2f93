"""A session that goes on in another process: one session for every reader, and for its learner."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hitl_clic as hc
from hitl_clic.learner import checkpoint
from hitl_clic.session.reader import Session
from hitl_clic.types.records import SnapshotRecord, TickRecord


def teach(**more: object) -> hc.SessionSummary:
    options = {"pace": "max", "schedule": "lockstep", "episodes": 2} | more
    return hc.teach(**options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, hc.SessionSummary, hc.SessionSummary]:
    """A session of two episodes that went on for two more, and the summaries of both days."""
    folder = tmp_path_factory.mktemp("days") / "session"
    first = teach(
        task="line_following",
        device="oracle",
        seed=3,
        out=folder,
        task_options={"max_steps": 40},
        training={"update_every": 20},
        policy={"min_pairs": 4},
    )
    return folder, first, teach(continues=folder)


def test_every_reader_sees_one_session(two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary]) -> None:
    folder, first, both = two_days
    session = Session.open(folder)
    assert [path.name for path in session.paths] == ["session.mcap", "session-002.mcap"]
    assert len(session.episodes) == both.episodes == first.episodes + 2
    assert [tick.tick for tick in session.ticks] == list(range(len(session.ticks)))
    assert [pair.id for pair in session.pairs] == list(range(len(session.pairs)))
    assert hc.replay(folder, verify=True).ok
    assert hc.replay(folder).summary.figures["pairs"] == both.figures["pairs"]


def test_no_start_state_comes_twice(two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary]) -> None:
    session = Session.open(two_days[0])
    starts = [record.seed for record in session.of(SnapshotRecord) if record.step == 0]
    observations = {tick.observation.tobytes() for tick in session.of(TickRecord) if tick.step == 0}
    assert len(starts) == len(set(starts)) == len(observations) == 4


def test_the_learner_goes_on(two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary]) -> None:
    folder, first, both = two_days
    assert both.updates > first.updates > 0
    assert both.pairs_made == both.pairs_ingested > first.pairs_made
    newest = checkpoint.latest(folder)
    assert newest is not None
    assert checkpoint.read(newest).weights.step >= both.updates  # one more update may follow the last status
    session = Session.open(folder)
    second_day = [tick for tick in session.ticks if tick.episode == 2]
    assert second_day[0].weight_version >= max(swap.version for swap in session.swaps if swap.tick < second_day[0].tick)


def test_a_missing_or_foreign_folder_is_refused(
    two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary], tmp_path: Path
) -> None:
    folder = two_days[0]
    with pytest.raises(hc.UserError, match="does not exist"):
        teach(continues=tmp_path / "nothing")
    with pytest.raises(hc.UserError, match="is not allowed beside continue"):
        teach(continues=folder, out=tmp_path / "other")
    shutil.copytree(folder, tmp_path / "gap")
    (tmp_path / "gap/session-002.mcap").rename(tmp_path / "gap/session-003.mcap")
    with pytest.raises(hc.UserError, match=r"session-002.mcap is missing"):
        teach(continues=tmp_path / "gap")


def test_another_method_is_refused_in_words(
    two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary], tmp_path: Path
) -> None:
    shutil.copytree(two_days[0], tmp_path / "copy")
    with pytest.raises(hc.UserError, match=r"policy.batch = 3 is not allowed; the learner of .* goes on with 128"):
        teach(continues=tmp_path / "copy", policy={"batch": 3})


def test_a_new_session_begins_with_what_another_learnt(
    two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary], tmp_path: Path
) -> None:
    folder, _, both = two_days
    hc.label(folder, "discard", episodes=[1])
    of_first = sum(pair.episode == 0 for pair in Session.open(folder).pairs)
    later = teach(begins_from=folder, episodes=1, out=tmp_path / "new")
    assert later.updates > both.updates
    learner = Session.open(tmp_path / "new").statuses[-1].learner
    assert learner.withdrawn == of_first
    assert learner.pairs == both.pairs_made - of_first + later.pairs_made
    assert Session.open(tmp_path / "new").ticks[0].weight_version > 0


def test_learnt_pairs_are_a_beginning_too(
    two_days: tuple[Path, hc.SessionSummary, hc.SessionSummary], tmp_path: Path
) -> None:
    learnt = hc.learn(two_days[0], updates=5, out=tmp_path / "learnt")
    later = teach(begins_from=learnt.folder, episodes=1, out=tmp_path / "new")
    assert Session.open(tmp_path / "new").statuses[-1].learner.pairs == learnt.pairs + later.pairs_made
    (tmp_path / "learnt/checkpoints/pairs.journal").unlink()
    with pytest.raises(hc.UserError, match="holds no learner's pairs beside its checkpoint"):
        teach(begins_from=learnt.folder, episodes=1, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()
