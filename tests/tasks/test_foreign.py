"""Environments of others as tasks: what is guessed, exact returns, and one clear sentence for each that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hitl_clic.settings_layers import load
from hitl_clic.tasks.foreign.finding import make_foreign, make_mirror
from hitl_clic.tasks.foreign.success import SuccessRule
from hitl_clic.tasks.foreign.task import ForeignTask
from hitl_clic.tasks.registry import find_teacher, make_task
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.errors import UserError


def made(kind: str, **settings: object) -> ForeignTask:
    task = make_foreign(f"foreign_envs:{kind}", EnvironmentSettings(make=f"foreign_envs:{kind}", **settings), {})
    assert isinstance(task, ForeignTask)
    return task


@pytest.fixture
def slider() -> Iterator[ForeignTask]:
    task = made("Slider")
    yield task
    task.close()


def test_what_is_guessed_of_an_environment(slider: ForeignTask) -> None:
    settings = slider.settings
    assert settings.observation == ("goal", "hand"), "a picture among the keys is left out"
    assert settings.success == "info.is_success"
    assert (settings.axes, settings.low, settings.high) == (("x", "y"), (-2.0, -2.0), (2.0, 2.0))
    assert (settings.max_steps, settings.rate_hz, settings.horizon) == (500, 20.0, 8)
    assert settings.exact == "state"
    assert settings.complete


def test_observations_are_flat_and_actions_are_mapped(slider: ForeignTask) -> None:
    observation, _ = slider.reset(seed=1)
    inner = slider.env.unwrapped
    np.testing.assert_array_equal(observation, np.concatenate([inner.goal, inner.hand]).astype(np.float32))
    before = slider.env.unwrapped.hand.copy()
    slider.step(np.array([1.0, -0.5], np.float32))
    np.testing.assert_allclose(slider.env.unwrapped.hand - before, [0.1, -0.05], atol=1e-7)


def test_an_action_that_is_none_is_refused(slider: ForeignTask) -> None:
    slider.reset(seed=0)
    with pytest.raises(ValueError, match="finite"):
        slider.step(np.array([np.nan, 0.0], np.float32))


def test_success_ends_the_episode(slider: ForeignTask) -> None:
    slider.reset(seed=0)
    slider.env.unwrapped.hand = slider.env.unwrapped.goal.copy()
    *_, terminated, truncated, info = slider.step(np.zeros(2, np.float32))
    assert (terminated, truncated, info["success"]) == (True, False, True)


@pytest.mark.parametrize(("kind", "exact"), [("Slider", "state"), ("HiddenState", "actions"), ("Unrepeatable", "none")])
def test_how_far_an_environment_repeats_itself_is_found_by_trying(kind: str, exact: str) -> None:
    assert made(kind).exact == exact


@pytest.mark.parametrize("kind", ["Slider", "HiddenState"])
def test_a_snapshot_continues_bit_for_bit_in_another_environment(kind: str) -> None:
    task, other = made(kind), made(kind)
    rng = np.random.default_rng(0)
    task.reset(seed=3)
    for action in rng.uniform(-1, 1, (20, 2)).astype(np.float32):
        task.step(action)
    snapshot, here = task.snapshot(), task.observe()
    actions = rng.uniform(-1, 1, (20, 2)).astype(np.float32)
    expected = [task.step(action)[0] for action in actions]
    for again in (other, task):
        assert np.array_equal(again.restore(snapshot), here)
        assert again.snapshot() == snapshot
        assert all(np.array_equal(again.step(action)[0], seen) for action, seen in zip(actions, expected, strict=True))
    for junk in (b"", b"junk", snapshot[:-1], snapshot + b"x"):
        with pytest.raises(ValueError, match="not a snapshot"):
            task.restore(junk)


def test_what_does_not_repeat_itself_says_so_instead_of_verifying() -> None:
    task = made("Unrepeatable")
    task.reset(seed=0)
    with pytest.raises(ValueError, match="does not repeat itself"):
        task.restore(task.snapshot())
    with pytest.raises(UserError, match="future_state is not allowed"):
        task.forecast(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("ObservesNan", "observed nan at number 3 of 4; allowed: finite numbers"),
        ("ImagesOnly", "observes Box of 64x64x3 uint8"),
        ("DiscreteActions", r"has the actions Discrete.*; allowed: a Box of floating-point numbers"),
        ("Absent", "foreign_envs has no Absent"),
        ("slider_teacher", "cannot be made: TypeError"),
    ],
)
def test_an_environment_that_cannot_be_taught_gets_one_sentence(kind: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as error:
        made(kind)
    assert "\n" not in str(error.value)


def test_a_step_that_raises_becomes_a_sentence_with_the_reason() -> None:
    task = make_foreign(
        "foreign_envs:BreaksAtStep", EnvironmentSettings(make="foreign_envs:BreaksAtStep"), {"after": 5000}
    )
    task.reset(seed=0)
    task.env.unwrapped.steps = 10_000
    with pytest.raises(UserError, match=r"its step\(\) raised OSError: the motor is too hot"):
        task.step(np.zeros(2, np.float32))


def test_an_environment_that_never_ends_is_truncated() -> None:
    task = made("NeverEnds", max_steps=7)
    task.reset(seed=0)
    ends = [task.step(np.zeros(2, np.float32))[3] for _ in range(7)]
    assert ends == [False] * 6 + [True]
    assert made("NeverEnds").max_steps == 500


@pytest.mark.parametrize("name", ["slider_teacher", "teacher_with_info", "PolicyObject"])
def test_a_teacher_of_others_teaches_in_the_numbers_of_the_environment(name: str) -> None:
    environment = EnvironmentSettings(make="foreign_envs:Slider", teacher=f"foreign_envs:{name}")
    task = make_foreign("foreign_envs:Slider", environment, {})
    teacher = find_teacher("foreign_envs:Slider", environment, task)
    assert teacher is not None
    observation, _ = task.reset(seed=5)
    info = {"success": False}
    for _ in range(60):
        observation, _, terminated, _, info = task.step(teacher.action(observation))
        if terminated:
            break
    assert info["success"]


def test_a_task_without_a_teacher_has_none(slider: ForeignTask) -> None:
    assert find_teacher("foreign_envs:Slider", slider.settings, slider) is None


def test_a_mirror_draws_the_same_instant() -> None:
    task = made("HiddenState")
    mirror = make_mirror(task.name, task.settings, {})
    task.reset(seed=2)
    for step in range(6):
        task.step(np.array([1.0, 0.0], np.float32))
        if step % 2:
            mirror.follow(task.snapshot())
            assert np.array_equal(mirror.observe(), task.observe())
            assert mirror.env.render().shape == (40, 60, 3)
    task.reset(seed=9)
    mirror.follow(task.snapshot())
    assert np.array_equal(mirror.observe(), task.observe())


@pytest.mark.parametrize(
    ("rule", "step", "holds"),
    [
        ("info.done", ({"done": 1.0}, 0.0, 0.0, False, False), True),
        ("info.done", ({}, 0.0, 0.0, True, True), False),
        ("reward >= -0.5", ({}, -0.4, -9.0, False, False), True),
        ("return >= 10", ({}, 0.0, 12.0, False, False), False),
        ("return >= 10", ({}, 0.0, 12.0, False, True), True),
        ("terminated", ({}, 0.0, 0.0, True, True), True),
        ("never", ({}, 9.0, 9.0, True, True), False),
    ],
)
def test_rules_of_success(rule: str, step: tuple, holds: bool) -> None:
    assert SuccessRule.read(rule).holds(*step) is holds


def test_a_wrong_rule_of_success_names_the_allowed_ones() -> None:
    with pytest.raises(UserError, match=r"allowed: info.NAME, reward >= X"):
        SuccessRule.read("when it works")


def test_a_file_of_ones_own_sets_what_was_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs" / "tasks").mkdir(parents=True)
    text = '[environment]\nmake = "foreign_envs:Slider"\naxes = ["y", "x"]\nmax_steps = 9\n[loop]\nrate_hz = 5.0\n'
    (tmp_path / "configs" / "tasks" / "mine.toml").write_text(text)
    (tmp_path / "other.toml").write_text(f'task = "mine"\nhorizon = 5\n{text}')
    by_name = load(overrides={"task": "mine"})
    assert (by_name.environment.axes, by_name.environment.max_steps) == (("y", "x"), 9)
    assert (by_name.loop.rate_hz, by_name.horizon) == (5.0, 8)
    assert by_name.environment.complete
    by_file = load(config=Path("other.toml"))
    assert (by_file.task, by_file.horizon, by_file.environment.max_steps) == ("mine", 5, 9)
    assert load(config=Path("mine"), overrides={"task": "mine"}).environment.max_steps == 9, "a file by its name"
    task = make_task("mine", by_name.environment)
    assert task.action_frame.axes == ("y", "x")


def test_settings_written_by_a_session_guess_nothing_again(tmp_path: Path) -> None:
    first = load(overrides={"task": "foreign_envs:Slider", "out": tmp_path})
    path = tmp_path / "settings.toml"
    path.write_text(first.to_toml())
    assert type(first).from_toml(path) == first
    assert load(config=path, look=False).environment == first.environment
