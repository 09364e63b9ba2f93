"""From the device's sample and the robot's action to the executed action. Actor's main thread; pure but for the device.

"Arbitration" is the term of shared autonomy for the choice between the human's action and the robot's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitl_clic.control.exploration import Exploration
from hitl_clic.control.gate import Gate, GateOutput
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.correction.first_push import FirstPush
from hitl_clic.correction.mapping import Binding, HandOver, Label, human_action
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.devices.core.device import Device
from hitl_clic.types.records import Array, CorrectionMode
from hitl_clic.types.view import HandNote


class Decision(NamedTuple):
    """What is executed at a tick, and what the human taught there.

    Attributes:
        executed: float32 [dim_a], in [-1, 1]. robot: a^r_t, [dim_a].
        human: a^h_t, [dim_a]; None where the human teaches nothing at this tick.
        taught: 1 for each axis that the human set, float32 [dim_a].
        mode: how the correction was read. push: as in `TickRecord`.
        begins: a pair may begin here: the first tick of a correction, or its first that teaches.
    """

    executed: Array
    robot: Array
    human: Array | None
    taught: Array
    mode: CorrectionMode
    push: Array | None
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Arbitration:
    """The collaborators that decide the executed action.

    Attributes:
        device: the teacher's. gate: decides who drives. binding: which device axis moves which task axis.
        hand_over: limits the change at a change of driver. policy_filter: filters the robot's action.
        exploration: noise on the executed action. help: when the robot asks for help. first_push: until which nothing
            is taught.
    """

    device: Device
    gate: Gate
    binding: Binding
    hand_over: HandOver
    policy_filter: PolicyFilter
    exploration: Exploration
    help: HelpRequest
    first_push: FirstPush

    def begin(self, episode: int) -> None:
        """Begin an episode: the robot drives."""
        self.hand_over.reset()
        self.policy_filter.reset()
        self.exploration.begin(episode)
        self.gate.begin()
        self.help.begin()
        self.device.correction_ended()

    def decide(self, output: GateOutput, robot: Array, axes: NDArray[np.float64] | None) -> Decision:
        """The executed action of a tick at which human or robot drives.

        Args:
            output: the gate's. robot: a^r_t, [dim_a]. axes: directions of the command's frame, as `Task.axes_of`.
        """
        drives = output.driver == "human"
        # standing still is an action of its own, not a change of what the robot does
        mode: CorrectionMode = "absolute" if output.still else output.correction_mode
        part = self.policy_filter.step(robot, drives and mode == "relative")
        wanted, taught = robot, np.zeros_like(robot)
        human: Array | None = None
        push: Array | None = None
        if drives:
            label = human_action(
                part,
                output.motion,
                mode,
                self.gate.correction.relative_step,
                self.binding,
                output.teaches,
                axes,
                self.binding.groups.get(output.correction_axes),
            )
            wanted, _, mode, push = label
            taught = self._taught(output, label)
            human = wanted if taught.any() else None  # a relative correction without a direction teaches nothing
        executed = self.exploration.perturb(self.hand_over.step(output.driver, wanted, output.switched and drives))
        begins = output.entered or (drives and self.first_push.begins)
        return Decision(executed, robot, human, taught, mode, push, begins)

    def hand_note(self) -> HandNote:
        """What the teacher should know about the hand at the device, as of the newest tick."""
        if self.gate.must_let_go:
            return "let go"
        if self.gate.state != "correcting":
            return ""
        return "still" if self.gate.still else "push" if self.first_push.awaited else ""

    def _taught(self, output: GateOutput, label: Label) -> Array:
        """The axes that a tick teaches at which the human drives, float32 [dim_a]."""
        if output.entered:
            self.first_push.start(len(label.taught))
        if output.stale:  # input is lost: the held motion is not taught
            return np.zeros_like(label.taught)
        lasts = output.lasting or (False,) * len(output.motion)
        pairs = zip(self.binding.device, self.binding.action, strict=True)
        return self.first_push.update(label, [action for device, action in pairs if lasts[device]], output.still)


class DeviceFeedback:
    """Tells the device about stops and the end of a correction. Main thread; never waits.

    A lasting command, such as a closed gripper, that is given while the human does not drive ends at once. The next
    correction would otherwise begin with a grip that nobody asked for.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stale = self._stopped = self._human_drove = False
        self._lost: set[str] = set()
        """Parts of the device that are lost while others are not."""

    def update(self, output: GateOutput) -> list[tuple[str, str]]:
        """Take in the gate's output; for each loss and return of input the event's name, and why or what."""
        stopped = output.state == "stopped"
        if stopped and not self._stopped:
            self._device.robot_stopped()
        self._stopped = stopped
        if output.driver == "human":
            self._human_drove = True
        elif (self._human_drove or any(output.lasting or ())) and not output.stale:  # a gap is no release
            self._human_drove = False
            self._device.correction_ended()
        parts = self._device.lost_parts
        lost, self._lost = self._lost, set(parts)
        if output.stale != self._stale:
            self._stale = output.stale
            return [("device_lost" if output.stale else "device_back", self._device.trouble)]
        if output.stale:
            return []
        gone = [("device_lost", f"{name}: {why}") for name, why in parts.items() if name not in lost]
        return gone + [("device_back", name) for name in sorted(lost - set(parts))]
