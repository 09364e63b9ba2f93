"""Settings of the recording. Pure data, read once at the start by whoever wires the actor."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RecordingSettings(BaseModel):
    """How a session is written to disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_every: int = Field(
        10, ge=0, le=1_000_000, description="Episodes between two policies kept in policies/, for curves; 0 keeps none."
    )
    flush_s: float = Field(
        1.0, ge=0.05, le=60, description="Seconds after which a record is on disk at the latest; a kill loses no more."
    )
    queue_capacity: int = Field(
        20_000,
        ge=1,
        le=10_000_000,
        description="Records that may wait for the disk; further ones are dropped and counted.",
    )
    compression: Literal["zstd", "lz4", "none"] = Field("zstd", description="Compression of the recording's chunks.")
