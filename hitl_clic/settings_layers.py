"""The layers of a session's settings, and how they are read and merged.

Later layers win: built-in defaults, `configs/tasks/<task>.toml`, `configs/methods/<method>.toml`,
`configs/sessions/<name>.toml`, a file of one's own, the command line.

Read once at the start of a process, on its main thread. Never imports torch, pygame or pymunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hitl_clic import plugins, presets
from hitl_clic.aliases import current_name, current_settings
from hitl_clic.settings import (
    DEFAULTS_OF_TASK,
    PolicySettings,
    SessionSettings,
    free_folder,
    is_object_name,
    table_of_file,
)
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.errors import SettingsError, among, has_field, members


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
            chosen.add(table_of_file(config), str(config))
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


def _needs_no_preset(task: object) -> bool:
    """Whether a task is foreign: SOURCE:NAME, module:Class, or one that another package offers."""
    return is_object_name(task) or (task in plugins.plugins("tasks") and task not in presets.names("tasks"))


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
