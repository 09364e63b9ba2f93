"""`teach`: a session from its settings to its folder. Any thread; `session` names the other threads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from hitl_clic.devices.core.device import Device
from hitl_clic.runner.device_registry import resolve_device
from hitl_clic.runner.own_learner import own_learner
from hitl_clic.runner.parts import TeacherFunction
from hitl_clic.runner.recorded_layer import earlier_settings
from hitl_clic.runner.results import SessionSummary
from hitl_clic.runner.session_settings import Nested, Overrides, settings_and_parts
from hitl_clic.runner.starting import Start, begin_from, check_settings, go_on
from hitl_clic.runner.torch_devices import check_devices
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import EpisodeRecord

log = logging.getLogger(__name__)


def teach(
    task: str | Task | None = None,
    device: str | Device | None = None,
    *,
    teacher: Teacher | TeacherFunction | None = None,
    on_episode: Callable[[EpisodeRecord], object] = lambda episode: None,
    stop: Callable[[SessionSummary], bool] | None = None,
    preset: str | None = None,
    config: Path | str | None = None,
    settings: Nested | SessionSettings | None = None,
    say: Callable[[str], None] = log.info,
    dashboard: bool = False,
    continues: Path | str | None = None,
    begins_from: Path | str | None = None,
    **chosen: Unpack[Overrides],
) -> SessionSummary:
    """Teach a task: correct the robot while it moves and learns. Opens no window and prints nothing by default.

    Only a session in real time changes the process (see `process_state`), and restores it at its end. In real time and
    in the main thread, Ctrl-C ends the session, and all files are written to the end.

    Args:
        task: a name (`hitl_clic.tasks`), or a `Task`, which is recorded as "module:Class" and stays open.
        device: a name, or a `Device` that was not started; by default the keyboard with a window, else "oracle".
        teacher: what device "oracle" does in a task object: a `Teacher`, or a function of the observation.
        on_episode: called with each finished episode. stop: called after it; True ends the session.
        preset: a name in configs/sessions. config: a TOML file. settings: tables as in such a file, over both.
        say: takes a line for the user. dashboard: without a window, show a dashboard in the terminal.
        continues: a session folder to go on with: its policy, buffer, optimiser, counters and curves. The recording is
            one more file of that session. Settings are the session's; the seed is another one, and so are the starts.
        begins_from: a session folder or a checkpoint, whose policy and pairs a new session takes over.
        **chosen: any other setting by its name, for example `episodes=10`, `seed=1`, `pace="max"`, `out="runs/x"`,
            `headless=False` for a window, `loop={"rate_hz": 20}`.

    Raises:
        UserError: a name or value that is not allowed, a learner that is missing or refuses, a torch device that is
            missing, a folder that holds a session already.
    """
    earlier = None if isinstance(settings, SessionSettings) else earlier_settings(continues, begins_from)
    made, parts = settings_and_parts(task, device, teacher, chosen, preset, config, settings, earlier)
    made = resolve_device(made)
    check_devices(made.policy, learns=not made.learner, plans=True)
    assert made.out is not None
    if (source := continues if continues is not None else begins_from) is not None:
        check_settings(Path(source), made)
    start = prepare(made.out, continues, begins_from)
    with own_learner(made, made.out, write_settings(made, start.part)) as learner:
        from hitl_clic.runner.session import Observers, TaughtSession  # loads torch: after everything refused at once

        return TaughtSession(made, parts, Observers(on_episode, stop, say, dashboard), learner, start).run()


def write_settings(settings: SessionSettings, part: int = 1) -> Path:
    """Write the settings of a session's part into its folder; returns the file."""
    assert settings.out is not None
    path = settings.out / ("settings.toml" if part == 1 else f"settings-{part:03d}.toml")
    path.write_text(settings.to_toml(), encoding="utf-8")
    return path


def prepare(out: Path, continues: Path | str | None = None, begins_from: Path | str | None = None) -> Start:
    """Make the session's folder, and prepare where it begins.

    Raises:
        UserError: it holds a session already, or there is nothing to begin with.
    """
    if continues is not None:
        if begins_from is not None:
            raise UserError("from is not allowed beside continue: a session goes on with its own policy")
        if out.absolute() != Path(continues).absolute():
            raise UserError(f"out = {out} is not allowed beside continue; the session goes on in its own folder")
        return go_on(Path(continues))
    if (out / "session.mcap").exists():
        raise UserError(f"out = {out} holds a session already; allowed: a folder without session.mcap")
    if begins_from is None:
        out.mkdir(parents=True, exist_ok=True)
        return Start()
    if (out / "checkpoints").exists():
        raise UserError(f"out = {out} holds checkpoints already; allowed beside from: a new folder")
    return begin_from(Path(begins_from), out)
