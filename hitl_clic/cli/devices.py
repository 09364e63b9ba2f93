"""`hitl-clic devices`: what is connected to teach with; `--keys`: a key map; `--test`: a device bench. Main thread."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitl_clic.cli.parse import DevicesCommand
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.devices.hardware.listing import list_devices
from hitl_clic.devices.mapping.command_mapper import CommandMapper
from hitl_clic.types.errors import SettingsError, unknown


def run() -> int:
    """Print the list; the exit status."""
    table = Table("device", "usable here", "what it needs")
    for report in list_devices():
        table.add_row(report.name, "yes" if report.usable else "no", escape(report.sentence))  # "[...]" names an extra
    Console().print(table)
    return 0


def test(command: DevicesCommand) -> int:
    """Try a device out; the exit status. Errors are those of `device_bench.run`."""
    from hitl_clic.device_bench.run import run as run_bench

    own = {field.name for field in fields(BenchSettings)}
    return run_bench(BenchSettings(**{name: value for name, value in vars(command).items() if name in own}))


def print_keys(device: str, task: str = "", profile: str = "", config: Path | None = None) -> int:
    """Print what a device's keys and buttons do, then the window's keys; the exit status.

    Args:
        device: its name in `--device`. task: for its axes only; by default all of the profile's.
        profile: see settings. config: a file with settings, for example its table window.keys.

    Raises:
        SettingsError: there is no such device, task or profile, or they do not go together.
    """
    from hitl_clic.runner.device_registry import (  # loads the simulators' registry
        DEVICES,
        EVERY_AXIS,
        key_map,
        profile_of,
    )
    from hitl_clic.settings import load
    from hitl_clic.tasks.registry import make_task, task_names

    held = [name for name, spec in DEVICES.items() if spec.control]
    if device not in held:
        raise SettingsError(f"keys = {device} is not allowed; {unknown(device, held)}")
    if task and task not in task_names():
        raise SettingsError(f"task = {task} is not allowed; {unknown(task, task_names())}")
    chosen = {"device": device} | ({"profile": profile} if profile else {}) | ({"task": task} if task else {})
    settings = load(config=config, overrides=chosen)
    axes = make_task(task).action_frame.axes if task else EVERY_AXIS
    try:
        mapper = CommandMapper(profile_of(device, settings.profile, settings.window.keys), axes)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    console = Console(highlight=False)
    for title, rows in ((device, key_map(settings, mapper.axes)), ("window", Keymap(settings.window.keys).rows())):
        table = Table(title, "what it does")
        for pressed, does in rows:
            table.add_row(escape(pressed), escape(does))
        console.print(table)
    return 0
