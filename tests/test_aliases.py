"""Settings that are gone: recordings that name them are read as ever, and nobody thinks that they still do anything."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hitl_clic.aliases import REMOVED, current_settings, current_weight, without_removed
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings, SettingsError
from hitl_clic.settings_layers import load

RECORDINGS = Path(__file__).parents[1] / "recordings"


def nested(name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def names(values: dict[str, Any], prefix: str = "") -> set[str]:
    inner = {prefix + key: value for key, value in values.items()}
    return set(inner).union(*(names(v, f"{k}.") for k, v in inner.items() if isinstance(v, dict)))


@pytest.mark.parametrize(("name", "off"), REMOVED.items())
def test_a_removed_setting_that_was_off_is_left_out(name: str, off: Any) -> None:
    value = 7 if off is ... else off
    given = nested(name, value)
    assert SessionSettings.model_validate(given) == SessionSettings()
    assert given == nested(name, value), "what was given stays as it was"
    with pytest.raises(SettingsError, match="not a setting"):
        load(overrides=nested(f"{name}_too", value))


@pytest.mark.parametrize("name", [name for name, off in REMOVED.items() if off is not ...])
def test_a_removed_setting_that_was_on_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} = 3 is not allowed; this option was removed"):
        load(overrides=nested(name, 3))


def test_a_file_with_a_removed_option_is_named(tmp_path: Path) -> None:
    path = tmp_path / "older.toml"
    path.write_text("[oracle]\nbank = true\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"oracle\.bank = True .* removed.*older\.toml"):
        SessionSettings.from_toml(path)


def test_what_is_no_table_is_left_to_who_validates() -> None:
    given = {"oracle": 5, "clic": {"batch": 3}}
    assert without_removed(given) == given
    with pytest.raises(SettingsError, match="oracle"):
        load(overrides={"oracle": 5})


@pytest.mark.parametrize("name", ["oracle", "keyboard"])
def test_recordings_that_name_removed_settings_are_read(name: str) -> None:
    path = RECORDINGS / name / "settings.toml"
    written = names(current_settings(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert len(written & set(REMOVED)) > 2, "else this shows nothing"
    settings = SessionSettings.from_toml(path)
    kept = names(settings.model_dump(mode="json"))
    assert not kept & set(REMOVED)
    recorded = SessionSettings.model_validate(dict(Session.open(RECORDINGS / name).settings.values))
    assert recorded == settings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wells.centres.weight", "modes.centres.weight"),
        ("network.wells.shapes.bias", "network.modes.shapes.bias"),
        ("trunk.0.weight", "trunk.0.weight"),
    ],
)
def test_old_weights_are_found_wherever_they_are_nested(old: str, new: str) -> None:
    assert current_weight(old) == new
    assert current_weight(new) == new
