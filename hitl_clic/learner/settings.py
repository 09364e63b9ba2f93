"""How the learner process works: when it updates, publishes and checkpoints. Pure data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """Times and limits of the learner process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    publish_every_s: float = Field(
        default=0.2, ge=0.0, le=60.0, description="Least time between two publications of weights, seconds."
    )
    publish_min_s: float = Field(
        default=0.05,
        ge=0.0,
        le=60.0,
        description="The same when a pair was trained on for the first time since the last publication, seconds.",
    )
    checkpoint_every_s: float = Field(
        default=30.0, ge=0.1, le=86_400.0, description="Time between two checkpoints, seconds."
    )
    threads: int = Field(default=1, ge=1, le=256, description="Threads the updates may use, count.")
    niceness: int = Field(
        default=10, ge=0, le=19, description="How far the learner steps back for the loop: nice level, 0 to 19."
    )
    idle_updates: bool = Field(
        default=True,
        description="Update and publish whenever there is time; else only when an actor asks, as the paper's "
        "schedule does.",
    )
    episode_updates: int = Field(
        default=200,
        ge=0,
        le=100_000,
        description="Updates the actor asks for at an episode's end in the paper's schedule (N_training), count.",
    )
    update_every: int = Field(
        default=5,
        ge=1,
        le=100_000,
        description="Ticks between the updates asked for within an episode in the paper's schedule (b), ticks.",
    )
    update_on_pairs: bool = Field(
        default=True, description="In the paper's schedule also one update on each feedback, as published."
    )
    restart: bool = Field(default=True, description="Start the session's own learner again when it dies.")
    orphan_after_s: float = Field(
        default=5.0,
        ge=0.1,
        le=3600.0,
        description="Silence of all actors after which a learner whose parent died checkpoints and leaves, seconds.",
    )
