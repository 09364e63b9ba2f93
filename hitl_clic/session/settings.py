"""Settings of the recording. Pure data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RecordingSettings(BaseModel):
    """Settings of the recorder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_every: int = Field(
        10,
        ge=0,
        le=1_000_000,
        description="Save the policy in policies/ every N episodes, for learning curves. 0: never.",
    )
    flush_s: float = Field(1.0, ge=0.05, le=60, description="Longest time until a record is on disk, s.")
    queue_capacity: int = Field(
        20_000,
        ge=1,
        le=10_000_000,
        description="Largest number of queued records; further ones are dropped and counted.",
    )
    compression: Literal["zstd", "lz4", "none"] = Field("zstd", description="Compression of the recording's chunks.")
