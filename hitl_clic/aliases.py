"""Old names, so that recordings, settings and checkpoints made before still open. Pure data and lookups; any thread.

This is the only place that knows old names. Each reader passes what it read through one of these functions once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SETTINGS: Mapping[str, str] = {
    "asking": "help_request",
    "clic.attraction": "clic.mode_loss",
    "clic.consent": "correction.implicit_approval",
    "clic.energy.waves": "clic.energy.fourier_frequencies",
    "clic.energy.wells": "clic.energy.modes",
    "clic.implicit_approval": "correction.implicit_approval",
    "clic.inference.commitment": "clic.inference.plan_switch_margin",
    "clic.intent_s": "correction.label_average_s",
    "clic.label_average_s": "correction.label_average_s",
    "clic.padding": "correction.padding",
    "clic.renewal": "clic.network_reset_every",
    "gate.about": "correction.axes",
    "gate.absolute_axes": "correction.absolute_axes",
    "gate.frame": "correction.command_frame",
    "gate.kind": "correction.mode",
    "gate.max_step": "correction.max_step",
    "gate.policy_filter_s": "correction.policy_filter_s",
    "gate.reaction_s": "correction.reaction_time_s",
    "gate.reaction_time_s": "correction.reaction_time_s",
    "gate.relative_step": "correction.relative_step",
    "gate.steady_s": "correction.policy_filter_s",
    "loop.pair_stride": "correction.pair_stride",
    "loop.undo_s": "correction.undo_s",
    "window.keys.next_axes": "window.keys.next_correction_axes",
    "window.keys.next_frame": "window.keys.next_command_frame",
    "window.keys.toggle_kind": "window.keys.toggle_correction_mode",
}
"""Old dotted name of a setting or table -> its name now."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "loop.overlap": {"clamp": "prefix_conditioned", "future": "future_state"},
    "method": {"fast": "clic", "paper": "clic_paper", "wary": "clic_robust"},
    "schedule": {"paper": "lockstep"},
}
"""Setting, by its name now -> its old values and what they are called now."""

_CORRECTION_FIELDS = {"about": "correction_axes", "frame": "command_frame", "kind": "correction_mode"}

RECORD_FIELDS: Mapping[str, Mapping[str, str]] = {
    "event.detail": _CORRECTION_FIELDS,  # of the event "switched"
    "pair": {"kind": "correction_mode"},
    "plan": {"doubt": "uncertainty"},
    "tick": {"seen": "stimulus_tick", **_CORRECTION_FIELDS},
}
"""Topic of a recording, or the name of an object inside one -> old names of its fields and their names now."""

EVENTS: Mapping[str, str] = {
    "next_axes": "next_correction_axes",
    "next_frame": "next_command_frame",
    "toggle_kind": "toggle_correction_mode",
}
"""Old name of a recorded event -> its name now."""

REMOVED: Mapping[str, Any] = {
    "clic.energy.block": 2,
    "clic.negatives.kept": 4096,
    "clic.inference.temperature": 0.0,
    "oracle.kind": "absolute",
    "oracle.bank": False,
    "oracle.start_episode": 0,
    "oracle.direction_bias_deg": 0.0,
    "training.max_updates_per_pair": 0.0,
}
"""Dotted name -> the value with which the option was off; `...` where it had no effect of its own."""
PRESETS: Mapping[str, Mapping[str, str]] = {
    "methods": VALUES["method"],
    "sessions": {
        "keys": "keyboard_relative",
        "patient": "oracle_human_timing",
        "person": "simulated_keyboard_user",
        "person_arm": "simulated_6dof_user",
        "published": "published_arm_speed",
    },
}
"""Kind of preset -> old names and their names now."""

COMMANDS: Mapping[str, str] = {"doubt": "uncertainty", "keys": "link-keys"}
"""Old name of a command -> its name now."""


BENCHMARK_ROWS: Mapping[str, Mapping[str, str]] = {
    "asks": {"in doubt": "when uncertain"},
    "figure": {"asking": "help_request"},
    "method": VALUES["method"],
    "session": {"patient": "oracle_human_timing", "person": "simulated_keyboard_user"},
    "variant": {
        "attraction": "mode_loss",
        "attraction_0.1": "mode_loss_0.1",
        "no_attraction": "no_mode_loss",
        "no_commitment": "no_plan_switch_margin",
        "no_wells": "no_modes",
    },
}
"""Column of a kept benchmark row -> old values and what they are called now."""

WEIGHTS: Mapping[str, str] = {
    "bank": "human_chunks",
    "renewal": "network_reset_every",
    "successor": "background",
    "wells": "modes",
}
"""Old part of the dotted name of a weight or of a trainer's state -> that part now."""


def current_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """A nested table of settings under today's names and values; today's own table comes back equal."""
    renamed: dict[str, Any] = {}
    for name, value in _leaves(values, ""):
        _put(renamed, current_setting(name), value)
    for name, values_now in VALUES.items():
        value = _get(renamed, name)
        if isinstance(value, str) and value in values_now:
            _put(renamed, name, values_now[value])
    return renamed


def current_setting(name: str) -> str:
    """Today's dotted name of a setting, given an old or a present one."""
    for old, new in SETTINGS.items():
        if name == old or name.startswith(f"{old}."):
            return new + name.removeprefix(old)
    return name


def current_name(kind: str, name: str) -> str:
    """Today's name of a preset of this kind ("methods", "sessions"), given an old or a present one."""
    return PRESETS.get(kind, {}).get(name, name)


def current_flat_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `current_settings`, for a mapping from dotted names to values."""
    return {
        (now := current_setting(name)): VALUES.get(now, {}).get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def current_record(topic: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a recorded JSON object under today's names."""
    names = RECORD_FIELDS.get(topic, {})
    current = {names.get(name, name): value for name, value in written.items()}
    if topic == "event":
        if isinstance(current.get("name"), str):
            current["name"] = EVENTS.get(current["name"], current["name"])
        if current.get("name") == "switched" and isinstance(current.get("detail"), Mapping):
            current["detail"] = current_record("event.detail", current["detail"])
    return current


def current_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A kept benchmark row under today's names of methods, presets and variants."""
    return {
        name: BENCHMARK_ROWS.get(name, {}).get(value, value) if isinstance(value, str) else value
        for name, value in row.items()
    }


def current_weight(name: str) -> str:
    """Today's name of a weight or of an array of a trainer's state, given an old or a present one."""
    return ".".join(WEIGHTS.get(part, part) for part in name.split("."))


def _leaves(values: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value and prefix + name != "task_options":
            found += _leaves(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *tables, last = name.split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[last] = value


def _get(values: Mapping[str, Any], name: str) -> Any:
    for part in name.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return None
        values = values[part]
    return values


def without_removed(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nested settings without the removed ones; a table that held nothing else goes too. The argument stays as it is.

    Raises:
        ValueError: a removed option is switched on.
    """
    for name, off in REMOVED.items():
        given = _without(given, name.split("."), name, off)
    return given


def _without(given: Mapping[str, Any], path: list[str], name: str, off: Any) -> Mapping[str, Any]:
    first, *rest = path
    if first not in given:
        return given
    if not rest:
        value = given[first]
        if off is not ... and value != off:
            raise ValueError(f"{name} = {value} is not allowed; this option was removed, only {off} is still read")
        return {key: kept for key, kept in given.items() if key != first}
    inner = given[first]
    if not isinstance(inner, Mapping):
        return given
    left = _without(inner, rest, name, off)
    if left is inner:
        return given
    if not left:
        return {key: kept for key, kept in given.items() if key != first}
    return {**given, first: left}
