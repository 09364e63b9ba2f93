"""Labels beside a recording: what they change, and what a wrong one leaves unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hitl_clic as hc
from hitl_clic.cli import parse
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.runner.recordings import pairs_of_session, recorded_correction
from hitl_clic.session.curation import FILE_NAME, Choice, Curation, corrections_of, read_labels
from hitl_clic.session.reader import Session

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RECORDINGS / "oracle", tmp_path / "oracle"))


def settings_of(session: Session) -> CorrectionSettings:
    return recorded_correction(session)


def test_labels_are_appended_and_the_recording_stays_as_it_is(oracle: Path) -> None:
    before = (oracle / "session.mcap").read_bytes()
    hc.label(oracle, "failure", episodes=[1, 3])
    hc.label(oracle, "success", episodes=[3])
    hc.label(oracle, "withdraw", corrections=[2])
    assert (oracle / "session.mcap").read_bytes() == before
    assert [label.label for label in read_labels(oracle)] == ["failure", "failure", "success", "withdraw"]
    curation = Curation.of(Session.open(oracle))
    assert curation.outcomes == {0: False, 2: True}
    row = hc.sessions(oracle)[0]
    assert (row.episodes, row.successes, row.corrections) == (3, 2, 7)


def test_discarded_episodes_and_withdrawn_corrections_are_not_learnt_from(oracle: Path) -> None:
    session = Session.open(oracle)
    every = pairs_of_session(session, settings_of(session))
    _, first, last = corrections_of(session.ticks)[0]
    inside = [pair for pair in every if first <= pair.tick <= last]
    of_two = [pair for pair in every if pair.episode == 1]
    assert inside
    assert of_two
    hc.label(oracle, "withdraw", corrections=[1])
    assert len(pairs_of_session(session, settings_of(session))) == len(every) - len(inside)
    hc.label(oracle, "restore", corrections=[1])
    hc.label(oracle, "discard", episodes=[2])
    left = pairs_of_session(session, settings_of(session))
    assert {pair.episode for pair in left} == {pair.episode for pair in every} - {1}
    hc.label(oracle, "keep", episodes=[2])
    hc.label(oracle, "failure", episodes=[1])
    reached = pairs_of_session(session, settings_of(session), Choice(only_successes=True))
    assert {pair.episode for pair in reached} == {pair.episode for pair in every} - {0}


def test_a_wrong_number_writes_nothing(oracle: Path) -> None:
    with pytest.raises(hc.UserError, match="has episodes 1 to 3"):
        hc.label(oracle, "discard", episodes=[1, 4])
    with pytest.raises(hc.UserError, match="has corrections 1 to 8"):
        hc.label(oracle, "withdraw", corrections=[0])
    with pytest.raises(hc.UserError, match="mark = withdraw is not allowed for episodes"):
        hc.label(oracle, "withdraw", episodes=[1])
    with pytest.raises(hc.UserError, match="has episodes 1 to 3"):
        hc.learn(oracle, updates=1, without_episodes=[8], out=oracle.parent / "learnt")
    assert not (oracle / FILE_NAME).exists()
    assert not (oracle.parent / "learnt").exists()


def test_a_foreign_line_is_refused_by_its_place(oracle: Path) -> None:
    hc.label(oracle, "discard", episodes=[1])
    with (oracle / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write('{"label": "burn"}\n{"label": "disc')
    with pytest.raises(hc.UserError, match=r"labels.jsonl, line 2 is not a label"):
        hc.learn(oracle, updates=1, out=oracle.parent / "learnt")


def test_a_line_without_its_end_is_skipped(oracle: Path) -> None:
    hc.label(oracle, "discard", episodes=[1])
    with (oracle / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write('{"label": "disc')
    assert Curation.of(Session.open(oracle)).discarded == {0}


def test_the_command_shows_what_can_be_labelled(oracle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hitl_clic.cli import label, sessions

    assert label.run(parse.parse(["label", str(oracle), "--mark", "discard", "--episodes", "2"])) == 0
    assert label.run(parse.parse(["label", str(oracle)])) == 0
    assert "discard" in capsys.readouterr().out
    assert sessions.run(parse.parse(["sessions", str(oracle.parent), "--json"])) == 0
    assert '"episodes": 2' in capsys.readouterr().out
