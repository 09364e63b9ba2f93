"""The report: one page that holds everything itself, with the recording's figures and nothing of it executed."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hitl_clic as hc
from hitl_clic.session.corrections import read_corrections
from hitl_clic.session.reader import Session

RECORDINGS = Path(__file__).parents[2] / "recordings"


class Tags(HTMLParser):
    """Collects the tags, and the addresses that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            value
            for name, value in attrs
            if name in ("src", "href", "xlink:href") and value and not value.startswith("#")
        ]


def test_a_page_of_two_sessions_loads_nothing(tmp_path: Path) -> None:
    shutil.copytree(RECORDINGS / "oracle", tmp_path / "one<script>")
    page = hc.report([tmp_path / "one<script>", RECORDINGS / "keyboard"], tmp_path / "page.html")
    text, found = page.read_text(encoding="utf-8"), Tags()
    found.feed(text)
    assert [address for address in found.loads if not address.startswith("data:image/png;base64,")] == []
    assert "script" not in found.tags
    assert found.tags.count("svg") == 3  # the curves of both, and the phases of each
    assert not re.search(r"url\((?!#)", text)
    assert "<td>task</td><td>line_following</td><td>push_t</td>" in text
    assert "<td>success</td><td>100%</td><td>50%</td>" in text
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["page.html"]


def test_labels_count(tmp_path: Path) -> None:
    shutil.copytree(RECORDINGS / "oracle", tmp_path / "session")
    hc.label(tmp_path / "session", "failure", episodes=[1, 2])
    hc.label(tmp_path / "session", "withdraw", corrections=[1])
    text = hc.report(tmp_path / "session").read_text(encoding="utf-8")
    assert "<td>success</td><td>33%</td>" in text
    assert text.count("<td>withdrawn</td>") == 1


def test_a_correction_is_learnt_when_a_plan_knows_its_last_pair() -> None:
    session = Session.open(RECORDINGS / "oracle")
    found = read_corrections(session.records())
    assert len(found.corrections) == 8
    assert found.by_phase.shape == (3, 10)
    assert sum(len(one.pairs) for one in found.corrections) == len(session.pairs)
    for one in found.corrections:
        if one.pairs and one.learnt_s == one.learnt_s:
            first = next(plan for plan in session.plans if plan.newest_pair >= max(one.pairs))
            assert one.learnt_s == pytest.approx((first.started_ns - one.made_ns) * 1e-9)
    assert any(one.learnt_s == one.learnt_s for one in found.corrections)


def test_a_wrong_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(hc.UserError, match=r"ends in .html"):
        hc.report(RECORDINGS / "oracle", tmp_path / "page.pdf")
    assert list(tmp_path.iterdir()) == []
