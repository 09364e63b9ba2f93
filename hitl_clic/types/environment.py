"""Settings of an environment that is not one of the package's tasks: the table [environment].

Frozen data, read once at the start of a process. What is not set is guessed by `hitl_clic.tasks.foreign.guess`, which
returns a complete table. Imports no simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hitl_clic.types.errors import pairs
from hitl_clic.types.symmetry import Symmetry, from_text

Exactness = Literal["state", "actions", "none"]
"""How a snapshot returns to an instant: by the simulator's state, by the seed and all actions since, or not at all."""

TEACHING_HZ = 20.0
"""Highest rate at which a person can correct well; faster environments run in slow motion."""
ARM_AXES = 3
"""From so many action numbers on, the settings of the package's arms are the defaults."""


class EnvironmentSettings(BaseModel):
    """What an environment is, and how its numbers become a task. None: guessed at the start of a session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    make: str | None = Field(
        None,
        description="The environment: gymnasium:ID, robosuite:NAME, metaworld:NAME-v3, or module:Class of a class or "
        "function of your own; none: the name of the task.",
    )
    observation: tuple[str, ...] | None = Field(
        None, description="Keys of a Dict observation, in their order, for example observation desired_goal."
    )
    success: str | None = Field(
        None,
        description="When an episode succeeds: info.NAME, reward >= X, return >= X (at the end of an episode), "
        "terminated, or never.",
    )
    max_steps: int | None = Field(
        None, ge=1, le=1_000_000, description="Steps after which an episode is truncated, count."
    )
    rate_hz: float | None = Field(
        None, gt=0, le=1000, description="Ticks per second for teaching; loop.rate_hz of a session may differ."
    )
    horizon: int | None = Field(
        None, ge=1, le=64, description="H, ticks of a chunk that suit it; horizon of a session may differ."
    )
    low: tuple[float, ...] | None = Field(None, description="What -1 of each action number means to the environment.")
    high: tuple[float, ...] | None = Field(None, description="What +1 of each action number means to the environment.")
    axes: tuple[str, ...] | None = Field(
        None, description="Names of the action's numbers: x y z rx ry rz gripper, of a second arm x2 y2 and so on."
    )
    scale: tuple[float, ...] | None = Field(
        None, description="Motion of the hand for one unit of each action number and one step, in units of the world."
    )
    groups: Mapping[str, tuple[str, ...]] | None = Field(
        None, description="Axes that can be corrected alone, NAME AXIS+AXIS pairs: turning rx+ry+rz."
    )
    symmetries: tuple[str, ...] | None = Field(
        None, description="Symmetries of the task as 'STATE > ACTION', for example '-0 +1 > -0 +1'."
    )
    hand: str | None = Field(
        None,
        description="Where plans are drawn from: a MuJoCo site or body, several joined with +, or observed numbers as "
        "0:3; none to draw them in a corner.",
    )
    goal: str | None = Field(
        None, description="Observed numbers that are the goal's position, as 36:39, to draw it; none: not drawn."
    )
    teacher: str | None = Field(
        None,
        description="Scripted teacher: module:function or module:Class, a session folder whose policy teaches, or "
        "metaworld for its own policy; none: hands alone teach.",
    )
    exact: Exactness | None = Field(
        None,
        description="How a recorded instant is reached again. state: by the simulator's state. actions: by the seed "
        "and all actions. none: the environment does not repeat itself.",
    )

    @property
    def complete(self) -> bool:
        """Whether nothing is left to guess."""
        return all(getattr(self, name) is not None for name in type(self).model_fields)

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are set."""
        return self.model_dump(exclude_none=True)

    @field_validator("groups", mode="before")
    @classmethod
    def _from_pairs(cls, given: Any) -> Any:
        """A command line's are pairs NAME AXIS+AXIS."""
        read = pairs(given, "turning rx+ry+rz")
        if not isinstance(read, Mapping):
            return read
        return {name: tuple(axes.split("+")) if isinstance(axes, str) else axes for name, axes in read.items()}

    @field_validator("symmetries")
    @classmethod
    def _can_be_read(cls, symmetries: tuple[str, ...] | None) -> tuple[str, ...] | None:
        from_text("; ".join(symmetries or ()))
        return symmetries

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        sizes = {
            name: len(given) for name in ("low", "high", "axes", "scale") if (given := getattr(self, name)) is not None
        }
        if len(set(sizes.values())) > 1:
            raise ValueError(f"low, high, axes and scale need one entry for each action number, got {sizes}")
        if self.axes is not None and len(set(self.axes)) < len(self.axes):
            raise ValueError(f"axes = {' '.join(self.axes)} repeats a name")
        for name, axes in (self.groups or {}).items():
            if self.axes is not None and not set(axes) < set(self.axes):
                raise ValueError(f"groups.{name} = {'+'.join(axes)}; allowed: some of {' '.join(self.axes)}")
        return self

    @property
    def session(self) -> dict[str, Any]:
        """Settings of a session that suit the environment, nested as in a TOML file. Reasons: docs/extending.md."""
        suited: dict[str, Any] = {"loop": {"rate_hz": min(self.rate_hz or TEACHING_HZ, TEACHING_HZ)}}
        if self.horizon is not None:
            suited["horizon"] = self.horizon
        if len(self.axes or ()) >= ARM_AXES:
            suited["oracle"] = {"threshold": 0.2}
            suited["policy"] = {"network": {"fourier_frequencies": [1.0, 2.0, 4.0]}, "mode_loss": {"weight": 1.0}}
        return suited

    def read_symmetries(self) -> tuple[Symmetry, ...]:
        """The symmetries."""
        return from_text("; ".join(self.symmetries or ()))
