"""`app.py devices`: what is connected to teach with, and what each would need."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from devices.listing import list_devices


def run() -> int:
    """Print the list; the exit status."""
    table = Table("device", "usable here", "what it needs")
    for report in list_devices():
        table.add_row(report.name, "yes" if report.usable else "no", escape(report.sentence))  # "[...]" names an extra
    Console().print(table)
    return 0
