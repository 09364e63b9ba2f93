"""Settings of the window. The actor reads them at start and passes them to the window process as arguments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.types.errors import pairs

_MAX_CAMERAS = 2
"""Camera images that fit side by side."""


class WindowSettings(BaseModel):
    """Size, drawing rate, keys and cameras of the window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(1280, ge=800, le=7680, description="Width of the window, pixels.")
    height: int = Field(720, ge=450, le=4320, description="Height of the window, pixels.")
    fps: float = Field(30.0, ge=5.0, le=120.0, description="Drawing rate of the window, Hz.")
    niceness: int = Field(
        10,
        ge=0,
        le=19,
        description="Nice level of the window process, 0-19. The control loop has priority over drawing, and drawing "
        "over the learner.",
    )
    keys: dict[str, str] = Field(
        {},
        description="Other keys for the window's actions, as pairs of action and key: discard backspace failure "
        '"page down". devices --keys lists both.',
    )
    sounds: bool = Field(
        False, description="Play short tones: corrections learnt, help requested, episode ended, emergency stop."
    )
    welcome: Literal["first", "always", "never"] = Field(
        "first", description="When to show the welcome page. first: once per user account."
    )
    energy_axes: tuple[str, ...] = Field(
        (), max_length=2, description="Two action axes of the energy view (F2). Empty: the task's first two."
    )
    open_timeout_s: float = Field(20.0, gt=0.0, le=120.0, description="Longest wait for the window to open, s.")
    quality: Literal["fast", "full"] = Field(
        "fast",
        description="Image quality of robots. fast: no shadows, reflections and antialiasing. full: all of them; needs "
        "a graphics card.",
    )
    cameras: tuple[str, ...] = Field(
        (), description="Names of one or two cameras that show the robot. Empty: the task's own."
    )
    picture_height: int = Field(
        1080, ge=120, le=1440, description="Largest height of camera images, pixels. A larger window scales them up."
    )
    pictures_per_s: float = Field(
        15.0,
        ge=0.0,
        le=60.0,
        description="Rate of camera images to keep, Hz. A slow machine draws smaller images, down to half the "
        "height, where that is quicker, and scales them up. 0: always the full height.",
    )
    gl: Literal["auto", "egl", "osmesa", "glfw"] = Field(
        "auto", description="OpenGL backend. auto: MUJOCO_GL if it is set, else the first that works."
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
        if len(names) > _MAX_CAMERAS or len(set(names)) < len(names):
            raise ValueError("allowed: the names of one or two different cameras")
        return names
