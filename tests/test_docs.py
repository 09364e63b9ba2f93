"""README and docs: what they name exists, their Python runs, their links resolve, their tables come from the rows."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from hitl_clic.__main__ import main
from hitl_clic.session.topics import TOPICS, Topic
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import has_field
from tools import results

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (
    *("demo", "teach", "practice", "evaluate", "replay", "learn", "learner"),
    *("link-keys", "repair", "devices", "uncertainty", "bench"),
    *("export", "import", "report", "sessions", "label"),
)
MOST_WORDS = 25
"""Words in a sentence."""

ROOMS = "hitl_clic|devices|configs|tests|tools|benchmarks|recordings"
PATH = re.compile(rf"`((?:{ROOMS})/[^`\s]*|app\.py|pyproject\.toml)`")
MODULE = re.compile(r"python -m ((?:benchmarks|tools)\.\w+)")
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9.-]*)")
SETTING = re.compile(r"`((?:clic|correction|gate|help_request|loop|oracle|policy|training|window)\.[a-z_.]+)`")
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)

SNIPPETS = [(page.name, code) for page in PAGES for code in PYTHON.findall(page.read_text(encoding="utf-8"))]
MARKED = [(page, code) for page, code in SNIPPETS if code.startswith("# runs\n")]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_readme_is_short_and_names_the_tests() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "make test" in text
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == [], "the README links every page"


@every_page
def test_named_files_exist(page: Path) -> None:
    named = PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if "NAME" not in path and not list(ROOT.glob(path.rstrip("/")))] == []


@every_page
def test_named_commands_flags_and_settings_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"(?:hitl-clic|app\.py) ([a-z][a-z-]*)", text)
    assert [name for name in commands if name not in COMMANDS] == []
    assert [name for name in _settings_named(text) if not _is_setting(name)] == []
    on_page = _modules(text)
    assert [path for path in on_page if not path.is_file()] == []
    for line in text.splitlines():
        programs = re.findall(r"hitl-clic ([a-z-]+)", line), _modules(line)
        for flag in FLAG.findall(line.split("#")[0]):
            assert _takes(flag, *programs) if any(programs) else _takes(flag, COMMANDS, on_page), f"--{flag}: {line}"


@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_python_compiles(page: str, code: str) -> None:
    compile(code, page, "exec")


@pytest.mark.parametrize("code", [pytest.param(code, id=f"{page}-{n}") for n, (page, code) in enumerate(MARKED)])
def test_marked_python_runs(code: str, tmp_path: Path) -> None:
    """As it stands, but with fewer episodes, and shorter ones of Line Following."""
    (tmp_path / "example.py").write_text(re.sub(r"episodes=\d+", "episodes=1", code), encoding="utf-8")
    (tmp_path / "recordings").symlink_to(ROOT / "recordings")
    preset = tmp_path / "configs" / "tasks" / "line_following.toml"
    preset.parent.mkdir(parents=True)
    preset.write_text('extends = "line_following"\n[task_options]\nmax_steps = 60\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@every_page
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@every_page
def test_sentences_are_short(page: Path) -> None:
    text = LINK.sub("]", FENCE.sub("", page.read_text(encoding="utf-8")))
    cells = [cell for line in text.splitlines() if line.lstrip().startswith("|") for cell in line.split("|")]
    prose = re.sub(r"^ *\|.*$", "\n", text, flags=re.MULTILINE)
    blocks = re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.|#+) ", prose)
    sentences = [sentence for block in [*cells, *blocks] for sentence in re.split(r"[.!?](?=\s)", block)]
    assert [sentence.strip() for sentence in sentences if len(sentence.split()) > MOST_WORDS] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_all_fields_of_a_record_are_described(topic: Topic) -> None:
    """In the section of the record, or in its row of a table."""
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    name = topic.record.__name__
    described = re.search(rf"^### `{name}`.*?(?=^###)|^\| `{name}` .*?$", text, re.MULTILINE | re.DOTALL)
    assert described is not None
    names = [field.name for field in fields(topic.record)]
    assert [field for field in names if f"`{field}`" not in described[0]] == []


def test_the_layers_are_those_of_the_import_contract() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| (.*?) \|", text, re.MULTILINE)
    shown = [{Path(path).stem for path in re.findall(r"`([^`]+)`", row)} for row in rows]
    (contract,) = (
        contract
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
        if contract["id"] == "layers"
    )
    assert shown == [set(layer.split(" | ")) for layer in contract["layers"]]


def test_the_results_are_those_of_the_rows() -> None:
    assert results.PAGE.read_text(encoding="utf-8") == results.page(), "run python -m tools.results"
    text = README.read_text(encoding="utf-8")
    assert text == results.with_summary(text), "run python -m tools.results"


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no table between"):
        results.with_summary("# A page")


def _modules(text: str) -> list[Path]:
    """The files of the modules that a text runs with `python -m`."""
    return [ROOT / f"{module.replace('.', '/')}.py" for module in MODULE.findall(text)]


def _settings_named(text: str) -> list[str]:
    return [name for name in SETTING.findall(text) if not name.endswith((".py", ".toml", ".md", ".png"))]


def _is_setting(name: str) -> bool:
    return has_field(SessionSettings, name)


def _takes(flag: str, commands: Sequence[str], modules: Sequence[Path]) -> bool:
    """Whether one of these programs takes a flag."""
    argument = re.compile(rf'"--{flag}"|^ +{flag.replace("-", "_")}: ', re.MULTILINE)
    return any(f"--{flag}" in _flags(command) for command in commands) or any(
        argument.search(path.read_text(encoding="utf-8")) for path in modules
    )


@cache
def _flags(command: str) -> frozenset[str]:
    """The flags of a command, with those that switch something off: --policy.x.no-y where --policy.x.y is on or off."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([command, "--help-all"])
    entries = re.split(r"^  (?=--)", printed.getvalue(), flags=re.MULTILINE)
    switches = [entry.split()[0] for entry in entries if re.search(r"\(default:\s+(on|off)", entry)]
    off = {re.sub(r"([\w-]+)$", r"no-\1", switch.removeprefix("--")) for switch in switches}
    return frozenset(f"--{flag}" for flag in {*FLAG.findall(printed.getvalue()), *off, "help", "help-all"})


@cache
def _anchors(page: Path) -> frozenset[str]:
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)
