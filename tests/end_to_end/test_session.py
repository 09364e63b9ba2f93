"""Whole sessions in real processes: taught, verified, evaluated, repeated, refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import struct
from pathlib import Path

import numpy as np
import pytest
from session_process import LIVELY, SMALL, app, finish, has_ipv6, here, journal_of, learner_of, pairs_in, start, until

from hitl_clic.learner import checkpoint
from hitl_clic.runner.policy import find_checkpoint
from hitl_clic.session.reader import Session
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.types.records import TickRecord

ATTENTIVE = ["--training.niceness", "0"]
"""A learner that does not wait for the tests beside it."""
TEACH = [
    "teach",
    "--task",
    "line_following",
    "--device",
    "oracle",
    "--headless",
    "--pace",
    "max",
    "--seed",
    "3",
    *ATTENTIVE,
    *SMALL,
]
QUICK = [*TEACH, "--episodes", "2", "--loop.updates-per-tick", "0.2", "--task-options", "max_steps", "50"]
QUICK += ["--recording.policy-every", "2"]
SUMMARY = {
    "task": str,
    "method": str,
    "horizon": int,
    "execute": int,
    "seed": int,
    "episodes": int,
    "success": list,
    "feedback_per_step": list,
    "l2_error_per_step": list,
    "timesteps": list,
    "tick_hz": float,
    "ticks": int,
    "tick_overruns": int,
    "tick_lateness_ms": {"p50", "p99", "max"},
    "tick_work_ms": {"p50", "p99", "max"},
    "tick_sections_ms": {"observe", "authority", "act", "step", "record", "learner", "ask", "publish"},
    "plan_ms": {"p50", "p99", "max"},
    "updates": int,
    "updates_per_s": float,
    "weight_swaps": int,
    "correction_to_policy_ms": {"p50", "p99", "max"},
    "pairs": {"made", "acknowledged", "ingested", "duplicated", "dropped"},
    "wall_s": float,
}
"""The contract: every key, and its type or the keys inside it."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One session of two short episodes, shared and never changed."""
    out = tmp_path_factory.mktemp("taught") / "session"
    status, said, problems = app(*QUICK, "--out", out)
    assert status == 0, problems
    assert "Traceback" not in problems
    assert str(out) in said
    return out


def test_a_session_folder_is_complete(session: Path) -> None:
    for name in ("session.mcap", "settings.toml", "summary.json", "curves.png", "window.png"):
        assert (session / name).stat().st_size > 0, name
    assert checkpoint.latest(session / "checkpoints") is not None
    assert [folder.name for folder in (session / "policies").iterdir()] == ["episode-0002"]
    kept = checkpoint.latest(session / "policies" / "episode-0002")
    assert kept is not None
    assert find_checkpoint(kept)[1].seed == 3
    summary = json.loads((session / "summary.json").read_text())
    for name, kind in SUMMARY.items():
        assert name in summary
        value = summary[name]
        if isinstance(kind, set):
            assert kind <= value.keys(), name
        else:
            assert type(value) is kind, (name, value)
    assert (summary["task"], summary["seed"], summary["episodes"]) == ("line_following", 3, 2)
    for name in ("success", "feedback_per_step", "l2_error_per_step", "timesteps"):
        assert len(summary[name]) == 2
    assert summary["ticks"] == sum(summary["timesteps"])
    assert summary["updates"] > 0
    assert summary["weight_swaps"] > 0


def test_no_pair_is_lost_between_loop_and_journal(session: Path) -> None:
    pairs = json.loads((session / "summary.json").read_text())["pairs"]
    assert pairs["made"] == pairs["acknowledged"] == pairs["ingested"] > 0
    assert (pairs["dropped"], pairs["duplicated"]) == (0, 0)
    recorded = {pair.id: pair for pair in Session.open(session).pairs}
    journaled = pairs_in(journal_of(session))
    assert [pair.id for pair in journaled] == list(range(pairs["made"]))
    assert recorded.keys() == {pair.id for pair in journaled}
    for pair in journaled:
        assert np.array_equal(pair.robot, recorded[pair.id].robot)
        assert np.array_equal(pair.human, recorded[pair.id].human)


def test_it_verifies_and_replays_in_a_process_of_its_own(session: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(session, copy)
    (copy / "curves.png").unlink()
    verifying, showing = start("replay", copy, "--verify", "--json"), start("replay", copy, "--headless")
    status, said, problems = finish(verifying)
    assert status == 0, problems
    report = json.loads(said)
    assert report["ok"]
    assert report["ticks_checked"] == report["ticks"] > 0
    status, said, problems = finish(showing)
    assert status == 0, problems
    assert "replay.png" in said
    assert (copy / "replay.png").stat().st_size > 10_000
    assert (copy / "curves.png").exists()


def test_the_summary_comes_back_out_of_the_recording(session: Path) -> None:
    status, said, _ = here("replay", session, "--json")
    rebuilt, written = json.loads(said), json.loads((session / "summary.json").read_text())
    assert status == 0
    assert rebuilt == {name: value for name, value in written.items() if name != "recording_dropped"}


def test_one_changed_bit_of_an_observation_is_named(session: Path, tmp_path: Path) -> None:
    copy = Recorder(tmp_path / "session.mcap", RecordingSettings())
    copy.start()
    for record in Session.open(session).records():
        if isinstance(record, TickRecord) and record.tick == 17:
            bits = record.observation.copy().view(np.uint32)
            bits[2] ^= 1
            record = dataclasses.replace(record, observation=bits.view(np.float32))
        copy.put(record)
    copy.close()
    status, said, _ = here("replay", tmp_path, "--verify")
    assert status == 1
    assert "tick 17, observation[2]" in said


def recorded(content: bytes) -> list[int]:
    """Where in an MCAP file the bytes of its messages are: the data of its chunks. The rest only helps to find them."""
    magic, chunk = 8, 0x06
    places: list[int] = []
    at = magic
    while at < len(content) - magic:
        kind, (length,) = content[at], struct.unpack_from("<Q", content, at + 1)
        at += 9
        if kind == chunk:  # two times, the size and checksum unpacked, the name of the compression, the packed size
            (name,) = struct.unpack_from("<I", content, at + 28)
            places += range(at + 28 + 4 + name + 8, at + length)
        at += length
    return places


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6, 0.9])
def test_one_flipped_byte_of_what_was_recorded_never_passes(session: Path, tmp_path: Path, place: float) -> None:
    content = bytearray((session / "session.mcap").read_bytes())
    places = recorded(content)
    assert len(places) > 0.5 * len(content)
    content[places[int(len(places) * place)]] ^= 0x10
    (tmp_path / "session.mcap").write_bytes(content)
    status, said, problems = here("replay", tmp_path, "--verify")
    assert status in (1, 2)
    assert "damaged" in said + problems


def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "session.mcap").write_bytes(b"something else altogether")
    for arguments in (("replay", tmp_path, "--verify"), ("replay", tmp_path, "--headless"), ("evaluate", tmp_path)):
        status, _, problems = here(*arguments)
        assert status == 2
        assert problems.count("\n") == 1, problems
        assert str(tmp_path) in problems


def test_the_policy_evaluates_from_the_folder_and_from_the_checkpoint_alike(session: Path) -> None:
    newest = checkpoint.latest(session)
    found = []
    for source in (session, newest):
        status, said, problems = here("evaluate", source, "--episodes", 2, "--seed", 77, "--json")
        assert status == 0, problems
        found.append(json.loads(said))
    first, second = found
    assert first == second
    assert {"success_rate", "l2_error_per_step", "mean_timesteps"} <= first.keys()
    assert [row["seed"] for row in first["episodes"]] == [77, 78]


def test_the_papers_schedule_gives_the_same_session_twice(tmp_path: Path) -> None:
    """Bit for bit: what was seen, planned and done, every pair, and the weights at the end; in two processes."""
    outs = [tmp_path / name for name in ("a", "b")]
    options = ["--episodes", "2", "--schedule", "lockstep", "--training.episode-updates", "7"]
    options += ["--task-options", "max_steps", "40"]
    other = start(*TEACH, *options, "--out", outs[1])
    for status, _, problems in (here(*TEACH, *options, "--out", outs[0]), finish(other)):
        assert status == 0, problems
    a, b = (Session.open(out) for out in outs)
    assert len(a.ticks) == len(b.ticks) > 50
    for one, other in zip(a.ticks, b.ticks, strict=True):
        for name in ("observation", "executed", "robot_action", "taught"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), (one.tick, name)
        assert (one.state, one.plan_tick, one.weight_version) == (other.state, other.plan_tick, other.weight_version)
    assert [plan.chunk.tobytes() for plan in a.plans] == [plan.chunk.tobytes() for plan in b.plans]
    assert [pair.human.tobytes() for pair in a.pairs] == [pair.human.tobytes() for pair in b.pairs]
    weights = [checkpoint.read_weights(checkpoint.latest(out) or out)[0] for out in outs]
    assert weights[0].step == weights[1].step > 14
    for name, tensor in weights[0].tensors.items():
        assert tensor.tobytes() == weights[1].tensors[name].tobytes(), name
    assert json.loads((outs[0] / "summary.json").read_text())["weight_swaps"] > 4


def test_a_learner_of_ones_own_teaches_those_that_agree_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "learner"
    learner = start(
        "learner",
        "--bind",
        "tcp://[::1]:*" if has_ipv6() else "tcp://127.0.0.1:*",
        "--out",
        folder,
        "--task",
        "line_following",
        *SMALL,
        *LIVELY,
        *ATTENTIVE,
    )
    try:
        address = until(lambda: learner_of(folder).get("address"), learner, "the learner's announcement")
        fitting, other = tmp_path / "fitting", tmp_path / "other"
        status, _, problems = here(*QUICK, *LIVELY, "--learner", address, "--out", fitting)
        assert status == 0, problems
        status, _, problems = here(*QUICK, *LIVELY, "--learner", address, "--out", other, "--policy.batch", "9")
        assert status == 2
        assert problems.count("\n") == 1, problems
        assert "policy.batch" in problems
        assert "9" in problems
        learner.send_signal(signal.SIGTERM)
        status, _, problems = finish(learner)
        assert status == 0, problems
    finally:
        learner.kill()
    pairs = json.loads((fitting / "summary.json").read_text())["pairs"]
    assert pairs["made"] == pairs["ingested"] == len(pairs_in(journal_of(folder))) > 0
    kept = checkpoint.latest(fitting)
    assert kept is not None
    assert (
        checkpoint.read_weights(kept)[0].run_id
        == checkpoint.read_weights(checkpoint.latest(folder) or folder)[0].run_id
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--task", "chess"], ["task", "chess", "push_t"]),
        (["--horizon", "4", "--execute", "5"], ["execute", "5", "horizon = 4"]),
        (["--device", "keyboard"], ["device", "keyboard", "oracle"]),
        (["--task-options", "max_stepz", "3"], ["max_stepz"]),
    ],
)
def test_bad_settings_are_one_line_and_status_2(tmp_path: Path, options: list[str], named: list[str]) -> None:
    status, _, problems = here("teach", "--headless", "--out", tmp_path / "out", *options)
    assert status == 2
    assert problems.count("\n") == 1, problems
    for word in named:
        assert word in problems


def test_a_folder_with_a_session_is_never_overwritten(session: Path) -> None:
    before = (session / "session.mcap").read_bytes()
    status, _, problems = here(*QUICK, "--out", session)
    assert status == 2
    assert problems.count("\n") == 1, problems
    assert str(session) in problems
    assert (session / "session.mcap").read_bytes() == before
