"""How corrections are read and what is learnt from them: the table `[correction]` of a session. Pure data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.correction.padding import Padding
from hitl_clic.types.records import EVERYTHING, CommandFrame, CorrectionMode
from hitl_clic.types.ticks import ticks_behind, ticks_of


class CorrectionSettings(BaseModel):
    """How a teacher's motion becomes labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: CorrectionMode = Field(
        "absolute",
        description="absolute: a motion is the action wanted. relative: a motion says in which direction the robot's "
        "action should change.",
    )
    absolute_axes: tuple[str, ...] = Field(
        ("gripper",),
        description="Axes of a person's device that are absolute even in relative mode, on every arm. A label has one "
        "mode: while other axes are steered, these axes are executed but not learnt.",
    )
    command_frame: CommandFrame = Field(
        "camera",
        description="Frame of a person's motion at first. world: the task's. gripper: the driven "
        "hand's. camera: the picture's, so that the robot moves the way the keys point.",
    )
    axes: str = Field(
        EVERYTHING,
        description="Action axes that a person's corrections change at first: everything, or a group that the task "
        "names, such as moving or gripper. The robot keeps the other axes, and no label covers them.",
    )
    relative_step: float = Field(
        2.0,
        gt=0,
        le=2,
        description="e: how far a full push moves an axis from the robot's action, units of action; a^h = a^r + e "
        "h. With 2 a full push reaches every action, whatever the robot does.",
    )
    policy_filter_s: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Time constant, seconds, of the low-pass filter on the robot's action during a relative "
        "correction. A person reacts too late to steer a robot that changes its plan at every tick. 0: no filter.",
    )
    reaction_time_s: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Seconds from what a teacher sees to the correction of it; about 0.25 for a person. A correction "
        "is learnt for the state that was seen, and as a change of what the robot did there.",
    )
    max_step: float | None = Field(
        None,
        gt=0,
        le=2,
        description="Greatest change of the executed action per tick and axis after a change of driver, units of "
        "action, until the new driver's action is reached. Labels are not limited. 2 is no limit. By default a "
        "person's device has 0.5, so that a full reversal takes four ticks, and the oracle has no limit.",
    )
    padding: Padding = Field(
        "hindsight",
        description="How a label of fewer than H steps is completed. hold: repeat the last taught action. robot: the "
        "robot's plan. hindsight: what was done afterwards. mask: the added steps are not learnt.",
    )
    label_average_s: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Seconds of a correction, from each tick on, that its label averages over. A keyboard offers eight "
        "directions, so operators zig-zag. Averaged relative corrections become absolute labels. 0: no average.",
    )
    implicit_approval: bool = Field(
        False,
        description="Treat driving without steering, after the first push of a relative correction, as approval: "
        "what the robot does is learnt too. Without this, training data contain only mistakes. Needs label_average_s.",
    )
    pair_stride: int = Field(
        1,
        ge=1,
        le=64,
        description="Ticks between two pairs that begin while the teacher drives; 1 asks the policy at every tick.",
    )
    undo_s: float = Field(
        0.0, ge=0, le=60, description="Seconds for which a complete pair is held back, so that a person can discard it."
    )

    def label_ticks(self, rate_hz: float) -> int:
        """Ticks that a label averages over, at least 1; 1 is no average."""
        return ticks_of(self.label_average_s, rate_hz)

    def reaction_ticks(self, rate_hz: float) -> int:
        """Ticks from an observation to the correction of it, at least 0."""
        return ticks_behind(self.reaction_time_s, rate_hz)

    def check(self, rate_hz: float, gate_mode: str = "hold", exploration_episodes: float = 0.0) -> None:
        """Check the rules between these fields and those of other tables.

        Args:
            rate_hz: loop.rate_hz. gate_mode: gate.mode. exploration_episodes: loop.exploration.episodes.

        Raises:
            ValueError: naming the field, its value and what is allowed.
        """
        if not self.implicit_approval:
            return
        refused = "correction.implicit_approval = true is not allowed with"
        if self.label_ticks(rate_hz) < 2:
            raise ValueError(
                f"{refused} correction.label_average_s = {self.label_average_s:g} at loop.rate_hz = {rate_hz:g}; "
                "allowed: an average of two ticks or more (an approval alone has no direction)"
            )
        if exploration_episodes:
            raise ValueError(
                f"{refused} loop.exploration.episodes = {exploration_episodes:g}; allowed: 0 (approved actions are "
                "learnt as executed, and noise must not be learnt)"
            )
        if gate_mode == "touch":
            raise ValueError(
                f"{refused} gate.mode = touch; allowed: hold or toggle (in touch mode a resting hand hands back)"
            )
