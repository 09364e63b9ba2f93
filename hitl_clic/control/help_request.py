"""When the robot asks for help: a plan with too much uncertainty. Pure; called by the loop, once a tick."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.types.records import Plan


class HelpSettings(BaseModel):
    """When the robot asks for help. `hitl-clic uncertainty SESSION` finds the threshold in recorded sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Uncertainty of a plan above which the robot asks for help, units of action; 0 never.",
    )
    plans: int = Field(1, ge=1, le=1000, description="Plans in a row with such uncertainty before it asks.")
    wait: bool = Field(
        False, description="After asking, the robot stands still until the teacher drives or presses the pause key."
    )


class HelpRequest:
    """Follows the uncertainty of a session's plans. The robot asks again only after a plan with less uncertainty."""

    def __init__(self, settings: HelpSettings | None = None) -> None:
        self.settings = settings or HelpSettings()
        self.help_request = False
        """Whether the robot asks for help."""
        self._in_a_row = 0
        self._newest_tick = -1

    def begin(self) -> None:
        """Begin an episode: the uncertainty of the old scene is forgotten."""
        self.help_request = False
        self._in_a_row = 0

    def update(self, plan: Plan | None) -> bool:
        """Take in the newest plan; whether the robot begins to ask for help now. It never asks on NaN."""
        if plan is None or plan.tick == self._newest_tick or not self.settings.threshold:
            return False
        self._newest_tick = plan.tick
        self._in_a_row = self._in_a_row + 1 if plan.uncertainty > self.settings.threshold else 0
        before, self.help_request = self.help_request, self._in_a_row >= self.settings.plans
        return self.help_request and not before
