"""All settings of a session: typed, in layers of TOML files, refused by name when wrong.

Layers, later ones win: built-in defaults, `configs/tasks/<task>.toml`, `configs/methods/<method>.toml`,
`configs/sessions/<name>.toml` and a file of one's own, the command line.

Read once at the start of a process, on its main thread. Imports only settings modules: never torch, pygame or pymunk,
so that a wrong flag is answered at once and the learner does not load a simulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Union

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hitl_clic import method_plugins, plugins, presets
from hitl_clic.aliases import current_name, current_settings, without_removed
from hitl_clic.baselines.settings import BcSettings, FlowSettings, IbcSettings
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.control.gate import GateSettings
from hitl_clic.control.help_request import HelpSettings
from hitl_clic.control.overlap import check_room
from hitl_clic.control.settings import LoopSettings
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.selection import JOINT
from hitl_clic.devices.hardware.terminal import TerminalSettings
from hitl_clic.devices.registry import DEVICES, chosen_devices
from hitl_clic.devices.teacher.oracle import OracleSettings
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.link.address import parse as parse_address
from hitl_clic.link.address import require_safe
from hitl_clic.link.settings import LinkSettings
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.errors import SettingsError, among, describe, has_field, members, pairs

__all__ = ["Layers", "SessionSettings", "SettingsError", "load"]


if TYPE_CHECKING:
    PolicySettings = ClicSettings | IbcSettings | BcSettings | FlowSettings
else:  # with those of the methods that other packages offer
    PolicySettings = Union[
        (ClicSettings, IbcSettings, BcSettings, FlowSettings, *method_plugins.settings_classes().values())
    ]
"""A method's own settings; `hitl_clic.methods` has the code for each `kind`."""


DEFAULTS_OF_TASK = "the defaults of the environment"
"""Origin of settings that suit a foreign environment."""


def is_object_name(name: object) -> bool:
    """Whether a task or device has no preset: "module:Class", or SOURCE:NAME as gymnasium:Reacher-v5."""
    return isinstance(name, str) and ":" in name


def is_device_object(name: str) -> bool:
    """Whether a device is none of the package's: "module:Class", or the name of one that another package offers.

    A choice of the package's also has ":", as "gamepad:1", but begins with a known kind.
    """
    if name in plugins.plugins("devices") and name not in DEVICES:
        return True
    return is_object_name(name) and JOINT not in name and name.partition(":")[0] not in DEVICES


class SessionSettings(BaseModel):
    """Everything that decides how a session runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field("push_t", description="Task to teach: a name in configs/tasks.")
    method: str = Field("clic", description="How corrections are learnt: a name in configs/methods.")
    device: str = Field(
        "auto",
        description=f"Input device: {', '.join(DEVICES)} or auto. oracle: the scripted teacher. "
        "auto: the keyboard where there is a window, else the oracle. Of several gamepads one is chosen by name or "
        "number, as gamepad:1; devices are joined with +, as gamepad+keyboard.",
    )
    profile: str = Field(
        "",
        description="Bindings and response of the device: a name in configs/devices or a path to a TOML file; empty: "
        "the device's own. For several devices one each in their order, joined with +.",
    )
    episodes: int = Field(20, ge=1, le=1_000_000, description="Number of episodes.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of start states, network, samples and oracle.")
    out: Path | None = Field(
        None, description="Session folder to write; by default runs/NAME-DATE-TIME, named like the preset or the task."
    )
    headless: bool = Field(False, description="No window; a dashboard in the terminal instead.")
    pace: Literal["realtime", "max"] = Field(
        "realtime", description="realtime: ticks at loop.rate_hz. max: the same loop as fast as the machine allows."
    )
    schedule: Literal["async", "lockstep"] = Field(
        "async",
        description="When the learner updates. async: all the time, at its own rate. lockstep: in step with the loop, "
        "as Algorithm 1 of CLIC-Chunks; a run can be repeated exactly.",
    )
    horizon: int = Field(4, ge=1, le=64, description="H, length of a planned chunk, ticks.")
    policy: PolicySettings = Field(
        ClicSettings(), discriminator="kind", description="The method's own settings; policy.kind says which method's."
    )
    execute: int = Field(
        0,
        ge=0,
        le=64,
        validate_default=True,
        description="Ta, ticks of a chunk that are executed before the next plan; at most H. 0 is half of H, and "
        "2 at least, where the method keeps to its running plan (policy.inference.plan_switch_margin above 0), else H.",
    )
    task_options: dict[str, str | int | float] = Field(
        {}, description="The task's own options, NAME VALUE pairs: for line_following, line random or fixed."
    )
    device_options: dict[str, str | int | float] = Field(
        {}, description="Arguments of a device that is none of the package's, NAME VALUE pairs, as port 5005."
    )
    learner: str = Field(
        "",
        description="Address of a running learner (tcp://HOST:PORT, IPv6 as tcp://[::1]:PORT, or ipc://PATH); "
        "empty: start one here.",
    )

    environment: EnvironmentSettings = Field(
        EnvironmentSettings(), description="An environment that is none of the package's tasks; see extending.md."
    )
    loop: LoopSettings = Field(LoopSettings(), description="The real-time loop.")
    gate: GateSettings = Field(GateSettings(), description="Who drives, and when.")
    correction: CorrectionSettings = Field(CorrectionSettings(), description="How corrections are read and learnt.")
    help_request: HelpSettings = Field(HelpSettings(), description="When the robot asks for help.")
    oracle: OracleSettings = Field(OracleSettings(), description="The scripted teacher as a device.")
    terminal: TerminalSettings = Field(TerminalSettings(), description="The keyboard of a terminal as a device.")
    training: TrainingSettings = Field(TrainingSettings(), description="The learner process.")
    link: LinkSettings = Field(LinkSettings(), description="Between actor and learner.")
    recording: RecordingSettings = Field(RecordingSettings(), description="The session's file.")
    window: WindowSettings = Field(WindowSettings(), description="What the teacher sees.")

    @model_validator(mode="before")
    @classmethod
    def _under_current_names(cls, given: Any) -> Any:
        """Settings written before may use old names, or name options that were removed."""
        return without_removed(current_settings(given)) if isinstance(given, Mapping) else given

    @field_validator("policy", mode="before")
    @classmethod
    def _of_a_known_method(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        kind = given.get("kind", "clic")
        if kind not in (kinds := members(PolicySettings)):
            raise ValueError(f"kind = {kind} is not allowed; allowed: {among(kinds)}")
        return {**given, "kind": kind}

    @field_validator("device")
    @classmethod
    def _is_registered(cls, name: str) -> str:
        if name == "auto" or is_device_object(name):
            return name
        if name.isidentifier() and name not in DEVICES:
            raise ValueError(f"allowed: {among((*DEVICES, *plugins.plugins('devices'), 'module:Class', 'auto'))}")
        return JOINT.join(map(str, chosen_devices(name)))

    @field_validator("execute")
    @classmethod
    def _within_horizon(cls, execute: int, info: ValidationInfo) -> int:
        horizon = info.data.get("horizon")
        method = info.data.get("policy")
        if horizon is None or method is None:  # refused themselves; that error is enough
            return execute
        if execute > horizon:
            raise ValueError(f"allowed: a whole number from 1 to horizon = {horizon}, or 0 to let the method say")
        if execute or method.plan_switch_margin == 0:
            return execute or horizon
        return min(horizon, max(2, -(-horizon // 2)))  # one step that is left is no plan to keep to

    @field_validator("loop")
    @classmethod
    def _chunks_are_long_enough(cls, loop: LoopSettings, info: ValidationInfo) -> LoopSettings:
        if "horizon" in info.data and "execute" in info.data:
            check_room(info.data["horizon"], info.data["execute"], loop.plan_lead)
        return loop

    @field_validator("task_options", "device_options", mode="before")
    @classmethod
    def _from_pairs(cls, given: Any) -> Any:
        """A command line's are all text."""
        read = pairs(given, "line fixed")
        if "render_mode" in read:
            raise ValueError("render_mode is for gymnasium.make: a session shows its task in its own window")
        return read if read is given else {name: _number(value) for name, value in read.items()}

    @field_validator("learner")
    @classmethod
    def _is_address(cls, address: str) -> str:
        if address:
            parse_address(address)
        return address

    @model_validator(mode="after")
    def _corrections_can_be_read(self) -> Self:
        self.correction.check(self.loop.rate_hz, self.gate.mode, self.loop.exploration.episodes)
        return self

    @model_validator(mode="after")
    def _learner_is_safe(self) -> Self:
        if self.learner:
            require_safe(self.learner, self.link.keys is not None)
        return self

    def to_toml(self) -> str:
        """The fully resolved settings as TOML text, which `from_toml` turns back into an identical object."""
        return tomli_w.dumps(_plain(self.model_dump(exclude_none=True)))

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a session's own `settings.toml` back, without any preset.

        Raises:
            SettingsError: no such file, not TOML, or a field that is unknown or out of range.
        """
        return cls._checked(_of_file(path), {"": str(path)})

    @classmethod
    def _checked(cls, values: Mapping[str, Any], origins: Mapping[str, str]) -> Self:
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError(describe(error, cls, origins)) from None


@dataclass(slots=True)
class Layers:
    """Values of the layers merged so far, and where each came from."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Dotted field name -> the file that set it last; empty for the command line."""

    @classmethod
    def of(
        cls,
        *,
        session: str | None = None,
        config: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        recorded: Mapping[str, Any] | None = None,
    ) -> Layers:
        """Merge the layers under the overrides' choice of task and method.

        Args:
            session: a name in configs/sessions.
            config: a TOML file with any of the fields.
            overrides: what the command line gave, nested as the settings are.
            recorded: settings of a recording, which the others lie over.

        Raises:
            SettingsError: a preset or file that does not exist or is not TOML.
        """
        chosen = Layers()
        chosen.add(recorded or {}, "the recording")
        if session is not None:
            chosen._add_preset("sessions", "session", current_name("sessions", session))
        if config is not None:
            chosen.add(_of_file(config), str(config))
        chosen.add(overrides or {}, "")

        merged = Layers()
        kinds: tuple[tuple[presets.Kind, str], ...] = (("tasks", "task"), ("methods", "method"))
        for kind, name in kinds:
            preset = chosen.values.get(name, SessionSettings.model_fields[name].default)
            if name == "method" and preset in plugins.plugins("methods") and preset not in presets.names("methods"):
                merged.add({"policy": {"kind": preset}}, f"the method {preset}")
            elif name == "method" or not _needs_no_preset(preset):
                merged._add_preset(kind, name, preset, chosen.origins.get(name))
        merged.add(chosen.values, "")
        merged.origins.update(chosen.origins)
        merged._leave_out_other_methods()
        return merged

    def add(self, values: Mapping[str, Any], origin: str) -> None:
        """Lay `values` over what is there; tables merge, everything else is replaced."""
        values = current_settings(values)
        presets.lay_over(self.values, values)
        self.origins.update((name, origin) for name in _names(values))

    def with_environment(self) -> Layers:
        """The layers over the defaults of a foreign environment, which is made and tried if that is needed.

        Raises:
            UserError: there is no such environment, or it cannot be taught.
        """
        given, task = self.values.get("environment") or {}, self.values.get("task")
        if not isinstance(task, str) or not (given or _needs_no_preset(task)):
            return self
        try:
            environment = EnvironmentSettings.model_validate(given)
        except ValidationError:
            return self  # `settings` says what is wrong
        if environment.make is None and not _needs_no_preset(task):
            return self  # one of the package's tasks, with a teacher of one's own
        if not environment.complete:
            from hitl_clic.tasks.foreign.guess import complete  # imports the simulator

            environment = complete(task, environment, self.values.get("task_options") or {})
        merged = Layers()
        merged.add(environment.session, DEFAULTS_OF_TASK)
        merged.add({"environment": environment.given}, DEFAULTS_OF_TASK)
        merged.add(self.values, "")
        merged.origins.update(self.origins)
        merged._leave_out_other_methods()
        return merged

    def settings(self) -> SessionSettings:
        """The validated settings. Raises SettingsError."""
        return SessionSettings._checked(self.values, self.origins)

    def _leave_out_other_methods(self) -> None:
        """A task or session preset may set what only some methods have: for another method it is left out."""
        policy = self.values.get("policy")
        kinds = members(PolicySettings)
        if not isinstance(policy, Mapping) or (kind := policy.get("kind", "clic")) not in kinds:
            return
        for name in list(_names(policy)):
            known = [has_field(method, name) for method in kinds.values()]
            of_preset = self.origins.get(f"policy.{name}", "").startswith(
                ("configs/tasks/", "configs/sessions/", "configs/methods/", DEFAULTS_OF_TASK)
            )
            if of_preset and any(known) and not has_field(kinds[kind], name):
                _remove(self.values["policy"], name)

    def _add_preset(self, kind: presets.Kind, name: str, preset: Any, origin: str | None = None) -> None:
        names = presets.names(kind)
        if preset not in names:
            where = f" (from {origin})" if origin else ""
            if kind in ("tasks", "methods"):
                names = (*names, *plugins.plugins(kind))
            if kind == "tasks":
                names = (*names, "gymnasium:ID", "robosuite:NAME", "metaworld:NAME-v3", "module:Class")
            raise SettingsError(f"{name} = {preset} is not allowed; allowed: {among(names)}{where}")
        try:
            self.add(presets.read(kind, preset), f"configs/{kind}/{preset}.toml")
        except presets.PresetError as error:
            raise SettingsError(str(error)) from None


def load(
    *,
    session: str | None = None,
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
    look: bool = True,
) -> SessionSettings:
    """The settings of a session from all layers; see `Layers.of` for the other arguments.

    `out` is filled in when no layer gives it, so the result says everything.

    Args:
        look: make and try a foreign environment, to find out what is not given.

    Raises:
        SettingsError: one line naming the field, the value given and what is allowed.
        UserError: there is no such environment, or it cannot be taught.
    """
    layers = Layers.of(session=session, config=config, overrides=overrides, recorded=recorded)
    settings = (layers.with_environment() if look else layers).settings()
    if settings.out is None:
        # A name for a person, not a time to compute with: the wall clock is right here.
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        out = free_folder(Path("runs") / f"{session or settings.task}-{stamp}")
        settings = settings.model_copy(update={"out": out})
    return settings


def free_folder(proposed: Path) -> Path:
    """A folder that does not exist yet: the proposed one without ":", or the same with a number.

    Two sessions may begin in one second, and a wall clock that is set back gives a name twice.
    """
    first = proposed.with_name(proposed.name.replace(":", "."))
    folder, number = first, 1
    while folder.exists():
        number += 1
        folder = first.with_name(f"{first.name}-{number}")
    return folder


def _needs_no_preset(task: object) -> bool:
    """Whether a task is foreign: SOURCE:NAME, module:Class, or one that another package offers."""
    return is_object_name(task) or (task in plugins.plugins("tasks") and task not in presets.names("tasks"))


def _of_file(path: Path) -> dict[str, Any]:
    if not path.exists():  # by name, as a preset
        named = (folder / sub / f"{path.name}.toml" for folder in presets.folders()[:2] for sub in ("", "tasks"))
        path = next((file for file in named if path.parent == Path() and file.is_file()), path)
    try:
        return presets.read_toml(path)
    except presets.PresetError as error:
        raise SettingsError(f"config = {error}") from None


def _names(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _remove(values: dict[str, Any], name: str) -> None:
    """Take out a dotted name, and the tables that held nothing else."""
    first, _, rest = name.partition(".")
    if rest:
        _remove(values[first], rest)
    if not rest or not values[first]:
        del values[first]


def _number(text: Any) -> Any:
    """The number a text says, or the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _plain(value: Any) -> Any:
    """The same value in the types TOML has."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
