"""Presets: their values are what they were, `extends` is resolved, and a user's own folder comes before the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hitl_clic import presets
from hitl_clic.aliases import current_settings, without_removed
from hitl_clic.devices.mapping.profiles import profile_path, save_profile
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.settings import SettingsError
from hitl_clic.settings_layers import load

SNAPSHOT: Mapping[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "support" / "preset_values.json").read_text(encoding="utf-8")
)
"""Presets chosen, "kind=name ..." -> every resolved setting before presets extended each other, by its old name."""
CHANGED: Mapping[str, dict[str, Any]] = {"session=demo": {"episodes": 14}}
"""What was changed on purpose since: the demo is over sooner."""
SEARCH = {"clic.inference.candidates": 192, "clic.inference.chains": 12, "clic.inference.refine_steps": 20}
"""The search of an energy that benchmarks/search_size.py chose since."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and name not in ("task_options", "keys"):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        table = found
        *tables, last = name.split(".")
        for part in tables:
            table = table.setdefault(part, {})
        table[last] = value
    return found


@pytest.mark.parametrize("chosen", SNAPSHOT)
def test_every_preset_resolves_to_the_values_it_had(chosen: str) -> None:
    given = dict(part.split("=") for part in chosen.split())
    session = given.pop("session", None)
    resolved = flat(load(session=session, overrides={**given, "out": "x"}).model_dump(mode="json"))
    values = {**SNAPSHOT[""], **SNAPSHOT[chosen], **CHANGED.get(chosen, {})}
    values |= {"training.threads": 0, "training.niceness": 15, "window.niceness": 10}  # see docs/operations.md
    if given.get("method") != "clic_paper":
        values["clic.min_pairs"] = 1  # changed on purpose since: the first correction teaches at once
    if given.get("method", "clic") in ("clic", "clic_robust", "ibc"):
        values |= SEARCH
    before = flat(without_removed(current_settings(nested(values))))
    assert before.keys() <= resolved.keys()
    assert {name: resolved[name] for name in before} == before


def test_the_snapshot_has_every_preset() -> None:
    chosen = " ".join(SNAPSHOT)
    for kind in ("tasks", "methods", "sessions"):
        for path in (presets.PACKAGE / kind).glob("[!_]*.toml"):
            assert f"{kind[:-1]}={path.stem}" in chosen


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, and an empty current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path / "user")
    return tmp_path / "user"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_own_presets_are_found_here_first_then_in_the_users_folder(user: Path) -> None:
    write(user / "sessions/mine.toml", 'extends = "demo"\nepisodes = 3\n')
    assert "mine" in presets.names("sessions")
    settings = load(session="mine")
    assert (settings.episodes, settings.pace, settings.oracle.patience) == (3, "max", 8)
    write(Path("configs/sessions/mine.toml"), "episodes = 4\n")
    assert (load(session="mine").episodes, load(session="mine").pace) == (4, "realtime")


def test_an_own_preset_may_extend_the_packages_of_its_name_and_old_names_are_understood(user: Path) -> None:
    write(user / "sessions/demo.toml", 'extends = "demo"\nmethod = "fast"\nepisodes = 2\n')
    settings = load(session="demo")
    assert (settings.episodes, settings.method, settings.pace) == (2, "clic", "max")
    write(user / "sessions/old.toml", 'extends = "person"\n')
    assert load(session="old").oracle == load(session="simulated_keyboard_user").oracle


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": 'extends = "b"', "b": 'extends = "a"'}, "extends forms a cycle: a -> b -> a"),
        ({"a": 'extends = "a"'}, "extends forms a cycle: a -> a"),
        ({"a": 'extends = "none"'}, r"a.toml: extends = none is not known; allowed: a, demo"),
        ({"a": "extends = 3"}, r"a.toml: extends = 3 is not known"),
        ({"a": 'extends = "../sessions/demo"'}, r"extends = \.\./sessions/demo is not known"),
        ({"a": "extends ="}, r"a.toml is not TOML"),
    ],
)
def test_wrong_extends_are_refused_by_name(user: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        write(user / f"sessions/{name}.toml", text)
    with pytest.raises(SettingsError, match=said) as refused:
        load(session="a")
    assert "\n" not in str(refused.value)


def test_a_profile_is_saved_in_the_users_folder_and_never_in_the_package(user: Path) -> None:
    profile = load_profile("keyboard").model_copy(update={"name": "mine"})
    assert profile_path("mine") == user / "devices/mine.toml"
    assert profile_path("keyboard") == user / "devices/keyboard.toml"
    save_profile(profile, profile_path("mine"))
    assert load_profile("mine") == profile
    write(Path("configs/devices/mine.toml"), (user / "devices/mine.toml").read_text(encoding="utf-8"))
    assert profile_path("mine") == Path("configs/devices/mine.toml")  # the file that `--profile mine` reads
    assert profile_path("own/this.toml") == Path("own/this.toml")


def test_a_profile_extends_another_one(user: Path) -> None:
    """One binding is one line, all else stays; an own profile may extend the package's of its name."""
    base = load_profile("gamepad")
    write(user / "devices/mine.toml", 'extends = "gamepad"\n[buttons]\nguide = "pause"\ny = ""\n[axes.x]\nsign = -1\n')
    mine = load_profile("mine")
    assert mine.name == "mine"
    assert mine.buttons == {**{name: does for name, does in base.buttons.items() if name != "y"}, "guide": "pause"}
    assert mine.axes["x"] == base.axes["x"].model_copy(update={"sign": -1})
    same = {"name": "gamepad", "buttons": base.buttons, "axes": base.axes}
    assert mine.model_copy(update=same) == base
    write(user / "devices/gamepad.toml", 'extends = "gamepad"\nname = "softer"\nexponent = 2.5\n')
    assert load_profile("gamepad") == base.model_copy(update={"name": "softer", "exponent": 2.5})
    assert load_profile("mine").exponent == 2.5, "it extends the own profile now"
    by_path = write(Path("elsewhere/other.toml"), 'extends = "keyboard"\n[keys]\n"." = "pause"\n')
    assert load_profile(by_path).keys == {**load_profile("keyboard").keys, ".": "pause"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "a"\n', "a.toml: extends forms a cycle: a -> a"),
        ('extends = "none"\n', "a.toml: extends = none is not known; allowed: a, gamepad, keyboard"),
        ('extends = "gamepad"\n[buttons]\nguide = "paws"\n', "button 'guide' is bound to 'paws'"),
        ("[axes.x]\n", "a.toml: name: Field required"),
    ],
)
def test_wrong_profiles_are_refused_by_name(user: Path, text: str, said: str) -> None:
    write(user / "devices/a.toml", text)
    with pytest.raises(ValueError, match=said) as refused:
        load_profile("a")
    assert "\n" not in str(refused.value)
