"""All settings of a session: typed, refused by name when wrong. `hitl_clic.settings_layers` reads them.

Read once at the start of a process, on its main thread. Imports only settings modules: never torch, pygame or pymunk,
so that a wrong flag is answered at once and the learner does not load a simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
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
from hitl_clic.aliases import current_settings, without_removed
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
from hitl_clic.types.errors import SettingsError, among, describe, members, pairs

__all__ = ["SessionSettings", "SettingsError"]


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
        return cls._checked(table_of_file(path), {"": str(path)})

    @classmethod
    def _checked(cls, values: Mapping[str, Any], origins: Mapping[str, str]) -> Self:
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise SettingsError(describe(error, cls, origins)) from None


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


def table_of_file(path: Path) -> dict[str, Any]:
    if not path.exists():  # by name, as a preset
        named = (folder / sub / f"{path.name}.toml" for folder in presets.folders()[:2] for sub in ("", "tasks"))
        path = next((file for file in named if path.parent == Path() and file.is_file()), path)
    try:
        return presets.read_toml(path)
    except presets.PresetError as error:
        raise SettingsError(f"config = {error}") from None


def _plain(value: Any) -> Any:
    """The same value in the types TOML has."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _number(text: Any) -> Any:
    """The number a text says, or the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text
