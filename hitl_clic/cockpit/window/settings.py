"""Settings of the cockpit. Read at start by the actor; travel to the window process as arguments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.types.errors import pairs

_MOST_CAMERAS = 2
"""Pictures that have room beside each other."""


class WindowSettings(BaseModel):
    """How the window looks and how often it draws."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(1280, ge=800, le=7680, description="Width of the window, pixels.")
    height: int = Field(720, ge=450, le=4320, description="Height of the window, pixels.")
    fps: float = Field(30.0, ge=5.0, le=120.0, description="Pictures drawn and states sent, per second.")
    niceness: int = Field(
        19,
        ge=0,
        le=19,
        description="Priority given up by the window process, so that drawing yields to the loop, 0-19.",
    )
    keys: dict[str, str] = Field(
        {},
        description="Other keys for what the window does, pairs of what and key, for example discard backspace failure "
        '"page down"; devices --keys lists both.',
    )
    sounds: bool = Field(
        False,
        description="Short tones: your last corrections are learned, the robot asks, an episode is over, an emergency "
        "stop.",
    )
    welcome: Literal["first", "always", "never"] = Field(
        "first", description="When the page is shown that says how teaching goes: to who was never welcomed here."
    )
    energy_axes: tuple[str, ...] = Field(
        (),
        max_length=2,
        description="The two action axes over which the energy is shown (F2); nothing: the task's first two.",
    )
    open_timeout_s: float = Field(
        20.0, gt=0.0, le=120.0, description="Longest wait for the window to open before giving up, seconds."
    )
    quality: Literal["fast", "full"] = Field(
        "fast",
        description="How robots are drawn. fast: without shadows, reflections and smoothed edges. full: with them, for "
        "a graphics card.",
    )
    cameras: tuple[str, ...] = Field(
        (),
        description="From where robots are seen: one name, or two for two pictures; none leaves it to the task.",
    )
    picture_height: int = Field(
        280, ge=120, le=1440, description="Height at which robots are drawn before it is scaled to the window, pixels."
    )
    pictures_per_s: float = Field(
        15.0,
        ge=0.0,
        le=60.0,
        description="Pictures of a robot a second to keep on a slow or busy machine: where they come slower they are "
        "drawn smaller, down to half of picture_height. 0: never smaller.",
    )
    gl: Literal["auto", "egl", "osmesa", "glfw"] = Field(
        "auto",
        description="How robots are drawn: OpenGL's way. auto: MUJOCO_GL if it is set, else the first that works.",
    )

    @field_validator("keys", mode="before")
    @classmethod
    def _from_pairs(cls, given: Any) -> Any:
        return pairs(given, "pause b")

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: dict[str, str]) -> dict[str, str]:
        Keymap(keys)
        return keys

    @field_validator("cameras")
    @classmethod
    def _have_room(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) > _MOST_CAMERAS or len(set(names)) < len(names):
            raise ValueError("allowed: the name of one camera, or of two that differ")
        return names
