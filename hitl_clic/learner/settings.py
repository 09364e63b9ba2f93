"""Settings of the learner process. Pure data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """Times and limits of the learner process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    publish_every_s: float = Field(
        default=0.2, ge=0.0, le=60.0, description="Shortest time between two publications of weights, s."
    )
    publish_min_s: float = Field(
        default=0.05,
        ge=0.0,
        le=60.0,
        description="The same after an update on a new pair, s.",
    )
    checkpoint_every_s: float = Field(default=30.0, ge=0.1, le=86_400.0, description="Time between two checkpoints, s.")
    threads: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Number of CPU threads for updates. 0: two fewer than this process may use, 1 to 4; where nothing "
        "runs beside the updates (lockstep schedule, learn), 1.",
    )
    niceness: int = Field(
        default=15,
        ge=0,
        le=19,
        description="Nice level of the learner, so that the control loop and the window have priority. The lockstep "
        "schedule uses 0, because there the loop waits for updates.",
    )
    idle_updates: bool = Field(
        default=True,
        description="Update whenever the learner is idle; false: only on request, as in the lockstep schedule.",
    )
    episode_updates: int = Field(
        default=200,
        ge=0,
        le=100_000,
        description="Lockstep schedule: updates after each episode (N_training).",
    )
    update_every: int = Field(
        default=5,
        ge=1,
        le=100_000,
        description="Lockstep schedule: ticks between updates within an episode (b).",
    )
    update_on_pairs: bool = Field(
        default=True, description="Lockstep schedule: also one update after each correction, as published."
    )
    restart: bool = Field(default=True, description="Restart the session's own learner after a crash.")
    orphan_after_s: float = Field(
        default=5.0,
        ge=0.1,
        le=3600.0,
        description="Silence of all actors after which a learner without its parent checkpoints and exits, s.",
    )
