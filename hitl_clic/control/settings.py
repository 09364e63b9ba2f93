"""Settings of the real-time loop. Pure data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.control.exploration import ExplorationSettings


class LoopSettings(BaseModel):
    """How fast the loop turns and how it plans."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_hz: float = Field(10.0, gt=0, le=2000, description="Ticks per second.")
    plan_lead: int = Field(
        0,
        ge=0,
        le=64,
        description="Ticks before the end of the running chunk at which the next plan is asked for. 0 plans between "
        "two ticks from the newest observation: right while a plan takes less than a tick.",
    )
    pair_stride: int = Field(
        1,
        ge=1,
        le=64,
        description="Ticks between two pairs begun while the human drives; 1 asks the policy every tick.",
    )
    updates_per_tick: float = Field(
        1.5,
        ge=0,
        le=1000,
        description="Updates a tick that --pace max waits for, as real time would give them; 0 never waits.",
    )
    snapshot_every_s: float = Field(1.0, gt=0, le=3600, description="Seconds between two snapshots in the recording.")
    undo_s: float = Field(
        0.0, ge=0, le=60, description="Seconds for which a finished pair is held back so that a person can discard it."
    )
    exploration: ExplorationSettings = Field(ExplorationSettings(), description="Noise on executed actions.")
    planner_threads: int = Field(1, ge=1, le=256, description="Threads that torch may use for one plan.")
    planner_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="Seconds after which a plan that never comes ends the session (--pace max)."
    )
