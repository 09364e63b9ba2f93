"""`hitl-clic devices`: the connected devices; `--keys`: a key map; `--test`: the device bench. Main thread."""

from __future__ import annotations

from dataclasses import fields

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitl_clic.cli.commands import DevicesCommand
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.devices.mapping.command_mapper import CommandMapper
from hitl_clic.devices.registry import DEVICES, chosen_devices, list_devices
from hitl_clic.plugins import plugins
from hitl_clic.types.errors import SettingsError, unknown


def run(command: DevicesCommand) -> int:
    """Test a device, print its key map, or list all devices. Raises the errors of `test` and `print_keys`."""
    if command.test:
        return test(command)
    if command.keys:
        return print_keys(command)
    table = Table("device", "usable here", "what it needs")
    for report in list_devices():
        usable, needs = "yes" if report.usable else "no", escape(report.sentence)  # "[...]" names an extra
        table.add_row(report.name, usable, needs)
    for name, plugin in plugins("devices").items():
        table.add_row(name, "?", escape(f"It comes from {plugin.package}, as {plugin.path}."))
    Console().print(table)
    return 0


def test(command: DevicesCommand) -> int:
    """Test a device. Raises the errors of `device_bench.run`."""
    from hitl_clic.device_bench.run import run as run_bench

    own = {field.name for field in fields(BenchSettings)}
    return run_bench(BenchSettings(**{name: value for name, value in vars(command).items() if name in own}))


def print_keys(command: DevicesCommand) -> int:
    """Print what a device's keys and buttons do, then the window's keys.

    Raises:
        SettingsError: there is no such device, task or profile, or they do not go together.
    """
    device, task, profile = command.keys, command.task, command.profile
    from hitl_clic.runner.device_registry import EVERY_AXIS, chosen_profiles, key_map  # imports the simulators
    from hitl_clic.settings_layers import load
    from hitl_clic.tasks.registry import make_task, task_names

    held = [name for name, spec in DEVICES.items() if spec.control]
    try:
        kinds = [one.kind for one in chosen_devices(device)]
    except ValueError as error:
        raise SettingsError(f"keys = {device} is not allowed; {error}") from error
    if not set(kinds) <= set(held):
        raise SettingsError(f"keys = {device} is not allowed; {unknown(device, held)}")
    if task and task not in task_names():
        raise SettingsError(f"task = {task} is not allowed; {unknown(task, task_names())}")
    chosen = {"device": device} | ({"profile": profile} if profile else {}) | ({"task": task} if task else {})
    settings = load(config=command.config, overrides=chosen)
    axes = make_task(task).action_frame.axes if task else EVERY_AXIS
    try:
        if len(kinds) == 1:
            axes = CommandMapper(chosen_profiles(settings)[0][1], axes).axes
    except ValueError as error:
        raise SettingsError(str(error)) from error
    console = Console(highlight=False)
    for title, rows in ((device, key_map(settings, axes)), ("window", Keymap(settings.window.keys).rows())):
        table = Table(title, "what it does")
        for pressed, does in rows:
            table.add_row(escape(pressed), escape(does))
        console.print(table)
    return 0
