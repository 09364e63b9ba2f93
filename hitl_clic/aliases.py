"""Old names in recordings, settings files, checkpoints and benchmark rows. Pure data and lookups; any thread.

No other module knows old names. Each reader passes its input through one of these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SETTINGS: Mapping[str, str] = {
    "asking": "help_request",
    "clic": "policy",
    "clic.attraction": "policy.mode_loss",
    "clic.consent": "correction.implicit_approval",
    "clic.energy": "policy.network",
    "clic.energy.waves": "policy.network.fourier_frequencies",
    "clic.energy.wells": "policy.network.modes",
    "clic.half_space.length": "policy.relative_length",
    "clic.implicit_approval": "correction.implicit_approval",
    "clic.inference.commitment": "policy.inference.plan_switch_margin",
    "clic.intent_s": "correction.label_average_s",
    "clic.label_average_s": "correction.label_average_s",
    "clic.padding": "correction.padding",
    "clic.renewal": "policy.network_reset_every",
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
"""Old dotted name of a setting or table -> present name; the longest old name that fits counts."""

METHOD_SETTINGS: Mapping[str, Mapping[str, str]] = {"flow": {"policy.negatives.samples": "policy.draws"}}
"""Method -> dotted names with another present name in this method -> that name."""

_NO_FLOW = ("policy.draws", "policy.inference.flow_steps")
_NO_SETS = tuple(
    f"policy.{name}" for name in ("boundary_power", "boundary_temperature", "half_space", "mode_loss", "radius_ratio")
)
_NO_ENERGY = tuple(
    f"policy.{name}"
    for name in (
        "inference.bank",
        "inference.candidates",
        "inference.chains",
        "inference.explore_steps",
        "inference.plan_switch_margin",
        "inference.refine_noise",
        "inference.refine_start",
        "inference.refine_steps",
        "inference.start",
        "inference.temperature",
        "negatives",
        "network.block",
        "network.kind",
        "network.modes",
        "penalty_margin",
        "penalty_samples",
        "penalty_weight",
        "prefix",
        "temperature",
    )
)
UNUSED: Mapping[str, tuple[str, ...]] = {
    "clic": _NO_FLOW,
    "ibc": _NO_FLOW + _NO_SETS,
    "bc": _NO_FLOW + _NO_SETS + _NO_ENERGY,
    "flow": _NO_SETS + _NO_ENERGY,
}
"""Method -> settings that it does not use. Old settings files hold them, because all methods shared one table."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "loop.overlap": {"clamp": "prefix_conditioned", "future": "future_state"},
    "method": {"fast": "clic", "paper": "clic_paper", "wary": "clic_robust"},
    "schedule": {"paper": "lockstep"},
}
"""Present name of a setting -> its old values and their present names."""

_CORRECTION_FIELDS = {"about": "correction_axes", "frame": "command_frame", "kind": "correction_mode"}

RECORD_FIELDS: Mapping[str, Mapping[str, str]] = {
    "event.detail": _CORRECTION_FIELDS,  # of the event "switched"
    "pair": {"kind": "correction_mode"},
    "plan": {"doubt": "uncertainty"},
    "tick": {"seen": "stimulus_tick", **_CORRECTION_FIELDS},
}
"""Topic of a recording, or name of an object in one -> old field names and their present names."""

EVENTS: Mapping[str, str] = {
    "next_axes": "next_correction_axes",
    "next_frame": "next_command_frame",
    "toggle_kind": "toggle_correction_mode",
}
"""Old name of a recorded event -> present name."""

REMOVED: Mapping[str, Any] = {
    "policy.network.block": 2,
    "policy.negatives.kept": 4096,
    "policy.inference.temperature": 0.0,
    "oracle.kind": "absolute",
    "oracle.bank": False,
    "oracle.start_episode": 0,
    "oracle.direction_bias_deg": 0.0,
    "training.max_updates_per_pair": 0.0,
}
"""Dotted name -> value that switched the option off; `...` if every value is ignored."""
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
"""Type of preset -> old names and present names."""

COMMANDS: Mapping[str, str] = {"doubt": "uncertainty", "keys": "link-keys"}
"""Old name of a command -> present name."""


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
"""Column of a benchmark row -> old values and present values."""

WEIGHTS: Mapping[str, str] = {
    "bank": "human_chunks",
    "renewal": "network_reset_every",
    "successor": "background",
    "wells": "modes",
}
"""Old part of the dotted name of a weight or of a trainer's state -> present part."""


def current_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """A nested table of settings under present names and values."""
    renamed: dict[str, Any] = {}
    for name, value in current_flat_settings(dict(_leaves(values, ""))).items():
        _put(renamed, name, value)
    return renamed


def current_setting(name: str) -> str:
    """The present dotted name of a setting."""
    old = max((old for old in SETTINGS if _is_in(name, old)), key=len, default="")
    return SETTINGS[old] + name.removeprefix(old) if old else name


def current_name(kind: str, name: str) -> str:
    """The present name of a preset of this type ("methods", "sessions")."""
    return PRESETS.get(kind, {}).get(name, name)


def current_flat_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `current_settings`, for a mapping from dotted names to values."""
    current = {
        (now := current_setting(name)): VALUES.get(now, {}).get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
    }
    method = current.get("policy.kind")
    if not isinstance(method, str):
        return current
    names = METHOD_SETTINGS.get(method, {})
    current = {names.get(name, name): value for name, value in current.items()}
    if "clic.kind" not in values:
        return current
    unused = UNUSED.get(method, ())
    return {name: value for name, value in current.items() if not any(_is_in(name, table) for table in unused)}


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
    """A benchmark row under present names."""
    return {
        name: BENCHMARK_ROWS.get(name, {}).get(value, value) if isinstance(value, str) else value
        for name, value in row.items()
    }


def current_weight(name: str) -> str:
    """The present name of a weight or of an array of a trainer's state."""
    return ".".join(WEIGHTS.get(part, part) for part in name.split("."))


def _is_in(name: str, table: str) -> bool:
    return name == table or name.startswith(f"{table}.")


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
