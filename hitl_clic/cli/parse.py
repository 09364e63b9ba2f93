"""The command line: arguments in, one typed command out.

Runs on the main thread before anything else starts; opens no device, starts no process. The flags are the fields of
the settings, so each setting has a flag, and the settings' own validation is the only one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hitl_clic import aliases
from hitl_clic.cli import commands, flags, help
from hitl_clic.cli.commands import Command, DemoCommand, LearnCommand, LearnerCommand
from hitl_clic.link.address import require_safe
from hitl_clic.runner.recorded_layer import earlier_settings, recorded_settings
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import Layers, load
from hitl_clic.types.errors import SettingsError, UserError, describe, fields_of, unknown

EVERY_FIELD = tuple(SessionSettings.model_fields)
PRACTICE_FIELDS = (
    "task",
    "device",
    "profile",
    "episodes",
    "seed",
    "headless",
    "pace",
    "task_options",
    "device_options",
    "environment",
    "loop",
    "gate",
    "correction",
    "oracle",
    "window",
)
"""The settings that have an effect without a learning robot."""
NOT_IN_PRACTICE = (
    "correction.pair_stride",
    "correction.padding",
    "correction.policy_filter_s",
    "correction.reaction_time_s",
    "correction.label_average_s",
    "correction.implicit_approval",
    "correction.undo_s",
    "loop.overlap",
    "loop.plan_lead",
    "loop.snapshot_every_s",
)
"""Settings of these tables without an effect there, see `practising.without_learning`. They are no flags of it."""
LEARNER_FIELDS = ("task", "method", "seed", "schedule", "horizon", "policy", "training", "link")
"""The settings that have an effect in the learner process."""
LEARN_FIELDS = ("method", "execute", "seed", "out", "policy", "correction", "training")
"""The settings that may differ from those of the recorded sessions."""

IMPORT_FIELDS = (
    "task",
    "method",
    "execute",
    "horizon",
    "seed",
    "out",
    "task_options",
    "policy",
    "correction",
    "training",
)
"""The settings that have an effect on an import."""


@dataclass(frozen=True)
class Spec:
    """How a command is read.

    Attributes:
        command: what it becomes. settings: names of the session settings that are flags of it.
        preset: session preset that it always starts from. positional: its field for words without a flag.
        without: dotted names in these settings that are no flags of it. hidden: flags that help does not show.
        about: help sentences that differ from those of the settings, by dotted name.
        unset: shown as the default of a setting that comes from a recording; empty: the field's own default.
    """

    command: type
    settings: tuple[str, ...] = ()
    preset: str = ""
    positional: str = ""
    without: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    unset: str = ""

    def own(self) -> dict[str, FieldInfo]:
        """The command's own flags and arguments."""
        return {name: field for name, field in (fields_of(self.command) or {}).items() if field.description}

    def fields(self) -> dict[str, FieldInfo]:
        """Every flag and argument."""
        files = dict(fields_of(flags.FileFlags) or {}) if self.settings else {}
        if self.preset or self.command is LearnCommand:
            del files["session"]
        return {**self.own(), **files, **{name: SessionSettings.model_fields[name] for name in self.settings}}


COMMANDS: Mapping[str, Spec] = {
    "demo": Spec(DemoCommand, EVERY_FIELD, preset="demo"),
    "teach": Spec(commands.TeachCommand, EVERY_FIELD),
    "practice": Spec(
        commands.PracticeCommand,
        PRACTICE_FIELDS,
        without=NOT_IN_PRACTICE,
        about={"seed": "Seed of the start states."},
    ),
    "evaluate": Spec(commands.EvaluateCommand, positional="source", unset="as in the session"),
    "replay": Spec(commands.ReplayCommand, positional="session"),
    "repair": Spec(commands.RepairCommand, positional="session"),
    "learn": Spec(LearnCommand, LEARN_FIELDS, positional="sessions"),
    "export": Spec(commands.ExportCommand, positional="sessions"),
    "import": Spec(commands.ImportCommand, IMPORT_FIELDS, positional="path"),
    "report": Spec(commands.ReportCommand, positional="sessions"),
    "sessions": Spec(commands.SessionsCommand, positional="folders"),
    "label": Spec(commands.LabelCommand, positional="session"),
    "learner": Spec(LearnerCommand, LEARNER_FIELDS, hidden=("child",)),
    "link-keys": Spec(commands.LinkKeysCommand, positional="folder"),
    "tasks": Spec(commands.TasksCommand, positional="name"),
    "devices": Spec(commands.DevicesCommand),
    "methods": Spec(commands.MethodsCommand),
    "new": Spec(commands.NewCommand, positional="words"),
    "uncertainty": Spec(commands.UncertaintyCommand, positional="sessions"),
    "bench": Spec(commands.BenchCommand),
}


def parse(argv: Sequence[str]) -> Command:
    """Read a command line, without the program's name.

    Raises:
        SystemExit: 0 after help; 2 after one line on stderr that names field, value and what is allowed.
    """
    try:
        if not argv:
            raise SettingsError(f"command is missing; {unknown('', COMMANDS)}")
        name = aliases.COMMANDS.get(argv[0], argv[0])
        if name in help.FLAGS:
            _end(help.overview({command: spec.command for command, spec in COMMANDS.items()}))
        if name not in COMMANDS:
            raise SettingsError(f"command = {name} is not known; {unknown(name, COMMANDS)}")
        return _read(name, COMMANDS[name], list(argv[1:]))
    except UserError as error:
        refuse(error)


def refuse(error: UserError) -> NoReturn:
    """End with status 2 after one line on stderr. Also for errors found after parsing."""
    sys.stderr.write(f"hitl-clic: {error}\n")
    raise SystemExit(2)


def _end(text: str) -> NoReturn:
    sys.stdout.write(text)
    raise SystemExit(0)


def _read(name: str, spec: Spec, arguments: list[str]) -> Command:
    asked = [word for word in arguments if word in help.FLAGS]
    rest = [word for word in arguments if word not in help.FLAGS]
    reader = flags.Reader(f"hitl-clic {name}", spec.fields(), spec.positional, spec.without)
    if asked:
        values = _values(spec, reader, rest)
        page = help.Page(
            f"hitl-clic {name}",
            spec.command,
            spec.fields(),
            spec.positional,
            everything="--help-all" in asked,
            unset="as recorded" if values is None else spec.unset,
            unshown=(*spec.without, *spec.hidden),
            about=spec.about,
        )
        _end(page.text(values or {}))
    return _command(spec, reader.read(rest))


def _command(spec: Spec, given: dict[str, Any]) -> Command:
    """Make the command; arguments that are not its own flags are settings."""
    own = {name: given.pop(name) for name in spec.own() if name in given}
    if spec.settings:
        if spec.command is DemoCommand:
            own["headless_given"] = "headless" in given
        layers = _layers(spec, own, given)
        settings = load(**layers, look=spec.command not in (LearnCommand, LearnerCommand))
        if spec.command is LearnCommand and "out" not in layers["overrides"]:
            settings = settings.model_copy(update={"out": Path(f"{settings.out}-learn")})
        own["settings"] = settings
    try:
        command: Command = TypeAdapter(spec.command).validate_python(own)
    except ValidationError as error:
        raise SettingsError(describe(error, spec.command)) from None
    if isinstance(command, LearnerCommand):
        try:
            require_safe(command.bind, command.settings.link.keys is not None, listening=True)
        except ValueError as error:
            raise SettingsError(f"bind = {command.bind} is not allowed; {error}") from None
        command = replace(command, settings=command.settings.model_copy(update={"out": command.out}))
    return command


def _layers(spec: Spec, own: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `load` for what was typed."""
    session, config = given.pop("session", None), given.pop("config", None)
    recorded = None
    if spec.command is LearnCommand:
        if not own.get("sessions"):
            raise SettingsError("sessions is missing; allowed: session folders")
        recorded = recorded_settings(Path(own["sessions"][0]), given)
    elif spec.command is commands.TeachCommand:
        recorded = earlier_settings(own.get("continue_"), own.get("from_"))
    return {
        "session": spec.preset or session,
        "config": None if config is None else Path(config),
        "overrides": given,
        "recorded": recorded,
    }


def _values(spec: Spec, reader: flags.Reader, arguments: list[str]) -> Mapping[str, Any] | None:
    """The values that presets, files and flags give, for help; without those that are wrong.

    None if a recording gives them and the arguments name none.
    """
    if not spec.settings:
        return {}
    try:
        given = reader.read(arguments)
        own = {name: given.pop(name) for name in spec.own() if name in given}
        return Layers.of(**_layers(spec, own, given)).values
    except UserError:
        return None if spec.command is LearnCommand else Layers.of(session=spec.preset or None).values
