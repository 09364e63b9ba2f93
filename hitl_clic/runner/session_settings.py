"""From what a caller gave to a session's settings and parts.

Any thread. Imports no torch: a wrong name is refused at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

from hitl_clic.devices.core.device import Device
from hitl_clic.runner.parts import Parts, TeacherFunction, object_name
from hitl_clic.settings import SessionSettings, load
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError

Nested = Mapping[str, Any]


class Choices(TypedDict, total=False):
    """Settings by keyword: those of every day, and the tables of the rest. `SessionSettings` describes each."""

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
    learner: str
    policy: Nested
    loop: Nested
    gate: Nested
    correction: Nested
    help_request: Nested
    oracle: Nested
    training: Nested
    link: Nested
    recording: Nested
    window: Nested


def settings_and_parts(
    task: str | Task | None,
    device: str | Device | None,
    teacher: Teacher | TeacherFunction | None,
    chosen: Choices,
    preset: str | None = None,
    config: Path | str | None = None,
    settings: Nested | SessionSettings | None = None,
) -> tuple[SessionSettings, Parts]:
    """The settings of a session, and the objects among what was given.

    Args:
        task, device: names or objects; None: as in the layers below.
        teacher: of a task object. chosen: settings by keyword, over `settings`.
        preset: a name in configs/sessions. config: a TOML file with settings.
        settings: nested as in a TOML file; or complete ones, beside which there is nothing to choose.

    Raises:
        UserError: an unknown name, or a value that is not allowed; the text says what is.
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
    _lay_over(given_tables, settings or {})
    _lay_over(given_tables, chosen)
    if parts.task is not None:
        given_tables["task"] = object_name(parts.task)
        given_tables["loop"] = {"rate_hz": parts.task.control_hz} | dict(given_tables.get("loop") or {})
    elif task is not None:
        given_tables["task"] = task
    if device is not None:
        given_tables["device"] = device if isinstance(device, str) else object_name(device)
    out = given_tables.pop("out", None)
    if out is not None:
        given_tables["out"] = Path(out)
    made = load(session=preset, config=None if config is None else Path(config), overrides=given_tables)
    return (made if out is not None else made.model_copy(update={"out": free_folder(made.out)})), parts


def free_folder(proposed: Path | None) -> Path:
    """A folder that does not exist yet: the proposed one, or the same with a number; ":" is no part of a file name."""
    assert proposed is not None
    first = proposed.with_name(proposed.name.replace(":", "."))
    folder, number = first, 1
    while folder.exists():
        number += 1
        folder = first.with_name(f"{first.name}-{number}")
    return folder


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Copy values; tables merge."""
    for name, value in above.items():
        if isinstance(value, Mapping):
            table = dict(below.get(name) or {})
            _lay_over(table, value)
            below[name] = table
        else:
            below[name] = value
