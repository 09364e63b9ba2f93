"""`hitl-clic tasks`: every task with where it comes from; with a name, what is guessed about it. Main thread."""

from __future__ import annotations

from collections.abc import Iterator

import tomli_w
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitl_clic import presets
from hitl_clic.cli.commands import TasksCommand
from hitl_clic.plugins import plugins
from hitl_clic.settings_layers import load

PACKAGE = "this package"


def run(command: TasksCommand) -> int:
    """List the tasks, the names of a source, or what is known of a task. Raises UserError: there is none."""
    from hitl_clic.tasks.foreign.sources import SOURCES

    if command.name in SOURCES:
        for name in SOURCES[command.name].names():
            print(f"{command.name}:{name}")
        return 0
    if command.name:
        print(_described(command.name))
        return 0
    table = Table("task", "where it comes from", "what it is")
    for row in _rows():
        table.add_row(*map(escape, row))
    Console().print(table)
    return 0


def _rows() -> Iterator[tuple[str, str, str]]:
    from hitl_clic.tasks.foreign.sources import SOURCES
    from hitl_clic.tasks.registry import TASKS

    for name, entry in TASKS.items():
        yield name, PACKAGE, entry.summary
    for name in presets.names("tasks"):
        if name not in TASKS:
            yield name, str(presets.find("tasks", name)), presets.sentence("tasks", name)
    for name, plugin in plugins("tasks").items():
        yield name, plugin.package, plugin.path
    for name, source in SOURCES.items():
        yield f"{name}:NAME", f"the package {source.package}", f"hitl-clic tasks {name} lists the names"
    yield "module:Class", "any module that Python can import", "a gymnasium environment, or a Task"


def _described(name: str) -> str:
    """The table [environment] of a foreign task as TOML, with everything that is guessed."""
    settings = load(overrides={"task": name})
    if not settings.environment.complete:
        return f"{name} is a task of {PACKAGE}: {presets.sentence('tasks', name)}"
    from hitl_clic.tasks.foreign.guess import notes

    about = "\n".join(f"# - {note}" for note in notes(settings.environment))
    text = {
        "task": name,
        "horizon": settings.horizon,
        "loop": {"rate_hz": settings.loop.rate_hz},
        "environment": settings.environment.model_dump(mode="json", exclude_none=True),
    }
    return f"# Save what you change as my_task.toml, and give: --config my_task.toml\n{about}\n{_toml(text)}"


def _toml(values: dict[str, object]) -> str:
    """As TOML with short lists on one line."""
    lines: list[str] = []
    for line in tomli_w.dumps(values).splitlines():
        inside = line.startswith("    ") or line == "]"
        if inside and lines:
            lines[-1] += line.strip() if line == "]" else f"{line.strip()} "
        else:
            lines.append(line)
    return "\n".join(lines).replace(", ]", "]")
