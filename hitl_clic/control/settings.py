"""Settings of the real-time loop. Pure data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from hitl_clic.control.exploration import ExplorationSettings
from hitl_clic.control.overlap import OverlapName, check_lead


class LoopSettings(BaseModel):
    """How fast the loop turns and how it plans."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_hz: float = Field(10.0, gt=0, le=2000, description="Ticks per second.")
    overlap: OverlapName = Field(
        "sync",
        description="How the next chunk is planned while one runs. sync: between two ticks, from the newest "
        "observation: right while a plan takes less than a tick. The others plan plan_lead ticks ahead. async: "
        "without regard to the steps that run meanwhile. prefix_conditioned: beginning with those steps. future_state: "
        "from the state expected after them.",
    )
    plan_lead: int = Field(
        0,
        ge=0,
        le=64,
        validate_default=True,
        description="The next chunk is requested this many ticks before it begins; 0 with sync, at least 1 with the "
        "other overlaps, at most execute and horizon - execute.",
    )
    updates_per_tick: float = Field(
        1.5,
        ge=0,
        le=1000,
        description="With --pace max: the loop waits until the learner has made this many updates for each tick, about "
        "as many as in real time. 0: it never waits.",
    )
    snapshot_every_s: float = Field(1.0, gt=0, le=3600, description="Seconds between two snapshots in the recording.")
    exploration: ExplorationSettings = Field(ExplorationSettings(), description="Noise on executed actions.")
    planner_threads: int = Field(1, ge=1, le=256, description="Threads that torch may use for one plan.")
    plan_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of a tick that a plan may take in the median. Where plans take longer, the planner searches "
        "among half or a quarter of the candidates and chains. 0: it always does the full search. Only in real time.",
    )
    planner_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="Longest wait for a plan before the session fails, s (--pace max)."
    )

    @field_validator("plan_lead")
    @classmethod
    def _fits_overlap(cls, lead: int, info: ValidationInfo) -> int:
        if "overlap" in info.data:  # else it is refused itself
            check_lead(info.data["overlap"], lead)
        return lead
