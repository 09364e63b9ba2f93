"""`hitl-clic methods`: every method with where it comes from. Main thread."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitl_clic import presets
from hitl_clic.cli.commands import MethodsCommand
from hitl_clic.method_plugins import problems
from hitl_clic.plugins import plugins


def run(command: MethodsCommand) -> int:
    """List the methods."""
    del command
    table = Table("method", "where it comes from", "what it is")
    for name in presets.names("methods"):
        file = presets.find("methods", name)
        own = file is not None and presets.PACKAGE.resolve() not in file.resolve().parents
        table.add_row(name, escape(str(file)) if own else "this package", escape(presets.sentence("methods", name)))
    for name, plugin in plugins("methods").items():
        table.add_row(name, escape(plugin.package), escape(problems().get(name, plugin.path)))
    Console().print(table)
    return 0
