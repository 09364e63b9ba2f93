"""Settings that only some methods have: refused by name for the others, left out of presets, read from old files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitl_clic.aliases import current_flat_settings
from hitl_clic.baselines.settings import FlowSettings
from hitl_clic.clic.settings import ModeLossSettings
from hitl_clic.settings import SessionSettings, SettingsError
from hitl_clic.settings_layers import load


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"method": "bc", "policy": {"radius_ratio": 0.3}},
            "policy.radius_ratio = 0.3 is not a setting of bc; ",
        ),
        (
            {"method": "ibc", "policy": {"mode_loss": {"weight": 1}}},
            "policy.mode_loss is not a setting of ibc; ",
        ),
        (
            {"method": "flow", "policy": {"network": {"modes": 2}}},
            "policy.network.modes = 2 is not a setting of flow",
        ),
        ({"policy": {"inference": {"flow_steps": 3}}}, "policy.inference.flow_steps = 3 is not a setting of clic; "),
        ({"policy": {"kind": "fast"}}, "policy: kind = fast is not allowed; allowed: clic, ibc, bc or flow"),
    ],
)
def test_fields_of_another_method_are_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(overrides=given)
    assert said in str(refused.value)


@pytest.mark.parametrize("method", ["clic", "ibc", "bc", "flow"])
def test_presets_of_tasks_and_sessions_reach_every_method(method: str) -> None:
    policy = load(session="keyboard_relative", overrides={"task": "lift", "method": method}).policy
    assert policy.kind == method
    assert (policy.average, policy.network_reset_every) == (0.999, 4000)
    assert policy.network.fourier_frequencies == (1.0, 2.0, 4.0)
    assert getattr(policy, "mode_loss", None) == (ModeLossSettings(weight=1.0) if method == "clic" else None)
    assert load(session="fifty_hertz", overrides={"method": method}).policy.kind == method


def test_a_presets_field_that_no_method_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs/sessions").mkdir(parents=True)
    (tmp_path / "configs/sessions/mine.toml").write_text("[policy]\nradios_ratio = 0.3\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"policy\.radios_ratio = 0\.3 is not a setting of bc.*mine\.toml"):
        load(session="mine", overrides={"method": "bc"})


def test_the_table_that_all_methods_shared_is_read(tmp_path: Path) -> None:
    old = {
        "kind": "flow",
        "radius_ratio": 0.5,
        "batch": 9,
        "energy": {"kind": "film", "trunk": [8], "wells": 4},
        "negatives": {"samples": 16, "steps": 1},
        "inference": {"flow_steps": 3, "candidates": 64, "device": "cpu"},
        "half_space": {"pairs": 0, "length": 0.7},
    }
    flow = SessionSettings.model_validate({"method": "flow", "clic": old}).policy
    assert isinstance(flow, FlowSettings)
    assert (flow.batch, flow.draws, flow.network.trunk, flow.relative_length) == (9, 16, (8,), 0.7)
    assert (flow.inference.flow_steps, flow.inference.device) == (3, "cpu")
    typed = load(overrides={"method": "flow", "clic": {"negatives": {"samples": 5}}}).policy
    assert isinstance(typed, FlowSettings)
    assert typed.draws == 5
    recorded = {"clic.kind": "bc", "clic.batch": 9, "clic.radius_ratio": 0.5, "clic.energy.hidden": "8"}
    flat = current_flat_settings(recorded)
    assert flat == {"policy.kind": "bc", "policy.batch": 9, "policy.network.hidden": "8"}
    with pytest.raises(SettingsError, match=r"policy\.radius_ratio = 0\.5 is not a setting of bc"):
        load(overrides={"method": "bc", "clic": {"radius_ratio": 0.5}})
