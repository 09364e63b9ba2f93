"""Help texts: `--help` has the everyday flags on one screen, `--help-all` has every flag, by table. Pure text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from hitl_clic import presets
from hitl_clic.cli.flags import flag, kind_of, leaves, of_method
from hitl_clic.types.errors import fields_of, limits

FLAGS = ("-h", "--help", "--help-all")
WIDTH, COLUMN = 100, 34
EVERYDAY: Mapping[str, str] = {
    "task": "Task, such as push_t or gymnasium:ID; hitl-clic tasks lists all.",
    "method": "clic, clic_robust, clic_paper, bc, ibc or flow; --help-all explains each.",
    "device": "Input device: keyboard, mouse, gamepad, oracle, ...",
    "session": "Preset of a session; --help-all explains each.",
    "config": "TOML file with settings of your own.",
    "profile": "Key map and response: a name or a TOML file.",
    "episodes": "Number of episodes.",
    "seed": "Seed of start states, network and oracle.",
    "out": "Folder to write; none: runs/NAME-DATE-TIME.",
    "headless": "No window; a dashboard in the terminal.",
    "pace": "realtime, or max: as fast as possible.",
    "learner": "Address of a running learner, tcp://host:port.",
    "link.keys": "Folder of this side's keys, from link-keys.",
    "horizon": "H, length of a planned chunk, ticks.",
    "execute": "Ta, executed ticks of a chunk; 0: half of H, for some methods H.",
    "loop.rate_hz": "Ticks per second.",
    "correction.undo_s": "Seconds for which a correction waits before it is learnt.",
    "gate.mode": "How you take over: hold, touch or toggle.",
    "correction.mode": "Corrections are absolute or relative.",
    "correction.relative_step": "Size of a relative correction, action units.",
    "correction.reaction_time_s": "Your reaction time, s.",
    "help_request.threshold": "Uncertainty that calls for help; 0: never.",
    "help_request.wait": "Stand still after asking for help.",
    "window.sounds": "Play short tones for events.",
    "training.threads": "Threads of the learner, count.",
}
"""The flags of `--help`, with short sentences; all others are in `--help-all`."""
PRESETS: Mapping[str, presets.Kind] = {"task": "tasks", "method": "methods", "session": "sessions"}
"""Flags that choose a preset; `--help-all` explains each preset by the first sentence of its file."""


def overview(commands: Mapping[str, type]) -> str:
    """The text of `hitl-clic --help`."""
    lines = [f"  {name:<12}{_summary(command)}" for name, command in commands.items()]
    return "\n".join(
        [
            "usage: hitl-clic COMMAND [options]",
            "",
            "Teach a simulated robot live: correct it while it moves, and it learns.",
            "",
            *lines,
            "",
            "start with:",
            "  hitl-clic demo                                    watch a scripted teacher",
            "  hitl-clic teach --task push_t --device keyboard   teach it yourself",
            "",
            "hitl-clic COMMAND --help shows the everyday options, --help-all shows every option.",
            "",
        ]
    )


@dataclass(frozen=True)
class Page:
    """The help of one command.

    Attributes:
        program: how it is called. command: its class. fields: its flags and arguments.
        positional: the field without a flag; empty: none. everything: whether `--help-all` is asked for.
        unset: shown as the default of a setting that has no value yet; empty: the field's own default.
        unshown: dotted names that are left out. about: sentences that replace those of the fields, by dotted name.
    """

    program: str
    command: type
    fields: Mapping[str, FieldInfo]
    positional: str
    everything: bool
    unset: str = ""
    unshown: Sequence[str] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    def text(self, values: Mapping[str, Any]) -> str:
        """The page; `values` are the settings that presets, files and flags give, shown as defaults."""
        every = leaves(of_method(self.fields, values))
        known = {name: field for name, field in every.items() if name not in self.unshown}
        argument = f" {self.positional.upper()}" if self.positional else ""
        lines = [f"usage: {self.program}{argument} [options]", _summary(self.command), ""]
        shown = 0
        for title, names in self._groups(known):
            lines += [title] if title else []
            for name in names:
                lines += self._entry(name, known[name], _at(values, name))
                shown += 1
            lines += [""] if self.everything else []
        if shown < len(known):
            lines += ["", f"{self.program} --help-all shows {len(known) - shown} more options."]
        return "\n".join(lines).rstrip() + "\n"

    def _groups(self, known: Mapping[str, FieldInfo]) -> Iterator[tuple[str, list[str]]]:
        """Titles and the names under them."""
        top = [name for name in known if "." not in name]
        if not self.everything:
            sessions = "config" in known  # a command that takes the settings of a session
            own = [name for name in top if self._is_own(name)]
            yield "", [*own, *(name for name in EVERYDAY if name in known and name not in own)] if sessions else top
            return
        yield "", top
        for table in dict.fromkeys(name.rpartition(".")[0] for name in known if "." in name):
            yield f"[{table}]", [name for name in known if name.rpartition(".")[0] == table]

    def _entry(self, name: str, field: FieldInfo, value: Any) -> list[str]:
        kind = kind_of(field)
        left = name.upper() if name == self.positional else f"{flag(name)} {_metavar(kind)}".rstrip()
        short = EVERYDAY.get(name, "") if not self.everything and not self._is_own(name) else ""
        about = self.about.get(name) or short or field.description or ""
        if value is None and not field.is_required():
            value = self.unset if self.unset and not self._is_own(name) and field.default is not None else field.default
        default = "(required)" if field.is_required() and value is None else f"(default: {_shown(value)})"
        bounds = f"[{limits(field)}]" if limits(field) and not short else ""
        right = textwrap.wrap(" ".join(part for part in (about, bounds, default) if part), WIDTH - COLUMN)
        if self.everything and name in PRESETS and not self._is_own(name):
            right += _explained(PRESETS[name])
        first = f"  {left}"
        if len(first) >= COLUMN:
            return [first, *(" " * COLUMN + line for line in right)]
        return [first.ljust(COLUMN) + right[0], *(" " * COLUMN + line for line in right[1:])]

    def _is_own(self, name: str) -> bool:
        """Whether the command itself has this field; all others are settings of a session."""
        return name in (fields_of(self.command) or {})


def _summary(command: type) -> str:
    return " ".join((command.__doc__ or "").split())


def _explained(kind: presets.Kind) -> Iterator[str]:
    """Lines with the name and the sentence of each preset."""
    for name in presets.names(kind):
        text = f"- {name}: {presets.sentence(kind, name)}".removesuffix(": ")
        yield from textwrap.wrap(text, WIDTH - COLUMN, subsequent_indent="  ")


def _at(values: Mapping[str, Any], name: str) -> Any:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, bool):
        return "on" if value else "off"
    text = " ".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)
    return text if text and value is not None else "none"


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        choices = "|".join(str(choice) for choice in get_args(kind))
        return choices if len(choices) <= 20 else "NAME"
    if get_origin(kind) in (tuple, list):
        return f"{_metavar(get_args(kind)[0])} ..."
    if get_origin(kind) is dict:
        return "NAME VALUE ..."
    return {bool: "", int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH"}.get(kind, "VALUE")
