"""The layers of settings: which wins, what is refused and how, and the way through a file and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic import presets
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.settings import SessionSettings, SettingsError
from hitl_clic.settings_layers import load
from hitl_clic.tasks.registry import task_names
from hitl_clic.types.errors import fields_of, without_none


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_task_has_a_preset_and_the_reverse() -> None:
    assert set(presets.names("tasks")) == set(task_names())


def test_presets_of_tasks_give_rate_and_horizon() -> None:
    push, line = load(overrides={"task": "push_t"}), load(overrides={"task": "line_following"})
    assert (push.loop.rate_hz, push.horizon) == (10.0, 4)
    assert (line.loop.rate_hz, line.horizon) == (20.0, 5)
    hammer = load(overrides={"task": "hammer"})
    assert (hammer.loop.rate_hz, hammer.horizon, hammer.oracle.threshold) == (20.0, 8, 0.1)


def test_presets_of_methods_differ_as_published() -> None:
    paper, fast = load(overrides={"method": "clic_paper"}).policy, load(overrides={"method": "clic"}).policy
    assert isinstance(paper, ClicSettings)
    assert isinstance(fast, ClicSettings)
    assert (paper.negatives.samples, paper.negatives.steps) == (512, 50)
    assert paper.network.kind == "mlp"
    assert paper.network.hidden == (512, 512, 512, 256)
    assert fast.network.kind == "film"


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    defaults = SessionSettings()
    assert defaults.loop.rate_hz == 10.0
    config = write(tmp_path / "mine.toml", 'task = "line_following"\nepisodes = 7\nseed = 5\n[policy]\nbatch = 8\n')
    from_file = load(config=config)
    assert from_file.loop.rate_hz == 20.0  # the task's preset, chosen by the file, over the default
    assert (from_file.episodes, from_file.seed, from_file.policy.batch) == (7, 5, 8)
    typed = load(config=config, overrides={"seed": "6", "loop": {"rate_hz": "50"}})
    assert (typed.episodes, typed.seed, typed.loop.rate_hz) == (7, 6, 50.0)


def test_corrections_are_read_as_the_gate_says_and_no_setting_of_the_oracle_pretends_to(tmp_path: Path) -> None:
    assert load(session="simulated_keyboard_user").correction.mode == "relative"
    with pytest.raises(SettingsError, match=r"oracle\.kind"):
        load(overrides={"oracle": {"kind": "relative"}})


def test_a_file_wins_over_presets_in_one_field_and_leaves_the_others(tmp_path: Path) -> None:
    config = write(tmp_path / "mine.toml", 'method = "paper"\n[clic.negatives]\nsteps = 3\n')
    policy = load(config=config).policy
    assert isinstance(policy, ClicSettings)
    negatives = policy.negatives
    assert (negatives.steps, negatives.samples) == (3, 512)


def test_session_preset_and_own_file_over_it(tmp_path: Path) -> None:
    demo = load(session="demo")
    assert (demo.task, demo.device, demo.pace) == ("push_t", "oracle", "max")
    assert load(session="demo", config=write(tmp_path / "x.toml", 'pace = "realtime"\n')).pace == "realtime"


@pytest.mark.parametrize(("horizon", "execute", "resolved"), [(4, 0, 4), (8, 3, 3), (8, 8, 8), (1, 0, 1)])
def test_execute_is_resolved(horizon: int, execute: int, resolved: int) -> None:
    given = {"horizon": horizon, "execute": execute, "policy": {"inference": {"plan_switch_margin": 0.0}}}
    assert load(overrides=given).execute == resolved


@pytest.mark.parametrize(
    ("horizon", "execute", "resolved"), [(4, 0, 2), (5, 0, 3), (1, 0, 1), (2, 0, 2), (3, 0, 2), (8, 0, 4), (8, 8, 8)]
)
def test_a_method_that_keeps_to_its_plans_executes_half_of_them(horizon: int, execute: int, resolved: int) -> None:
    given = {"horizon": horizon, "execute": execute, "policy": {"inference": {"plan_switch_margin": 0.5}}}
    assert load(overrides=given).execute == resolved


def test_out_is_named_after_task_unless_given(tmp_path: Path) -> None:
    named = load(overrides={"task": "line_following"}).out
    assert named is not None
    assert named.parent == Path("runs")
    assert named.name.startswith("line_following-")
    assert load(overrides={"out": tmp_path}).out == tmp_path


def refusal(**overrides: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(overrides=overrides)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"episodes": 0}, ("episodes = 0", "a whole number from 1 to")),
        ({"seed": "-1"}, ("seed = -1", "a whole number from 0 to")),
        ({"horizon": 65}, ("horizon = 65", "from 1 to 64")),
        ({"horizon": 4, "execute": 5}, ("execute = 5", "from 1 to horizon = 4")),
        ({"task": "juggling"}, ("task = juggling", "line_following", "push_t")),
        ({"method": "slow"}, ("method = slow", "bc, clic, clic_paper, clic_robust, flow or ibc")),
        ({"task": "../tasks/push_t"}, ("task = ../tasks/push_t", "push_t")),
        (
            {"device": "joystick"},
            ("device = joystick", "keyboard, mouse, pointer, spacemouse, gamepad, terminal"),
        ),
        ({"pace": ""}, ("pace = ''", "realtime or max")),
        ({"learner": "here"}, ("learner = here", "tcp://127.0.0.1")),
        ({"learner": "tcp://192.0.2.1:5588"}, ("192.0.2.1", "CURVE")),
        ({"loop": {"rate_hz": "fast"}}, ("loop.rate_hz = fast", "a number above 0, at most 2000")),
        ({"loop": {"rate_hz": float("nan")}}, ("loop.rate_hz = nan", "a number above 0")),
        ({"policy": {"negatives": {"samples": 0}}}, ("policy.negatives.samples = 0", "from 1 to 65536")),
        ({"policy": {"network": {"hidden": [64, "x"]}}}, ("policy.network.hidden = x", "a list, each a whole number")),
        ({"policy": {"sampels": 3}}, ("policy.sampels = 3 is not a setting of clic", "half_space")),
        ({"policy": {"negatives": {"sampels": 3}}}, ("policy.negatives.sampels = 3", "did you mean samples?")),
        ({"epsiodes": 3}, ("epsiodes = 3 is not a setting", "did you mean episodes?")),
        ({"policy": 3}, ("policy = 3", "a table of settings")),
        ({"link": {"lost_after_s": 0.06}}, ("link", "lost_after_s = 0.06", "at least twice")),
    ],
)
def test_wrong_values_are_refused_by_name(overrides: dict[str, Any], parts: tuple[str, ...]) -> None:
    text = refusal(**overrides)
    for part in parts:
        assert part in text


def test_a_refusal_says_how_much_more_is_wrong() -> None:
    assert "1 more wrong" in refusal(episodes=0, seed=-1)


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", "[policy]\nbatch = 0\n")
    with pytest.raises(SettingsError, match=r"policy\.batch = 0 .*mine\.toml"):
        load(config=path)
    with pytest.raises(SettingsError, match=r"task = juggling .*mine\.toml"):
        load(config=write(path, 'task = "juggling"\n'))


@pytest.mark.parametrize("text", ["episodes = = 3", "\x00"])
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"mine\.toml is not TOML") as caught:
        load(config=write(tmp_path / "mine.toml", text))
    assert "\n" not in str(caught.value)


def test_missing_files_and_presets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config = .*cannot be read"):
        load(config=tmp_path / "none.toml")
    with pytest.raises(SettingsError, match=r"session = none .*demo"):
        load(session="none")


def test_a_session_file_gives_the_identical_settings(tmp_path: Path) -> None:
    settings = load(
        session="demo",
        overrides={
            "method": "clic_paper",
            "horizon": 8,
            "execute": 3,
            "out": tmp_path,
            "policy": {"learning_rate": 0.1 + 0.2},
        },
    )
    path = write(tmp_path / "settings.toml", settings.to_toml())
    assert SessionSettings.from_toml(path) == settings
    assert load(config=path) == settings  # also as a file of one's own, over its own presets
    assert "execute = 3" in path.read_text(encoding="utf-8")


def test_reading_a_session_file_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    text = load().to_toml()
    with pytest.raises(SettingsError, match=r"colour = blue is not a setting.*old\.toml"):
        SessionSettings.from_toml(write(tmp_path / "old.toml", 'colour = "blue"\n' + text))


@given(
    horizon=st.integers(1, 64),
    share=st.floats(0, 1),
    rate=st.floats(0.5, 2000),
    radius=st.floats(1e-6, 1),
    out=st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=20),
)
def test_any_settings_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, horizon: int, share: float, rate: float, radius: float, out: str
) -> None:
    settings = load(
        overrides={
            "horizon": horizon,
            "execute": round(share * horizon),
            "loop": {"rate_hz": rate},
            "policy": {"radius_ratio": radius},
            "out": out,
        }
    )
    path = write(tmp_path_factory.mktemp("settings") / "settings.toml", settings.to_toml())
    assert SessionSettings.from_toml(path) == settings


def every_field(kind: Any, prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, field in (fields_of(kind) or {}).items():
        found.append((prefix + name, field))
        found += every_field(without_none(field.annotation)[0], f"{prefix}{name}.")
    return found


def test_every_field_has_a_sentence_and_numbers_have_a_range() -> None:
    for name, field in every_field(SessionSettings):
        assert field.description, name
        assert field.description.rstrip().endswith("."), name
        if without_none(field.annotation)[0] in (int, float):
            assert field.metadata, f"{name} takes any number"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().episodes = 3  # type: ignore[misc]


@pytest.mark.parametrize("module", ["hitl_clic.settings", "hitl_clic.cli.parse"])
def test_importing_settings_loads_nothing_heavy(module: str) -> None:
    heavy = "{'torch', 'pygame', 'pymunk', 'gym_pusht', 'gymnasium', 'matplotlib', 'zmq', 'mcap'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"loop": {"plan_lead": 2}}, "loop.plan_lead = 2 is not allowed; allowed with overlap sync: 0"),
        (
            {"loop": {"overlap": "prefix_conditioned"}},
            "loop.plan_lead = 0 is not allowed; allowed with overlap prefix_conditioned: 1 or more",
        ),
        (
            {"horizon": 4, "execute": 3, "loop": {"overlap": "future_state", "plan_lead": 2}},
            "plan_lead = 2 does not fit horizon = 4 and execute = 3; allowed: at most 1",
        ),
        (
            {"horizon": 8, "execute": 2, "loop": {"overlap": "async", "plan_lead": 3}},
            "plan_lead = 3 does not fit horizon = 8 and execute = 2; allowed: at most 2",
        ),
        (
            {"loop": {"overlap": "none"}},
            "loop.overlap = none is not allowed; allowed: sync, async, prefix_conditioned or future_state",
        ),
        ({"method": "bc", "policy": {"prefix": 2}}, "policy.prefix = 2 is not a setting of bc; allowed: kind, network"),
    ],
)
def test_overlaps_that_cannot_work_are_refused_in_a_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(overrides=given)
    assert said in str(refused.value)
    assert "more wrong" not in str(refused.value)


@pytest.mark.parametrize("overlap", ["async", "prefix_conditioned", "future_state"])
def test_an_overlap_with_room_is_taken(overlap: str) -> None:
    given = {"horizon": 8, "execute": 4, "loop": {"overlap": overlap, "plan_lead": 4}}
    assert load(overrides=given).loop.plan_lead == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gate": {"mode": "touch"}}, "with gate.mode = touch; allowed: hold or toggle"),
        ({"correction": {"label_average_s": 0}}, "with correction.label_average_s = 0 at loop.rate_hz = 10; allowed: "),
        ({"loop": {"rate_hz": 2}}, "with correction.label_average_s = 0.4 at loop.rate_hz = 2; allowed: "),
        ({"loop": {"exploration": {"episodes": 0.5}}}, "with loop.exploration.episodes = 0.5; allowed: 0"),
    ],
)
def test_implicit_approval_is_refused_where_it_cannot_be_read(changes: dict[str, object], said: str) -> None:
    assert load(session="keyboard_relative").correction.implicit_approval
    with pytest.raises(SettingsError, match=f"correction.implicit_approval = true is not allowed {said}"):
        load(session="keyboard_relative", overrides=changes)


def test_corrections_of_old_settings_are_read_under_current_names(tmp_path: Path) -> None:
    old = tmp_path / "mine.toml"
    old.write_text(
        """[gate]
kind = "relative"
frame = "world"
about = "sideways"
steady_s = 0.5
reaction_s = 0.25
relative_step = 1.5
max_step = 0.25
absolute_axes = ["x"]

[clic]
padding = "mask"
intent_s = 0.4
consent = true

[loop]
pair_stride = 2
undo_s = 3.0

[window.keys]
toggle_kind = "b"
"""
    )
    settings = load(config=old)
    assert settings.correction == CorrectionSettings(
        mode="relative",
        command_frame="world",
        axes="sideways",
        policy_filter_s=0.5,
        reaction_time_s=0.25,
        relative_step=1.5,
        max_step=0.25,
        absolute_axes=("x",),
        padding="mask",
        label_average_s=0.4,
        implicit_approval=True,
        pair_stride=2,
        undo_s=3.0,
    )
    assert settings.window.keys == {"toggle_correction_mode": "b"}
