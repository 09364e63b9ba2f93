"""The commands around a session: showing a recording again, the demo's steps, what bench runs, the cockpit's words."""

from __future__ import annotations

import dataclasses
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_session import session_records, write

from benchmarks.figure import percentiles
from benchmarks.update import MatrixProducts
from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.cli import bench, demo, devices, evaluate, learner, teach
from hitl_clic.cli.commands import BenchCommand, DemoCommand, DevicesCommand, LearnerCommand, TeachCommand
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.messages import TO_WINDOW, Show
from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.registry import DEVICES, DeviceReport
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.learner import checkpoint, process
from hitl_clic.runner import device_registry
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.runner.device_registry import make_device, profile_of
from hitl_clic.runner.evaluating import overlap_and_lead, with_search
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.player import Projector, _Player, contact_sheet
from hitl_clic.runner.recordings import settings_of
from hitl_clic.runner.replaying import replay
from hitl_clic.session.reader import Session
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings, SettingsError, load
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import EventRecord, TickRecord
from hitl_clic.types.scene3d import Pose
from hitl_clic.types.view import LoopView


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Line Following, driven at random, with settings as a real session writes them."""
    settings = load(overrides={"task": "line_following", "device": "oracle", "task_options": {"max_steps": 15}})

    def named(record: Any) -> Any:
        if isinstance(record, SettingsRecord):
            return dataclasses.replace(record, task=settings.task, values=settings.model_dump(mode="json"))
        return record

    task = Parts().make_task(settings)
    path = tmp_path_factory.mktemp("recorded") / "session.mcap"
    return Session.open(write(path, session_records(task), named))


@pytest.fixture
def settings(recorded: Session) -> SessionSettings:
    return settings_of(recorded)


def projector(recorded: Session) -> Projector:
    settings = settings_of(recorded)
    return Projector(recorded, settings, Parts().make_task(settings))


def test_the_tasks_options_come_back_with_the_settings(recorded: Session, settings: SessionSettings) -> None:
    assert settings.task == "line_following"
    assert Parts().make_task(settings).max_steps == 15
    assert replay(recorded.path, verify=True).ok


def test_a_shown_tick_is_the_same_however_it_was_reached(recorded: Session) -> None:
    forward, jumping = projector(recorded), projector(recorded)
    states = [forward.state(index) for index in range(len(forward))]
    for index in (30, 3, 44, 0, 31, 31):
        assert jumping.state(index) == states[index]


def test_a_replay_shows_how_corrections_were_read_then(recorded: Session, tmp_path: Path) -> None:
    def switched(record: Any) -> Any:
        if isinstance(record, SettingsRecord):
            return recorded.settings
        late = isinstance(record, TickRecord) and record.tick >= 7
        return dataclasses.replace(record, command_frame="gripper", correction_axes="sideways") if late else record

    task = Parts().make_task(settings_of(recorded))
    shown = projector(Session.open(write(tmp_path / "session.mcap", session_records(task), switched)))
    assert [(shown.state(at).command_frame, shown.state(at).correction_axes) for at in (7, 6)] == [
        ("gripper", "sideways"),
        ("world", "everything"),
    ]


def test_shown_ticks_tell_what_the_teacher_saw_then(recorded: Session) -> None:
    shown = projector(recorded)
    for index in (0, 16, len(shown) - 1):
        state, tick = shown.state(index), recorded.ticks[index]
        assert (state.gate, state.episode, state.step) == (tick.state, tick.episode, tick.step)
        assert len(state.history) == tick.episode, "episodes finished before this tick, no later ones"
        assert state.pairs_made <= len([pair for pair in recorded.pairs if pair.made_ns <= tick.time_ns])
        assert TO_WINDOW.unpack(TO_WINDOW.pack(Show(state))) == Show(state), "a window can show it"


def test_a_player_keeps_the_recorded_pace_pauses_and_seeks(recorded: Session, settings: SessionSettings) -> None:
    now_s = 100.0
    player = _Player(projector(recorded), settings, lambda: now_s)
    assert not player.go_on(), "a tick lasts as long as it did"
    assert player.due_s - now_s == pytest.approx(0.1)  # the recording's ticks, not the 20 Hz
    now_s += 0.099
    assert not player.go_on()
    now_s += 0.002
    assert player.go_on()
    assert player.index == 1
    assert player.apply(["space"], [])
    player.due_s = 0.0
    assert not player.go_on()
    assert player.state().message == f"Replay · 2 of {len(recorded.ticks)}, paused"
    assert player.state().key_rows[0][0] == ("Space", "play")
    named = [key for row in player.state().key_rows for key, _ in row]
    assert named == ["Space", "Left Right", "Up Down", "F2", "F12", "F10"], "only keys that do something here"
    assert player.apply([], ["pause"])
    assert player.apply(["right"], [])
    assert player.index == 41
    assert player.apply(["left", "left"], [])
    assert player.index == 0
    player.apply(["up"], [])
    assert player.index == len(recorded.ticks) - 1
    player.due_s = 0.0
    assert not player.go_on()
    assert "the end" in player.state().message
    assert not player.apply(["q"], ["reset"])


def test_a_contact_sheet_leaves_nothing_else_behind(
    recorded: Session, settings: SessionSettings, tmp_path: Path
) -> None:
    contact_sheet(recorded, settings, make_task(settings.task), tmp_path / "replay.png", pictures=2)
    assert [file.name for file in tmp_path.iterdir()] == ["replay.png"]
    assert (tmp_path / "replay.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("mode", ["hold", "toggle", "touch"])
def test_hints_say_what_to_do_now(mode: Any) -> None:
    for hand in DEVICES.values():
        assert "correct" in hand.hint(mode, False) or not hand.control
        assert "hand back" in hand.hint(mode, True) or not hand.control
    assert DEVICES["keyboard"].hint("hold", False) == "hold Space to correct"
    assert DEVICES["keyboard"].hint("hold", True) == "release Space to hand back"
    for name, hand in DEVICES.items():
        if name in ("keyboard", "mouse"):
            found = device_registry.device_in_use(load(overrides={"device": name}))
            assert found == hand, "the presets engage as the table says"


def test_a_profiles_key_that_is_the_windows_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[axes.x]\n[keys]\nr = "+x"\nescape = "stop"\n')
    with pytest.raises(SettingsError, match=r"'r' is bound twice, here to .* by the window"):
        profile_of("keyboard", str(mine))
    assert profile_of("keyboard", str(mine), {"toggle_correction_mode": "b"}).keys["r"] == "+x", (
        "the window has let it go"
    )
    with pytest.raises(SettingsError, match=r"'space' is bound twice, here to 'engage' .* to 'pause'; .*window.keys"):
        device_registry.device_in_use(load(overrides={"device": "keyboard", "window": {"keys": {"pause": "space"}}}))
    with pytest.raises(SettingsError, match="presets: gamepad, keyboard, mouse, pointer, spacemouse"):
        profile_of("keyboard", "joystick")


def test_a_profile_of_ones_own_is_held_and_hinted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[axes.x]\n[axes.y]\n[keys]\ntab = "engage"\nj = "-x"\n')
    chosen = device_registry.resolve_device(load(overrides={"device": "keyboard", "profile": str(mine)}))
    assert device_registry.device_in_use(chosen).hint("hold", False) == "hold Tab to correct"
    assert device_registry.key_map(chosen, ("x", "y"))[0] == ("J", "Move left / right")
    device = make_device(chosen, make_task("line_following").action_frame.axes, TeacherChannel(), EventFeed())
    assert device.axes == ("x", "y")
    mine.write_text('name = "mine"\n[axes.x]\n[keys]\ntabb = "engage"\n')
    with pytest.raises(SettingsError, match="no key 'tabb'; did you mean 'tab'"):
        device_registry.resolve_device(chosen)


def test_choices_and_absolute_axes_are_for_hands_only() -> None:
    task = make_task("line_following")
    everything = ("everything", "sideways", "vertical")
    for name, frames, groups, absolute in (
        ("keyboard", ("camera",), everything, (0,)),
        ("oracle", ("world",), everything[:1], ()),
    ):
        chosen = load(overrides={"device": name, "correction": {"absolute_axes": ["x"]}})
        device = make_device(chosen, task.action_frame.axes, TeacherChannel(), EventFeed())
        assert device_registry.bind_device(chosen, device, task).absolute == absolute
        assert device_registry.correction_options(chosen, task) == CorrectionOptions(frames, groups)
    wrong = load(overrides={"device": "mouse", "correction": {"axes": "sideway"}})
    with pytest.raises(
        SettingsError, match=r"correction.axes = sideway .* did you mean sideways\?.*everything, sideways"
    ):
        device_registry.correction_options(wrong, task)


@pytest.mark.skipif(find_spec("metaworld") is None, reason="needs metaworld (pip install -e '.[hammer]')")
def test_a_task_offers_the_frames_that_it_has() -> None:
    task = make_task("hammer")
    task.reset(seed=0)
    offered = device_registry.correction_options(load(overrides={"task": "hammer", "device": "gamepad"}), task)
    assert offered == CorrectionOptions(("world", "camera"), ("everything", "moving", "height", "gripper"))
    task.close()


def test_the_printed_key_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert devices.run(DevicesCommand(keys="keyboard", task="push_t")) == 0
    said = capsys.readouterr().out
    assert "W S, Up Down" in said
    assert "the gripper" not in said
    assert "Emergency stop, until you clear it" in said, "the window's keys too"
    assert devices.run(DevicesCommand(keys="mouse")) == 0
    assert "Middle button, G" in capsys.readouterr().out
    (tmp_path / "mine.toml").write_text('[window.keys]\npause = "tab"\n')
    assert devices.run(DevicesCommand(keys="mouse", config=tmp_path / "mine.toml")) == 0
    assert "Tab " in capsys.readouterr().out
    for wrong, named in (
        ({"keys": "keybord"}, "did you mean 'keyboard'"),
        ({"keys": "mouse", "task": "push"}, "task = push"),
    ):
        with pytest.raises(SettingsError, match=named):
            devices.run(DevicesCommand(**wrong))


def test_the_circle_is_gamma_times_the_correction(recorded: Session, settings: SessionSettings) -> None:
    views: Slot[LoopView] = Slot()
    task = make_task("line_following")
    task.reset(seed=0)
    settings = settings.model_copy(update={"device": "keyboard"})
    feed = CockpitFeed(settings, task, views, FixedStatus(), began_ns=0)
    tick = next(tick for tick in recorded.ticks if tick.state == "correcting")
    assert tick.human_action is not None

    def shown(state: Any, kind: Any) -> CockpitState:
        record = dataclasses.replace(tick, state=state, correction_mode=kind)
        views.publish(LoopView(0, 0, 0, state, kind, task.scene(), None, 0, record, {}))
        found = feed.state(now_ns=1)
        assert found is not None
        return found

    apart = float(torch.linalg.vector_norm(torch.tensor(tick.robot_action - tick.human_action)))
    assert shown("correcting", "absolute").desired_radius == pytest.approx(settings.policy.radius_ratio * apart)
    assert shown("correcting", "relative").desired_radius is None
    assert shown("autonomous", "absolute").desired_radius is None
    assert shown("correcting", "absolute").hint == "release Space to hand back"
    assert shown("autonomous", "absolute").hint == "hold Space to correct"


def test_a_pause_is_not_slow_and_what_happened_is_said(recorded: Session, settings: SessionSettings) -> None:
    task = make_task("line_following")
    task.reset(seed=0)
    views: Slot[LoopView] = Slot()
    feed = CockpitFeed(settings, task, views, FixedStatus(), began_ns=0)
    for number, tick in enumerate(recorded.ticks[:12]):
        paused_s = 30 if number >= 6 else 0
        feed.add(dataclasses.replace(tick, time_ns=(number + 10 * paused_s) * 100_000_000))
    detail = {"correction_mode": "relative", "command_frame": "world", "correction_axes": "everything"}
    scene = task.scene()
    for seen, message in (
        (dataclasses.replace(scene, pose=Pose(b"", ())), "Now relative, world frame"),
        (scene, "Now relative"),  # a flat scene has one frame
    ):
        views.publish(LoopView(12, 0, 0, "autonomous", "relative", seen, None, 0, None, {}))
        feed.add(EventRecord(12, 0, "switched", detail))
        state = feed.state(now_ns=1)
        assert state is not None
        assert state.loop_hz == pytest.approx(10.0)
        assert state.message == message
    feed.add(EventRecord(13, 0, "pause"))
    state = feed.state(now_ns=1)
    assert state is not None
    assert state.message == "", "the badge says it"


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


def test_the_devices_are_listed_word_for_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Square brackets name an extra to install; a rich table would take them for a style."""
    report = DeviceReport("spacemouse", False, "Install 'hitl-clic[spacemouse]'.")
    monkeypatch.setattr("hitl_clic.cli.devices.list_devices", lambda: [report])
    assert devices.run(DevicesCommand()) == 0
    assert report.sentence in capsys.readouterr().out


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


@pytest.mark.parametrize(("schedule", "niceness", "idle"), [("async", 10, True), ("lockstep", 0, False)])
def test_only_a_learner_that_the_loop_does_not_wait_for_is_nice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schedule: str, niceness: int, idle: bool
) -> None:
    used: list[Any] = []
    monkeypatch.setattr(process, "run_learner", lambda *given, training, **more: used.append(training))
    settings = load(overrides={"schedule": schedule})
    assert learner.run(LearnerCommand(settings, "tcp://127.0.0.1:*", tmp_path)) == 0
    assert [(training.niceness, training.idle_updates) for training in used] == [(niceness, idle)]
