"""The commands around a session: the demo's steps, what bench runs, what an evaluation and a learner take over."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.figure import percentiles
from benchmarks.update import MatrixProducts
from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.cli import bench, demo, evaluate, learner, teach
from hitl_clic.cli.commands import BenchCommand, DemoCommand, LearnerCommand, TeachCommand
from hitl_clic.learner import checkpoint, process
from hitl_clic.runner.evaluating import overlap_and_lead, with_search
from hitl_clic.session.reader import Session
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import UserError


def test_the_demo_teaches_verifies_and_evaluates(
    recorded: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[Any] = []
    settings = load(session="demo", overrides={"out": tmp_path})

    def taught(given: TeachCommand) -> int:
        steps.append(given)
        (tmp_path / "session.mcap").write_bytes(recorded.path.read_bytes())
        return 0

    monkeypatch.setattr(teach, "run", taught)
    monkeypatch.setattr(checkpoint, "latest", lambda folder: folder / "some")
    monkeypatch.setattr(evaluate, "run", lambda *given, **more: steps.append((given, more)) or 0)
    assert demo.run(DemoCommand(settings)) == 0
    assert steps[0] == TeachCommand(settings)
    (command,) = steps[1][0]
    assert (command.source, command.episodes) == (tmp_path, 5)
    said = capsys.readouterr().out
    assert "equal bit for bit" in said
    assert f"hitl-clic replay {tmp_path}" in said

    monkeypatch.setattr(checkpoint, "latest", lambda folder: None)
    assert demo.run(DemoCommand(settings)) == 0
    assert "nothing was learnt" in capsys.readouterr().out
    monkeypatch.setattr(teach, "run", lambda given: 1)
    assert demo.run(DemoCommand(settings)) == 1


def test_the_demos_folder_is_named_after_it() -> None:
    folder = load(session="demo").out
    assert folder is not None
    assert folder.parent.name == "runs"
    assert folder.name.startswith("demo-")


def test_bench_runs_the_figures_asked_for_and_goes_on_after_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def process(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(" ".join(command[1:]))
        return subprocess.CompletedProcess(command, int("benchmarks.plan" in command))

    monkeypatch.setattr(subprocess, "run", process)
    assert bench.run(BenchCommand(seconds=2.5)) == 1
    assert ran == [f"-m benchmarks.{figure} --seconds 2.5" for figure in ("loop", "plan", "update", "link", "device")]
    ran.clear()
    assert bench.run(BenchCommand(only="link", seconds=1)) == 0
    assert ran == ["-m benchmarks.link --seconds 1"]


def test_matrix_products_are_counted_backward_and_by_the_input() -> None:
    weight = torch.rand(16, 8, requires_grad=True)
    chunk = torch.rand(32, 8, requires_grad=True)
    product = 2 * 32 * 16 * 8
    with MatrixProducts() as counter:
        (gradient,) = torch.autograd.grad(torch.nn.functional.linear(chunk, weight).square().sum(), chunk)
        assert counter.flop == 2 * product
        torch.nn.functional.linear(chunk, weight).square().sum().backward()
    assert counter.flop == 5 * product
    assert gradient.shape == chunk.shape


def test_percentiles_name_the_greatest() -> None:
    assert percentiles([1.0, 2.0, 3.0], 50, 100) == {"p50": 2.0, "max": 3.0}


def test_an_evaluation_searches_as_the_session_did_but_for_what_is_given() -> None:
    overrides = {"horizon": 8, "execute": 4, "policy": {"inference": {"chains": 7, "plan_switch_margin": 0.0}}}
    settings = load(overrides=overrides)
    assert with_search(settings, None, AnyInferenceSettings()) == settings
    # the default of a setting is given too, where it is said
    other = with_search(settings, 2, AnyInferenceSettings(refine_noise=False, bank=9))
    assert other.execute == 2
    expected = settings.policy.inference.model_dump() | {"refine_noise": False, "bank": 9}
    assert other.policy.inference.model_dump() == expected
    assert other.policy.model_copy(update={"inference": settings.policy.inference}) == settings.policy
    with pytest.raises(UserError, match=r"execute = 9 .* 1 to 8"):
        with_search(settings, 9, AnyInferenceSettings())


def test_an_evaluation_takes_the_sessions_overlap_unless_told_otherwise() -> None:
    loop = {"overlap": "prefix_conditioned", "plan_lead": 2}
    settings = load(overrides={"horizon": 8, "execute": 4, "loop": loop})
    assert overlap_and_lead(settings, None, None) == ("prefix_conditioned", 2)
    assert overlap_and_lead(settings, "future_state", None) == ("future_state", 2)
    assert overlap_and_lead(settings, None, 1) == ("prefix_conditioned", 1)
    assert overlap_and_lead(settings, "sync", None) == ("sync", 0)
    for overlap, lead in (("sync", 2), ("async", 0), (None, 5)):
        with pytest.raises(UserError, match=f"lead = {lead}"):
            overlap_and_lead(settings, overlap, lead)  # type: ignore[arg-type]
    plain = load(overrides={"horizon": 8, "execute": 4})
    with pytest.raises(UserError, match="allowed with overlap prefix_conditioned: 1 or more"):
        overlap_and_lead(plain, "prefix_conditioned", None)


@pytest.mark.parametrize(("schedule", "niceness", "idle"), [("async", 15, True), ("lockstep", 0, False)])
def test_only_a_learner_that_the_loop_does_not_wait_for_is_nice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schedule: str, niceness: int, idle: bool
) -> None:
    used: list[Any] = []
    monkeypatch.setattr(process, "run_learner", lambda *given, training, **more: used.append(training))
    settings = load(overrides={"schedule": schedule})
    assert learner.run(LearnerCommand(settings, "tcp://127.0.0.1:*", tmp_path)) == 0
    assert [(training.niceness, training.idle_updates) for training in used] == [(niceness, idle)]
