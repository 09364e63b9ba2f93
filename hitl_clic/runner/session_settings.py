"""Makes a session's settings and parts from the arguments of a front-door function.

Any thread. Imports no torch: a wrong name is refused at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

from hitl_clic.devices.core.device import Device
from hitl_clic.presets import lay_over
from hitl_clic.runner.parts import Parts, TeacherFunction, object_name
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError

Nested = Mapping[str, Any]


class Overrides(TypedDict, total=False):
    """The settings as keyword arguments; `SessionSettings` describes them."""

    method: str
    profile: str
    episodes: int
    seed: int
    out: Path | str | None
    headless: bool
    pace: Literal["realtime", "max"]
    schedule: Literal["async", "lockstep"]
    horizon: int
    execute: int
    task_options: Nested
    device_options: Nested
    learner: str
    policy: Nested
    loop: Nested
    gate: Nested
    correction: Nested
    help_request: Nested
    oracle: Nested
    environment: Nested
    training: Nested
    link: Nested
    recording: Nested
    window: Nested
    terminal: Nested


def settings_and_parts(
    task: str | Task | None,
    device: str | Device | None,
    teacher: Teacher | TeacherFunction | None,
    chosen: Overrides,
    preset: str | None = None,
    config: Path | str | None = None,
    settings: Nested | SessionSettings | None = None,
    earlier: Nested | None = None,
) -> tuple[SessionSettings, Parts]:
    """The settings of a session, and the objects among the arguments.

    Args:
        task, device: names or objects; None: as in the layers below.
        teacher: of a task object. chosen: settings by keyword, over `settings`.
        preset: a name in configs/sessions. config: a TOML file with settings.
        settings: nested as in a TOML file; or complete ones, beside which there is nothing to choose.
        earlier: settings of the session that this one begins with, as the lowest layer.

    Raises:
        UserError: an unknown name, or a value that is not allowed.
    """
    parts = Parts(
        task if isinstance(task, Task) else None,
        device if isinstance(device, Device) else None,
        teacher,
    )
    for name, given, kind in (("task", task, Task), ("device", device, Device)):
        if given is not None and not isinstance(given, (str, kind)):
            raise UserError(f"{name} = {given!r} is not allowed; allowed: a name, or an object of {kind.__name__}")
    if isinstance(settings, SessionSettings):
        if task or device or chosen or preset or config:
            raise UserError("settings = complete settings leave nothing to choose; allowed beside them: teacher")
        return settings, parts
    given_tables: dict[str, Any] = {"headless": True}
    lay_over(given_tables, settings or {})
    lay_over(given_tables, chosen)
    if parts.task is not None:
        given_tables["task"] = object_name(parts.task)
        given_tables["loop"] = {"rate_hz": parts.task.control_hz} | dict(given_tables.get("loop") or {})
        if parts.task.horizon is not None:
            given_tables.setdefault("horizon", parts.task.horizon)
    elif task is not None:
        given_tables["task"] = task
    if device is not None:
        given_tables["device"] = device if isinstance(device, str) else object_name(device)
    out = given_tables.pop("out", None)
    if out is not None:
        given_tables["out"] = Path(out)
    file = None if config is None else Path(config)
    look = parts.task is None
    return load(session=preset, config=file, overrides=given_tables, recorded=earlier, look=look), parts
