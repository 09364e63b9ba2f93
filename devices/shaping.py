"""From raw readings to motion: deadzone, response curve, scale, axis map, and the profile files that set them.

Pure functions and frozen settings; called by reader threads. Never touches hardware; only `load_profile` reads a file.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PRESETS = Path(__file__).resolve().parent.parent / "configs" / "devices"
"""Folder of the profiles that come with the project."""

Motion = tuple[float, ...]


class AxisSetting(BaseModel):
    """Where one motion axis comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("", description="Raw axis of the device it is read from; empty means the one of the same name.")
    sign: Literal[1, -1] = Field(1, description="1, or -1 to turn the axis round.")
    scale: float = Field(1.0, gt=0, le=10, description="Motion at full deflection; above 1 it saturates earlier.")
    deadzone: float | None = Field(None, ge=0, lt=1, description="Deadzone of this axis; none is the profile's.")
    exponent: float | None = Field(None, ge=0.1, le=10, description="Curve of this axis; none is the profile's.")


class Profile(BaseModel):
    """How the readings of one device become motion on named axes. In 2-D scenes the y axis points down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name of the profile.")
    axes: dict[str, AxisSetting] = Field(min_length=1, description="Motion axes by name, in the order of the motion.")
    deadzone: float = Field(0.0, ge=0, lt=1, description="Deflection, as a share of full, below which nothing moves.")
    exponent: float = Field(1.0, ge=0.1, le=10, description="Response curve: motion = deflection ** exponent.")
    radial: bool = Field(
        False, description="Apply deadzone and curve to the length of the deflection, which keeps its direction."
    )
    keys: dict[str, str] = Field(
        default_factory=dict, description='Key name to signed raw axis, for example "left" to "-x".'
    )
    engage_keys: tuple[str, ...] = Field((), description="Keys that are the dead-man control.")
    stop_keys: tuple[str, ...] = Field((), description="Keys that are the emergency stop.")
    precise_keys: tuple[str, ...] = Field((), description="Keys that make motion small and precise while held.")
    precise_scale: float = Field(0.35, gt=0, le=1, description="Factor on the motion while a precise key is held.")
    engage_buttons: tuple[str, ...] = Field(
        (),
        description='Buttons that are the dead-man control; on a handheld device "deflection" is any motion of it.',
    )
    stop_buttons: tuple[str, ...] = Field(
        (), description='Buttons that are the emergency stop; on a handheld device "left+right" is both at once.'
    )
    precise_buttons: tuple[str, ...] = Field((), description="Buttons that make motion small while held (handheld).")
    shut_buttons: tuple[str, ...] = Field((), description="Buttons that shut the gripper (handheld).")
    open_buttons: tuple[str, ...] = Field((), description="Buttons that open the gripper (handheld).")
    reach: float = Field(
        0.15, gt=0, le=2, description="Drag that is full deflection, as a share of the scene's side (mouse)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        sources = {setting.source or name for name, setting in self.axes.items()}
        for key, target in self.keys.items():
            if target[:1] not in ("+", "-") or target[1:] not in sources:
                allowed = ", ".join(f"+{source}, -{source}" for source in sorted(sources))
                raise ValueError(f"keys: {key!r} is bound to {target!r}; allowed are {allowed}")
        roles = [*self.keys, *self.engage_keys, *self.stop_keys, *self.precise_keys]
        twice = sorted({key for key in roles if roles.count(key) > 1})
        if twice:
            raise ValueError(f"key {twice[0]!r} is bound twice; give each key one meaning")
        return self

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the motion axes, in the order of `shape`'s result."""
        return tuple(self.axes)


def curve(deflection: float, deadzone: float, exponent: float) -> float:
    """Response of one axis: odd, non-decreasing, zero up to the deadzone, continuous there, 1 at full deflection.

    Anything that is not a finite number is no deflection: a broken reading must not move a robot.
    """
    if not math.isfinite(deflection):
        return 0.0
    size = min(1.0, abs(deflection))
    if size <= deadzone:
        return 0.0
    return float(math.copysign(((size - deadzone) / (1.0 - deadzone)) ** exponent, deflection))


def shape(raw: Mapping[str, float], profile: Profile) -> Motion:
    """Motion in [-1, 1] for raw deflections by source name.

    Args:
        raw: deflection per raw axis, 1 at full; a missing axis is untouched, a non-finite one counts as zero.
        profile: how to shape it.

    Returns:
        one number in [-1, 1] per axis of the profile.
    """
    values = [raw.get(setting.source or name, 0.0) * setting.sign for name, setting in profile.axes.items()]
    if profile.radial:
        finite = [max(-1e6, min(1e6, value)) if math.isfinite(value) else 0.0 for value in values]
        length = math.hypot(*finite)
        size = curve(length, profile.deadzone, profile.exponent)
        shaped = [value / length * size if length > 0.0 else 0.0 for value in finite]
    else:
        shaped = [
            curve(
                value,
                profile.deadzone if setting.deadzone is None else setting.deadzone,
                profile.exponent if setting.exponent is None else setting.exponent,
            )
            for value, setting in zip(values, profile.axes.values(), strict=True)
        ]
    return tuple(
        max(-1.0, min(1.0, value * setting.scale)) for value, setting in zip(shaped, profile.axes.values(), strict=True)
    )


def broken(raw: Mapping[str, float]) -> int:
    """How many raw readings are not finite numbers; devices count them."""
    return sum(not math.isfinite(value) for value in raw.values())


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a profile: a preset by its name ("keyboard", "mouse"), or any TOML file by its path.

    Raises:
        ValueError: there is no such profile, or the file holds something a profile may not; names field and value.
    """
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text
    path = Path(text) if is_path else PRESETS / f"{text}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml"))) or "none found"
        raise ValueError(f"device profile {text!r} cannot be read ({error.strerror}); presets: {names}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"device profile {path} is not TOML: {error}") from error
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "profile"
        raise ValueError(f"device profile {path}: {field}: {first['msg']}") from error
