"""The command line: every flag of the contract, help with units, and one line for whatever is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from hitl_clic import presets
from hitl_clic.baselines.settings import BcSettings
from hitl_clic.cli.commands import (
    BenchCommand,
    DemoCommand,
    DevicesCommand,
    EvaluateCommand,
    LearnerCommand,
    LinkKeysCommand,
    ReplayCommand,
    TeachCommand,
)
from hitl_clic.cli.flags import FileFlags, flag, leaves, of_method
from hitl_clic.cli.help import EVERYDAY
from hitl_clic.cli.parse import NOT_IN_PRACTICE, parse
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import fields_of


def test_teach_takes_every_flag_of_the_contract(tmp_path: Path) -> None:
    line = f"""teach --task line_following --method paper --device keyboard --episodes 3 --seed 9 --out {tmp_path}
        --headless --pace max --schedule paper --horizon 8 --execute 2 --learner tcp://127.0.0.1:5588"""
    command = parse(line.split())
    assert isinstance(command, TeachCommand)
    wanted = {
        "task": "line_following",
        "method": "clic_paper",
        "device": "keyboard",
        "episodes": 3,
        "seed": 9,
        "out": tmp_path,
        "headless": True,
        "pace": "max",
        "schedule": "lockstep",
        "horizon": 8,
        "execute": 2,
        "learner": "tcp://127.0.0.1:5588",
    }
    assert {name: getattr(command.settings, name) for name in wanted} == wanted


def test_teach_without_flags_is_what_the_layers_give(tmp_path: Path) -> None:
    command = parse(["teach", "--out", str(tmp_path)])
    assert isinstance(command, TeachCommand)
    assert command.settings == load(overrides={"out": tmp_path})


def test_nested_settings_are_flags_with_either_kind_of_dash() -> None:
    for samples in ("--policy.negatives.step-start", "--policy.negatives.step_start"):
        command = parse(["teach", samples, "0.5", "--policy.network.hidden", "64", "32", "--window.fps=20"])
        assert isinstance(command, TeachCommand)
        assert command.settings.policy.negatives.step_start == 0.5
        assert command.settings.policy.network.hidden == (64, 32)
        assert command.settings.window.fps == 20


def test_what_is_not_typed_comes_from_the_files_that_are(tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('task = "line_following"\nheadless = true\nepisodes = 4\nexecute = 2\n', encoding="utf-8")
    command = parse(["teach", "--config", str(config), "--episodes", "5"])
    assert isinstance(command, TeachCommand)
    settings = command.settings
    assert (settings.episodes, settings.horizon, settings.execute, settings.headless) == (5, 5, 2, True)
    command = parse(["teach", "--config", str(config), "--no-headless", "--task", "push_t"])
    assert isinstance(command, TeachCommand)
    assert (command.settings.headless, command.settings.horizon) == (False, 4)


def test_a_horizon_typed_carries_execute_along() -> None:
    for method, execute in (("paper", 8), ("clic", 4)):
        command = parse(["teach", "--method", method, "--horizon", "8"])
        assert isinstance(command, TeachCommand)
        assert command.settings.execute == execute


def test_evaluate_and_replay(tmp_path: Path) -> None:
    where = str(tmp_path)
    assert parse(["evaluate", where, "--episodes", "5", "--seed", "7", "--json"]) == EvaluateCommand(
        tmp_path, episodes=5, seed=7, json=True
    )
    command = parse(["evaluate", where, "--execute", "2", "--inference.plan-switch-margin", "0.5"])
    assert isinstance(command, EvaluateCommand)
    assert (command.execute, command.inference.plan_switch_margin) == (2, 0.5)
    assert command.inference.model_fields_set == {"plan_switch_margin"}
    assert parse(["replay", "--verify", where, "--headless", "--json"]) == ReplayCommand(
        tmp_path, verify=True, headless=True, json=True
    )
    assert parse(["replay", where]) == ReplayCommand(tmp_path)


def test_learner(tmp_path: Path) -> None:
    command = parse(["learner", "--bind", "tcp://127.0.0.1:*", "--out", str(tmp_path), "--policy.batch", "16"])
    assert isinstance(command, LearnerCommand)
    assert (command.bind, command.out, command.settings.policy.batch) == ("tcp://127.0.0.1:*", tmp_path, 16)


def test_learner_takes_a_sessions_own_settings(tmp_path: Path) -> None:
    settings = load(overrides={"method": "clic_paper", "horizon": 8, "execute": 3, "out": tmp_path})
    path = tmp_path / "settings.toml"
    path.write_text(settings.to_toml(), encoding="utf-8")
    command = parse(["learner", "--bind", "tcp://127.0.0.1:*", "--out", str(tmp_path), "--config", str(path)])
    assert isinstance(command, LearnerCommand)
    assert command.settings == settings


def test_the_rest() -> None:
    assert parse(["devices"]) == DevicesCommand()
    assert parse(["keys", "some/folder"]) == LinkKeysCommand(Path("some/folder"))
    assert parse(["bench", "--only", "plan", "--seconds", "2"]) == BenchCommand(only="plan", seconds=2.0)
    demo = parse(["demo", "--episodes", "2"])
    assert isinstance(demo, DemoCommand)
    assert (demo.settings.device, demo.settings.episodes, demo.headless_given) == ("oracle", 2, False)
    demo = parse(["demo", "--headless"])
    assert isinstance(demo, DemoCommand)
    assert (demo.settings.headless, demo.headless_given) == (True, True)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("", ("command is missing", "teach")),
        ("teech", ("command = teech", "did you mean teach?", "replay")),
        ("teach --sedd 4", ("--sedd", "did you mean --seed?", "--episodes")),
        (
            "teach --policy.sampels 4",
            ("--policy.sampels", "did you mean --policy.negatives.samples?", "--policy.batch"),
        ),
        ("teach --clic.sampels 4", ("--clic.sampels", "did you mean --policy.negatives.samples?", "--policy.batch")),
        ("teach --seed", ("--seed has no value", "a whole number from 0 to")),
        ("teach --seed -3", ("seed = -3", "a whole number from 0 to")),
        ("teach --episodes many", ("episodes = many", "a whole number from 1 to")),
        ("teach --episodes 2.5", ("episodes = 2.5", "a whole number")),
        ("teach --task juggling", ("task = juggling", "line_following", "push_t")),
        (
            "teach --device wheel",
            ("device = wheel", "mouse, pointer, spacemouse, gamepad, terminal, module:Class or auto"),
        ),
        ("teach --horizon 4 --execute 5", ("execute = 5", "horizon = 4")),
        ("teach --headless=yes", ("yes", "--headless")),
        ("teach now", ("now", "--task")),
        ("teach --config none.toml", ("config = none.toml", "a TOML file")),
        ("teach --session nope", ("session = nope", "demo")),
        ("teach --oracle.nonsense 1", ("--oracle.nonsense", "--oracle.")),
        ("demo --seed x", ("seed = x", "a whole number")),
        ("evaluate", ("source is missing", "allowed")),
        ("evaluate nowhere", ("source = nowhere", "a session folder or a checkpoint")),
        ("evaluate . --episodes 0", ("episodes = 0", "from 1 to")),
        ("evaluate . --sed 3", ("--sed", "did you mean --seed?")),
        ("replay nowhere", ("session = nowhere", "a session folder")),
        ("learner", ("bind is missing", "allowed")),
        ("learner --bind tcp://127.0.0.1:*", ("out is missing", "a path")),
        ("learner --bind here --out x", ("bind = here", "tcp://127.0.0.1")),
        ("learner --bind tcp://0.0.0.0:5588 --out x", ("bind = tcp://0.0.0.0:5588", "CURVE")),
        ("link-keys", ("folder is missing", "a path")),
        ("keys here there", ("there",)),
        ("keys here --out there", ("--out",)),
        ("devices --all", ("--all", "allowed: --keys, --test, --task, --profile")),
        ("bench --only sound", ("only = sound", "all, loop, plan, update, link or device")),
        ("teach --seed=", ("seed = ''", "a whole number")),
        ("teach --window.sounds=no", ("window.sounds = no", "--window.sounds or --window.no-sounds")),
        ("teach --no-seed 3", ("--no-seed", "did you mean --seed?")),
        ("teach -x", ("-x is not an option of hitl-clic teach",)),
        ("bench --seconds 0", ("seconds = 0", "above 0")),
    ],
)
def test_whatever_is_wrong_is_one_line_and_status_2(
    line: str, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        parse(line.split())
    assert ending.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    for part in parts:
        assert part in said.err


COMMANDS = ("teach", "evaluate", "replay", "learner", "link-keys", "devices", "demo", "bench")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        parse([name, "--help"])
    assert ending.value.code == 0
    said = capsys.readouterr()
    assert f"hitl-clic {name}" in said.out
    assert said.err == ""


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        parse(["-h"])
    assert ending.value.code == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert name in out


def said(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ending:
        parse(line.split())
    assert ending.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("line", ["--help", "teach --help", "demo --help", "practice --help", "learn --help"])
def test_help_fits_one_screen(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(line, capsys).splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


def test_help_of_teach_has_the_everyday_flags_with_the_defaults_of_the_layers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said("teach --task line_following --help", capsys)
    flags = leaves(SessionSettings.model_fields).keys() | leaves(fields_of(FileFlags) or {}).keys()
    assert set(EVERYDAY) <= flags
    for name in EVERYDAY:
        assert sum(line.startswith(f"  {flag(name)} ") for line in text.splitlines()) == 1
    assert re.search(r"--loop.rate-hz NUMBER +Ticks per second. .default: 20.0.", text)
    assert re.search(r"--horizon INT .*ticks. .default: 5.", text)


def test_help_all_of_teach_has_every_flag_by_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("teach --task line_following --help-all", capsys)
    for name in leaves(of_method(SessionSettings.model_fields, {"policy": {"kind": "clic"}})):
        assert re.search(rf"^  {re.escape(flag(name))}( |$)", text, re.MULTILINE), name
    text = re.sub(r"\s+", " ", text)
    assert "Ticks per second. [above 0, at most 2000] (default: 20.0)" in text
    for group in ("policy", "policy.half_space", "loop", "gate", "oracle", "training", "link", "recording", "window"):
        assert f" [{group}] " in text


def test_help_all_shows_the_settings_of_the_chosen_method_alone(capsys: pytest.CaptureFixture[str]) -> None:
    text = said("teach --method bc --help-all", capsys)
    shown = {line.split()[0] for line in text.splitlines() if line.startswith("  --policy.")}
    assert shown == {flag(name) for name in leaves({"policy": FieldInfo(annotation=BcSettings)})}
    assert "--policy.batch" in shown
    assert "--policy.negatives.samples" not in shown
    assert "--policy.draws" in said("teach --method flow --help-all", capsys)


@pytest.mark.parametrize("kind", ["tasks", "methods", "sessions"])
def test_help_all_of_teach_explains_every_preset(kind: presets.Kind, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"\s+", " ", said("teach --help-all", capsys))
    for name in presets.names(kind):
        about = presets.sentence(kind, name)
        assert len(about.split()) >= 3
        assert f"- {name}: {about}" in text


def test_a_preset_without_a_comment_has_no_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs" / "sessions").mkdir(parents=True)
    (tmp_path / "configs" / "sessions" / "mine.toml").write_text("episodes = 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert presets.sentence("sessions", "mine") == presets.sentence("sessions", "nowhere") == ""


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("learner --help", "--out PATH Folder for its checkpoints. (required)"),
        ("learn --help", "--episodes INT Use only the first episodes of each session"),
        ("learn --help", "explains each. (default: as recorded)"),
        ("learn recordings/oracle --help", "explains each. (default: clic)"),
        ("bench --help", "What to measure: all, loop, plan, update, link or device."),
        ("bench --help", "Measure this machine (only in a checkout);"),
        ("repair --help", "Complete a recording that was cut off, so that"),
        ("practice --help", "--seed INT Seed of the start states. (default: 0)"),
        ("practice --help-all", "--seed INT Seed of the start states. [from 0"),
        ("teach --help", "a chunk; 0: half of H, for some methods H. (default"),
        ("teach --help", "Seconds for which a correction waits before it is learnt. (default"),
        ("evaluate --help-all", "(screened). [from 1 to 1000000] (default: as in the session)"),
        ("evaluate --help-all", "[from 0 to 100] (default: as in the session)"),
        ("devices --help", "--task TEXT Show only this task's axes and keys"),
    ],
)
def test_help_says_what_an_option_means_for_this_command(
    line: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in re.sub(r"\s+", " ", said(line, capsys))


def test_help_does_not_offer_what_has_no_effect(capsys: pytest.CaptureFixture[str]) -> None:
    """Practice learns nothing, so it takes no setting of learning; only `teach` starts the learner as its child."""
    for line in ("practice --help", "practice --help-all"):
        text = said(line, capsys)
        assert not any(flag(name) in text for name in NOT_IN_PRACTICE)
        assert "--correction.mode" in text
    assert set(NOT_IN_PRACTICE) <= leaves(SessionSettings.model_fields).keys()
    with pytest.raises(SystemExit):
        parse(["practice", "--correction.undo-s", "2"])
    assert "is not an option of hitl-clic practice" in capsys.readouterr().err
    assert "--child" not in said("learner --help", capsys) + said("learner --help-all", capsys)
    child = parse(["learner", "--bind", "tcp://127.0.0.1:5588", "--out", "x", "--child"])
    assert isinstance(child, LearnerCommand)
    assert child.child


def test_help_of_a_wrong_command_line_is_still_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--horizon" in said("teach --task juggling --nonsense --help", capsys)


def test_old_names_are_understood_silently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "teach --session person --method fast --clic.inference.commitment 2 --schedule paper --gate.steady-s 0.25"
    command = parse(line.split())
    assert isinstance(command, TeachCommand)
    now = "teach --session simulated_keyboard_user --method clic --policy.inference.plan-switch-margin 2"
    now += " --schedule lockstep --gate.policy-filter-s 0.25"
    new = parse(now.split())
    assert isinstance(new, TeachCommand)
    assert command.settings.model_copy(update={"out": None}) == new.settings.model_copy(update={"out": None})
    command = parse(["evaluate", str(tmp_path), "--inference.commitment", "2"])
    assert isinstance(command, EvaluateCommand)
    assert command.inference.plan_switch_margin == 2
    assert parse(["keys", "some/folder"]) == parse(["link-keys", "some/folder"])
    assert parse(["doubt", str(tmp_path)]) == parse(["uncertainty", str(tmp_path)])
    assert capsys.readouterr() == ("", "")


def test_none_and_no_flags() -> None:
    command = parse(
        ["teach", "--gate.max-step", "none", "--window.cameras", "--no-policy.symmetries", "--training.no-restart"]
    )
    assert isinstance(command, TeachCommand)
    settings = command.settings
    assert (settings.correction.max_step, settings.window.cameras) == (None, ())
    assert (settings.policy.symmetries, settings.training.restart) == (False, False)


def test_as_a_process(tmp_path: Path) -> None:
    code = "import sys; from hitl_clic.cli.parse import parse; parse(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "teach", "--horizon", "99"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "hitl-clic: horizon = 99 is not allowed; allowed: a whole number from 1 to 64\n"


def test_window_keys_are_pairs_and_wrong_ones_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    command = parse(["teach", "--window.keys", "pause", "b", "failure", "page down"])
    assert isinstance(command, TeachCommand)
    assert command.settings.window.keys == {"pause": "b", "failure": "page down"}
    for given, said in (
        (["pause"], "pairs NAME VALUE, for example pause b"),
        (["paus", "b"], "did you mean 'pause'"),
        (["pause", "z"], "key 'z' is bound twice"),
    ):
        with pytest.raises(SystemExit):
            parse(["teach", "--window.keys", *given])
        assert said in capsys.readouterr().err
