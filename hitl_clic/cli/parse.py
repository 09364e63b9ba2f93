"""The command line: arguments in, one typed command out. Wiring and doing are `app.py`'s.

Runs on the main thread before anything else starts; opens no device, starts no process. The flags are made from the
settings themselves, so every setting has a flag with its sentence as help, and validation happens in one place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args, get_origin

import tyro
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from hitl_clic.clic.settings import InferenceSettings
from hitl_clic.control.overlap import OverlapName
from hitl_clic.link.address import require_safe
from hitl_clic.settings import Layers, SessionSettings, load
from hitl_clic.types.errors import SettingsError, allowed, among, describe, fields_of, limits, unknown, without_none

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class TeachCommand:
    """Teach a task live; the robot learns while it moves."""

    settings: SessionSettings


@dataclasses.dataclass(frozen=True)
class PracticeCommand:
    """Drive a task alone, without a robot that learns, to get to know the device; with score and time."""

    settings: SessionSettings


@dataclasses.dataclass(frozen=True)
class DemoCommand:
    """The main job in a few minutes: the session preset `demo`; takes every flag of teach."""

    settings: SessionSettings
    headless_given: bool
    """The command line decided about the window; else a window is opened if there is a display."""


@dataclasses.dataclass(frozen=True)
class LearnerCommand:
    """Run the learner alone; `teach --learner ADDRESS` uses it."""

    bind: str
    out: Path
    settings: SessionSettings
    child: bool


@dataclasses.dataclass(frozen=True)
class LearnCommand:
    """Learn again from recorded sessions: another method or other numbers, the same corrections."""

    sessions: tuple[Path, ...]
    updates: int
    episodes: int
    settings: SessionSettings


@dataclass(frozen=True)
class EvaluateCommand:
    """Run a taught policy alone on seeded episodes."""

    source: Path = Field(description="Session folder, or one checkpoint in it.")
    episodes: int = Field(default=20, ge=1, le=1_000_000, description="Episodes to run, count.")
    seed: int = Field(
        default=1_000_000, ge=0, le=2**31 - 1, description="Seed of the first episode; the next has the next."
    )
    json: bool = Field(default=False, description="One JSON object on stdout instead of a table.")
    overlap: OverlapName | None = Field(
        default=None,
        description="How the next chunk is planned while one runs (loop.overlap); by default as in the session.",
    )
    lead: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Steps ahead at which it is asked for (loop.plan_lead); by default as in the session.",
    )
    execute: int | None = Field(
        default=None, ge=1, le=512, description="Ta, steps of a chunk that are executed; by default as in the session."
    )
    inference: InferenceSettings = Field(
        default=InferenceSettings(),
        description="How a chunk is found (clic.inference); what is not given is as in the session.",
    )


@dataclass(frozen=True)
class ReplayCommand:
    """Show a recorded session again, or check that it re-simulates exactly."""

    session: Path = Field(description="Session folder.")
    verify: bool = Field(default=False, description="Re-simulate and compare every tick; names the first that differs.")
    headless: bool = Field(default=False, description="No window; figures in the terminal.")
    json: bool = Field(default=False, description="One JSON object on stdout instead of text.")


@dataclass(frozen=True)
class UncertaintyCommand:
    """Find in recorded sessions how much doubt should make the robot ask for help."""

    sessions: tuple[Path, ...]
    within: float
    alarms: float
    out: Path | None


@dataclass(frozen=True)
class _UncertaintyFlags:
    within: float = Field(
        default=1.0, gt=0, le=60, description="Seconds within which a correction was called for by a plan."
    )
    alarms: float = Field(default=0.1, gt=0, lt=1, description="Share of the robot's plans at which it should ask.")
    out: Path | None = Field(default=None, description="Picture to write; by default doubt.png in the first session.")


@dataclass(frozen=True)
class DevicesCommand:
    """List what is connected to teach with; or print a device's key map; or try a device out and fit its profile."""

    keys: str = Field(default="", description="Print the key map of this device instead: keyboard, mouse.")
    test: str = Field(
        default="",
        description="Try this device out instead: live values, rate, jitter, age, buttons; keys change "
        "curves and axis map meanwhile. Also oracle (on --task) and playback (of --recording).",
    )
    task: str = Field(default="", description="Axes and keys of this task; by default all, for the oracle push_t.")
    profile: str = Field(default="", description="Profile: a name in configs/devices or a path; the device's own.")
    config: Path | None = Field(
        default=None, description="TOML file with settings as for teach: of its window.keys the key map is printed."
    )
    recording: Path | None = Field(default=None, description="Session folder whose corrections are played back.")
    seconds: float = Field(
        default=0.0, ge=0, le=3600, description="Time of a test, seconds; 0: until Ctrl+C, with json or calibrate 3."
    )
    json: bool = Field(default=False, description="One JSON object on stdout at the end of a test, nothing live.")
    calibrate: bool = Field(
        default=False, description="Let go of the device: offsets and deadzones are set from how its axes rest."
    )
    deadzone: float | None = Field(
        default=None, ge=0, lt=1, description="The profile's deadzone; axes with their own keep it."
    )
    exponent: float | None = Field(
        default=None, ge=0.1, le=10, description="The profile's response curve; axes with their own keep it."
    )
    scale: float | None = Field(default=None, gt=0, le=1, description="The profile's speed, share of full.")
    invert: tuple[str, ...] = Field(default=(), description="Axes to turn round.")
    axis: tuple[str, ...] = Field(
        default=(),
        description="Changes to single axes, AXIS.FIELD=VALUE: source (the axis map), sign, scale, offset, deadzone, "
        'exponent; for example z.source="left y" rx.deadzone=0.2.',
    )
    save: str = Field(
        default="",
        description="Keep the changed profile under this name in configs/devices, or in this .toml file; --profile "
        "takes either.",
    )
    headless: bool = Field(default=False, description="No window; figures and keys in the terminal.")


@dataclass(frozen=True)
class LinkKeysCommand:
    """Make the key pairs of a learner and an actor, for a link between machines."""

    folder: Path = Field(description="Folder for the keys; it is made if need be, keys in it are never overwritten.")


@dataclass(frozen=True)
class BenchCommand:
    """Measure loop, plan, update, link and device; one JSON line each."""

    only: Literal["all", "loop", "plan", "update", "link", "device"] = Field(
        default="all", description="Which figure to measure."
    )
    seconds: float = Field(default=10.0, gt=0, le=3600, description="Time for each figure, seconds.")


Command = (
    TeachCommand
    | PracticeCommand
    | LearnCommand
    | EvaluateCommand
    | ReplayCommand
    | LearnerCommand
    | LinkKeysCommand
    | DevicesCommand
    | UncertaintyCommand
    | DemoCommand
    | BenchCommand
)

PRACTICE_FIELDS = (
    "task",
    "device",
    "profile",
    "episodes",
    "seed",
    "headless",
    "pace",
    "task_options",
    "loop",
    "gate",
    "correction",
    "oracle",
    "window",
)
"""The settings that mean something where nothing is learned."""
LEARNER_FIELDS = ("task", "method", "seed", "schedule", "horizon", "clic", "training", "link")
"""The settings that mean something to a learner by itself."""
LEARN_FIELDS = ("method", "execute", "seed", "out", "clic", "correction", "training")
"""The settings that may be others than those of the sessions learned from."""
KEPT_FIELDS = ("task", "task_options", "horizon", "execute", "seed", "loop", "correction")
"""What another method has in common with the sessions it learns from."""


def parse(argv: Sequence[str]) -> Command:
    """Read a command line (without the program's name).

    Raises:
        SystemExit: 0 after printing help; 2 after one line on stderr that names field, value and what is allowed.
    """
    arguments = list(argv)
    try:
        if not arguments:
            raise SettingsError(f"command is missing; {unknown('', _COMMANDS)}")
        name, rest = arguments[0], arguments[1:]
        if name in ("-h", "--help"):
            sys.stdout.write(_overview())
            raise SystemExit(0)
        if name not in _COMMANDS:
            raise SettingsError(f"command = {name} is not known; {unknown(name, _COMMANDS)}")
        return _COMMANDS[name][1](rest)
    except SettingsError as error:
        refuse(error)


def refuse(error: SettingsError) -> NoReturn:
    """End with status 2 after one line on stderr. Also for errors found after parsing."""
    sys.stderr.write(f"app.py: {error}\n")
    raise SystemExit(2)


def _teach(arguments: list[str]) -> TeachCommand:
    return TeachCommand(load(**_session(arguments, "teach", TeachCommand).layers))


def _practice(arguments: list[str]) -> PracticeCommand:
    return PracticeCommand(load(**_session(arguments, "practice", PracticeCommand, fields=PRACTICE_FIELDS).layers))


def _demo(arguments: list[str]) -> DemoCommand:
    read = _session(arguments, "demo", DemoCommand, preset="demo")
    flags = [argument.partition("=")[0] for argument in arguments]
    return DemoCommand(load(**read.layers), headless_given="--headless" in flags or "--no-headless" in flags)


def _learner(arguments: list[str]) -> LearnerCommand:
    read = _session(arguments, "learner", LearnerCommand, own=_LearnerFlags, fields=LEARNER_FIELDS)
    own = _checked(_LearnerFlags, read.extra)
    read.layers["overrides"]["out"] = own.out  # else a folder would be named that nothing writes
    settings = load(**read.layers)
    try:
        require_safe(own.bind, settings.link.keys is not None)
    except ValueError as error:
        raise SettingsError(f"bind = {own.bind} is not allowed; {error}") from None
    return LearnerCommand(own.bind, own.out, settings, own.child)


def _learn(arguments: list[str]) -> LearnCommand:
    sessions, rest = _leading(arguments)
    recorded = _recorded(sessions[0], _files_chosen(rest, None)["overrides"]) if sessions else {}
    read = _session(
        rest, "learn SESSION [SESSION ...]", LearnCommand, own=_LearnFlags, fields=LEARN_FIELDS, recorded=recorded
    )
    own = _checked(_LearnFlags, read.extra)
    settings = load(**read.layers)
    if "out" not in read.layers["overrides"]:
        settings = settings.model_copy(update={"out": Path(f"{settings.out}-learn")})
    return LearnCommand(sessions, own.updates, own.episodes, settings)


def _leading(arguments: list[str]) -> tuple[tuple[Path, ...], list[str]]:
    """The session folders before the first option, of which there must be one, and the rest."""
    count = next((i for i, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
    sessions = tuple(Path(argument) for argument in arguments[:count])
    for session in sessions:
        _must_exist("sessions", session, "session folders")
    if not sessions and not {"-h", "--help"} & set(arguments):
        raise SettingsError("sessions is missing; allowed: session folders, before any option")
    return sessions, arguments[count:]


def _recorded(session: Path, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a recording, as a layer: all, or with another method those that any method takes over."""
    path = session / "settings.toml"
    _must_exist("sessions", path, "session folders, with the settings.toml that teach writes")
    values = SessionSettings.from_toml(path).model_dump(mode="json", exclude_none=True)
    values.pop("out", None)
    if chosen.get("method", values["method"]) != values["method"]:
        values = {name: values[name] for name in KEPT_FIELDS}
    return values


def _evaluate(arguments: list[str]) -> EvaluateCommand:
    command = _simple(arguments, "evaluate", EvaluateCommand, positional="source")
    _must_exist("source", command.source, "a session folder or a checkpoint")
    return command


def _replay(arguments: list[str]) -> ReplayCommand:
    command = _simple(arguments, "replay", ReplayCommand, positional="session")
    _must_exist("session", command.session, "a session folder")
    return command


def _keys(arguments: list[str]) -> LinkKeysCommand:
    return _simple(arguments, "keys", LinkKeysCommand, positional="folder")


def _doubt(arguments: list[str]) -> UncertaintyCommand:
    sessions, rest = _leading(arguments)
    read = _read(rest, "doubt SESSION [SESSION ...]", UncertaintyCommand, fields_of(_UncertaintyFlags) or {}, {})
    own = _checked(_UncertaintyFlags, read)
    return UncertaintyCommand(sessions, own.within, own.alarms, own.out)


def _devices(arguments: list[str]) -> DevicesCommand:
    return _simple(arguments, "devices", DevicesCommand)


def _bench(arguments: list[str]) -> BenchCommand:
    return _simple(arguments, "bench", BenchCommand)


_COMMANDS: Mapping[str, tuple[type, Callable[[list[str]], Command]]] = {
    "teach": (TeachCommand, _teach),
    "practice": (PracticeCommand, _practice),
    "learn": (LearnCommand, _learn),
    "evaluate": (EvaluateCommand, _evaluate),
    "replay": (ReplayCommand, _replay),
    "learner": (LearnerCommand, _learner),
    "keys": (LinkKeysCommand, _keys),
    "uncertainty": (UncertaintyCommand, _doubt),
    "devices": (DevicesCommand, _devices),
    "demo": (DemoCommand, _demo),
    "bench": (BenchCommand, _bench),
}


def _overview() -> str:
    lines = [f"  {name:<10}{(kind.__doc__ or '').strip()}" for name, (kind, _) in _COMMANDS.items()]
    return "usage: app.py COMMAND [options]\n\n" + "\n".join(lines) + "\n\napp.py COMMAND --help says more.\n"


# ---- a session's settings from flags


@dataclass(frozen=True)
class _FileFlags:
    session: str | None = Field(default=None, description="Preset of a whole session: a name in configs/sessions.")
    config: Path | None = Field(default=None, description="TOML file with any of these settings, over the presets.")


@dataclass(frozen=True)
class _LearnerFlags:
    bind: str = Field(min_length=1, description="Address to listen on, tcp://host:port.")
    out: Path = Field(description="Folder for its checkpoints.")
    child: bool = Field(default=False, description="Started by teach: leave when that process is gone.")


@dataclass(frozen=True)
class _LearnFlags:
    updates: int = Field(default=2000, ge=1, le=100_000_000, description="Updates of the network, count.")
    episodes: int = Field(
        default=0, ge=0, le=1_000_000, description="Learn from the first so many episodes of each session; 0 is all."
    )


@dataclasses.dataclass(frozen=True)
class _Read:
    layers: dict[str, Any]
    """Arguments of `load`."""
    extra: dict[str, Any]
    """The command's flags that are not settings."""


def _session(
    arguments: list[str],
    name: str,
    command: type,
    preset: str | None = None,
    own: type | None = None,
    fields: Sequence[str] = tuple(SessionSettings.model_fields),
    recorded: Mapping[str, Any] | None = None,
) -> _Read:
    """Read the flags of a command that takes a session's settings (of these `fields`), and the command's `own` flags.

    The flags' layer must hold only what was typed, so every flag is unset by default and its help names the value
    that the layers below would give. Which files those are is itself said by flags: hence two readings.
    """
    base = {**_files_chosen(arguments, preset), "recorded": recorded}
    below = Layers.of(**base).values
    files = dict(fields_of(_FileFlags) or {})
    if preset is not None or recorded is not None:
        del files["session"]
    flags = {**(fields_of(own) or {}), **files}
    settings = {field: SessionSettings.model_fields[field] for field in fields}
    given = _read(arguments, name, command, {**flags, **settings}, below)
    extra = {flag: given.pop(flag) for flag in flags if flag in given}
    return _Read({**base, "overrides": given}, extra)


def _files_chosen(arguments: list[str], preset: str | None) -> dict[str, Any]:
    """What the flags say about files, as arguments of `load`; task and method are among the overrides."""
    names = ("session", "config", "task", "method")
    shape = dataclasses.make_dataclass("Files", [(name, str | None, None) for name in names])
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            chosen: Any
            chosen, _ = tyro.cli(shape, args=arguments, return_unknown_args=True, add_help=False)
        except SystemExit:  # the full reading says better what is wrong
            return {"session": preset}
    values = dataclasses.asdict(chosen)
    overrides = {name: values[name] for name in ("task", "method") if values[name] is not None}
    config = values["config"]
    return {
        "session": preset or values["session"],
        "config": None if config is None else Path(config),
        "overrides": overrides,
    }


# ---- a few plain flags


def _simple(arguments: list[str], name: str, command: type[T], positional: str = "") -> T:
    return _checked(command, _read(arguments, name, command, fields_of(command) or {}, {}, positional))


def _checked(kind: type[T], values: Mapping[str, Any]) -> T:
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise SettingsError(describe(error, kind)) from None


def _must_exist(name: str, path: Path, what: str) -> None:
    if not path.exists():
        raise SettingsError(f"{name} = {path} does not exist; allowed: {what}")


# ---- tyro: from fields to flags and back


def _shape(name: str, fields: Mapping[str, FieldInfo], defaults: Mapping[str, Any], positional: str = "") -> type:
    """A dataclass for tyro with one unset text for each field (a flag for a bool), nested as the settings are."""
    parts: list[tuple[str, Any, Any]] = []
    for field_name, field in fields.items():
        kind, _ = without_none(field.annotation)
        below = defaults.get(field_name, None if field.is_required() else field.default)
        inner = fields_of(kind)
        if inner is not None:
            # A file may hold nonsense here; that is refused with all else when the settings are validated.
            known = below if isinstance(below, Mapping) else {key: getattr(below, key, None) for key in inner}
            table = _shape(field_name, inner, known)
            note = tyro.conf.arg(help=field.description or "")
            parts.append((field_name, Annotated[table, note], dataclasses.field(default_factory=table)))
        elif kind is bool:
            parts.append((field_name, Annotated[bool, tyro.conf.arg(help=field.description)], bool(below)))
        else:
            required = field.is_required() and below is None
            note = tyro.conf.arg(
                help=" ".join(part for part in (field.description, _range_note(field)) if part),
                metavar=field_name.upper() if field_name == positional else _metavar(kind),
                help_behavior_hint="(required)" if required else f"(default: {_default_note(below)})",
            )
            text: Any = tuple[str, ...] | None if get_origin(kind) in (tuple, list, dict) else str | None
            if field_name == positional:
                text = Annotated[text, tyro.conf.Positional]
            parts.append((field_name, Annotated[text, note], None))
    return dataclasses.make_dataclass(name, parts)


def _range_note(field: FieldInfo) -> str:
    words = limits(field)
    return f"[{words}]" if words else ""


def _default_note(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, Mapping):
        value = [part for pair in value.items() for part in pair]
    return " ".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)


def _metavar(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "{" + ",".join(str(choice) for choice in get_args(kind)) + "}"
    if get_origin(kind) in (tuple, list):
        return f"[{_metavar(get_args(kind)[0])} ...]"
    if get_origin(kind) is dict:
        return "NAME VALUE"
    return {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH"}.get(kind, "VALUE")


def _given(parsed: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, nested: everything that is set, without the flags left as the layers below have them."""
    given: dict[str, Any] = {}
    for part in dataclasses.fields(parsed):
        value = getattr(parsed, part.name)
        if dataclasses.is_dataclass(value):
            below = defaults.get(part.name)
            inner = _given(value, below if isinstance(below, Mapping) else {})
            if inner:
                given[part.name] = inner
        elif isinstance(value, bool):
            if value != part.default:
                given[part.name] = value
        elif value is not None:
            given[part.name] = value
    return given


def _read(
    arguments: list[str],
    name: str,
    command: type,
    fields: Mapping[str, FieldInfo],
    defaults: Mapping[str, Any],
    positional: str = "",
) -> dict[str, Any]:
    """Let tyro read a command's arguments: what was typed, nested as the fields are; what it refuses is one line."""
    shape = _shape(name, fields, defaults, positional)
    flags = _flags({field: about for field, about in fields.items() if field != positional})
    program, description = f"app.py {name}", (command.__doc__ or "").strip()
    said = io.StringIO()
    parsed: Any
    try:
        with contextlib.redirect_stderr(said):
            parsed, strange = tyro.cli(
                shape, prog=program, description=description, args=arguments, return_unknown_args=True
            )
    except SystemExit as ending:
        if ending.code in (0, None):  # help
            raise
        raise SettingsError(_one_line(said.getvalue(), flags)) from None
    if strange:
        raise SettingsError(f"{strange[0]} is not an option of {program}; {_flags_like(strange[0], list(flags))}")
    return _given(parsed, defaults)


def _flags_like(strange: str, flags: list[str]) -> str:
    """The flag that was likely meant, whatever its group, and the flags of the group that was named."""
    name = strange.partition("=")[0].replace("_", "-")
    group, _, last = name.removeprefix("--").rpartition(".")
    same_end = get_close_matches(last, [flag.removeprefix("--").rpartition(".")[2] for flag in flags], n=1)
    meant = [flag for flag in flags if flag.removeprefix("--").rpartition(".")[2] in same_end]
    groups = {flag.removeprefix("--").rpartition(".")[0] for flag in flags}
    shown = [flag for flag in flags if flag.removeprefix("--").rpartition(".")[0] == (group if group in groups else "")]
    question = f"did you mean {among(get_close_matches(name, meant, n=1, cutoff=0))}? " if meant else ""
    return f"{question}allowed: {', '.join(shown) or 'none'}"


def _flags(fields: Mapping[str, FieldInfo], prefix: str = "--") -> dict[str, FieldInfo]:
    """Every flag and the field it sets."""
    flags: dict[str, FieldInfo] = {}
    for name, field in fields.items():
        inner = fields_of(without_none(field.annotation)[0])
        if inner is None:
            flags[prefix + name.replace("_", "-")] = field
        else:
            flags |= _flags(inner, f"{prefix}{name}.")
    return flags


def _one_line(boxed: str, flags: Mapping[str, FieldInfo]) -> str:
    """What tyro says in its box, which may be drawn in Unicode or ASCII."""
    lines = [line.strip("│|╭╮╰╯─-+ ") for line in boxed.splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith("For full helptext"))
    missing = re.search(r"Missing value for argument '([^']*)'", text)
    if missing and missing[1] in flags:
        return f"{missing[1]} has no value; allowed: {allowed(flags[missing[1]])}"
    return text or "the arguments could not be read; --help lists what is allowed"
