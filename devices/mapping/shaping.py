"""Maps raw readings to motion: axis map, deadzone, response curve and scale, and the profiles that set them.

Pure functions and frozen settings, called by reader threads. Never touches hardware; only `load_profile` reads a file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hitl_clic import presets
from hitl_clic.devices.core.controls import FUNCTIONS, KEY_NAMES, is_key, suggestion

Motion = tuple[float, ...]
_SIGNS = {"1": 1, "-1": -1}
Sign = Annotated[Literal[1, -1], BeforeValidator(lambda value: _SIGNS.get(str(value), value))]
"""1 or -1, also as text."""


class AxisSetting(BaseModel):
    """The source and response of one motion axis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("", description="Raw axis it is read from; empty: the raw axis of the same name.")
    offset: float = Field(
        0.0, gt=-0.5, lt=0.5, description="Reading of that raw axis at rest (drift), which is subtracted."
    )
    sign: Sign = Field(1, description="1, or -1 to reverse the axis.")
    scale: float = Field(1.0, gt=0, le=10, description="Motion at full deflection. Above 1 it saturates earlier.")
    deadzone: float | None = Field(None, ge=0, lt=1, description="Deadzone of this axis; none: the profile's.")
    exponent: float | None = Field(None, ge=0.1, le=10, description="Exponent of this axis; none: the profile's.")


class Profile(BaseModel):
    """The axis map, response and bindings of one device.

    Axes follow the camera picture: x right; y down, which is towards the operator; z up. These form a left-handed
    frame, and `rx`, `ry` and `rz` are rotations in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Name of the profile.")
    axes: dict[str, AxisSetting] = Field(
        default_factory=dict,
        description="Motion axes by name, in the order of the motion. Without any, a device beside others only gives "
        "commands.",
    )
    deadzone: float = Field(0.0, ge=0, lt=1, description="Deflection, as a share of full, below which motion is zero.")
    exponent: float = Field(1.0, ge=0.1, le=10, description="Response curve: motion = deflection ** exponent.")
    radial: bool = Field(
        False, description="Apply deadzone and curve to the length of the deflection vector, not to each axis."
    )
    keys: dict[str, str] = Field(
        default_factory=dict,
        description='Key name to its binding: a signed raw axis ("-x"), a function ("engage") or a command ("pause").',
    )
    buttons: dict[str, str] = Field(
        default_factory=dict, description="Button name to its binding, for the buttons of the device."
    )
    scale: float = Field(1.0, gt=0, le=1, description="Factor on the motion. It is 1 while coarse is held.")
    precise_scale: float = Field(0.35, gt=0, le=1, description="Factor on the motion while precise is held.")
    reach: float = Field(
        0.15, gt=0, le=2, description="Mouse: length of a drag at full deflection, as a share of the scene's side."
    )

    engage_above: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="A push counts once a deflection exceeds its deadzone by this share of the way from there to full.",
    )
    release_below: float = Field(
        0.02, ge=0, lt=1, description="A push ends when all deflections are below this share; at most engage_above."
    )
    release_after_s: float = Field(
        0.1,
        ge=0,
        le=2,
        description="Seconds below release_below after which a push ends. Meanwhile nothing is taught, and the robot "
        "keeps its own action. So a cap that passes its centre does not end the correction.",
    )
    rest_limit: float = Field(
        0.15,
        ge=0,
        lt=0.5,
        description="Largest offset at rest that is learnt while nobody pushes, share of full; 0: none is learnt.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        if self.release_below > self.engage_above:
            raise ValueError(f"release_below = {self.release_below} must be at most engage_above = {self.engage_above}")
        sources = sorted({self.source(name) for name in self.axes})
        ends = [sign + source for source in sources for sign in "+-"]
        for what, bindings in (("key", self.keys), ("button", self.buttons)):
            for control, binding in bindings.items():
                if binding not in ends and binding not in FUNCTIONS:
                    raise ValueError(
                        f"{what} {control!r} is bound to {binding!r}; {suggestion(binding, [*ends, *FUNCTIONS])}"
                    )
        for key in self.keys:
            if not is_key(key):
                raise ValueError(f"keys: there is no key {key!r}; {suggestion(key, KEY_NAMES)}")
        if self.precise_scale > self.scale:
            raise ValueError(f"precise_scale = {self.precise_scale} must be at most scale = {self.scale}")
        return self

    @property
    def drives(self) -> bool:
        """Whether it moves the robot, rather than only giving commands."""
        return bool(self.axes) or "gripper" in {*self.keys.values(), *self.buttons.values()}

    def source(self, axis: str) -> str:
        """The raw axis that a motion axis is read from."""
        return self.axes[axis].source or axis

    def axes_from(self, source: str) -> tuple[str, ...]:
        """The motion axes that are read from a raw axis."""
        return tuple(axis for axis in self.axes if self.source(axis) == source)

    @property
    def zeros(self) -> dict[str, float]:
        """The calibrated reading at rest of each raw axis that is read."""
        return {self.source(name): setting.offset for name, setting in self.axes.items()}

    def controls_for(self, function: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys and the buttons with this binding."""
        return _bound(self.keys, function), _bound(self.buttons, function)


def _bound(bindings: Mapping[str, str], function: str) -> tuple[str, ...]:
    return tuple(control for control, binding in bindings.items() if binding == function)


def curve(deflection: float, deadzone: float, exponent: float) -> float:
    """Response of one axis: odd, monotonic, continuous, zero up to the deadzone, 1 at full deflection.

    A deflection that is not finite gives 0, so that a faulty reading cannot move the robot.
    """
    if not math.isfinite(deflection):
        return 0.0
    size = min(1.0, abs(deflection))
    if size <= deadzone:
        return 0.0
    return float(math.copysign(((size - deadzone) / (1.0 - deadzone)) ** exponent, deflection))


def centred(reading: float, offset: float) -> float:
    """A reading minus its offset at rest, rescaled so that full deflection stays 1 on both sides."""
    away = reading - offset
    return away / (1.0 - math.copysign(offset, away * offset))


def shape(raw: Mapping[str, float], profile: Profile, axes: Sequence[str] | None = None) -> Motion:
    """Motion in [-1, 1] for raw deflections by source name.

    Args:
        raw: deflection by raw axis, 1 at full; a missing or non-finite value counts as 0.
        profile: response. axes: which of its axes, all by default; a radial response is over these together.

    Returns:
        one number in [-1, 1] per axis.
    """
    settings = {name: profile.axes[name] for name in (profile.axes if axes is None else axes)}
    values = [
        centred(raw.get(setting.source or name, 0.0), setting.offset) * setting.sign
        for name, setting in settings.items()
    ]
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
            for value, setting in zip(values, settings.values(), strict=True)
        ]
    return tuple(
        max(-1.0, min(1.0, value * setting.scale)) for value, setting in zip(shaped, settings.values(), strict=True)
    )


def count_non_finite(raw: Mapping[str, float]) -> int:
    """Number of raw values that are not finite."""
    return sum(not math.isfinite(value) for value in raw.values())


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a profile: a TOML file by its path, or a profile by its name, from the folders of `presets.folders`.

    A file with `extends = "NAME"` starts from that profile and needs no name of its own. The binding "" takes a key or
    a button out of use.

    Raises:
        ValueError: there is no such profile, or a field is wrong; names field and value.
    """
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text
    path = Path(text) if is_path else presets.find("devices", text)
    if path is None:
        raise ValueError(f"device profile {text!r} is not known; presets: {', '.join(presets.names('devices'))}")
    try:
        own, content = presets.read_toml(path), presets.read_file("devices", path)
    except presets.PresetError as error:
        twice = ". A name is given twice: bind each key once" if "overwrite" in str(error) else ""
        raise ValueError(f"device profile {error}{twice}") from error
    if presets.EXTENDS in own:
        content["name"] = own.get("name", path.stem)
    for table in ("keys", "buttons"):
        if isinstance(bindings := content.get(table), dict):
            content[table] = {control: binding for control, binding in bindings.items() if binding != ""}
    return checked_profile(content, str(path))


def checked_profile(content: Mapping[str, Any], where: str) -> Profile:
    """A profile with these values. Raises ValueError that names `where`, the field and the fault."""
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "profile"
        raise ValueError(f"device profile {where}: {field}: {first['msg']}") from error
