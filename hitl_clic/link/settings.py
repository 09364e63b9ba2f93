"""Settings of the link, equal on both sides. Pure data."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class LinkSettings(BaseModel):
    """Times, sizes and keys of the link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heartbeat_s: float = Field(default=0.25, ge=0.01, le=10.0, description="Time between two heartbeats, s.")
    lost_after_s: float = Field(
        default=2.0,
        ge=0.05,
        le=600.0,
        description="Silence after which the other side counts as lost, s. Set it above the longest update.",
    )
    resend_after_s: float = Field(
        default=1.0, ge=0.05, le=60.0, description="Time after which an unacknowledged message is repeated, s."
    )
    max_message_bytes: int = Field(
        default=64 * 1024 * 1024, ge=4096, le=2**31 - 1, description="Largest message, bytes."
    )
    pair_capacity: int = Field(
        default=60_000,
        ge=1,
        le=10_000_000,
        description="Largest number of unacknowledged pairs; further pairs are dropped and counted.",
    )
    keys: Path | None = Field(
        default=None,
        description="Folder of this side's CURVE keys (`hitl-clic link-keys`). Required between machines.",
    )

    @model_validator(mode="after")
    def _silence_outlasts_heartbeats(self) -> LinkSettings:
        if self.lost_after_s < 2 * self.heartbeat_s:
            raise ValueError(
                f"lost_after_s = {self.lost_after_s} must be at least twice heartbeat_s = {self.heartbeat_s}"
            )
        return self
