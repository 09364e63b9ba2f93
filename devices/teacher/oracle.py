"""Decides when and how a scripted teacher corrects. Pure; called by the oracle's reader thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.devices.core.axes import base
from hitl_clic.devices.teacher import noise
from hitl_clic.devices.teacher.keypress_model import KeypressModel, nearest_keys, nearest_relative_keys
from hitl_clic.types.records import CorrectionMode


class OracleSettings(BaseModel):
    """Behaviour of the scripted teacher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_hz: float = Field(200.0, gt=0, le=2000, description="Samples per second.")
    latency_s: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Delay from a decision to its sample, s; with pace = max, the same delay in ticks.",
    )
    delay_steps: int = Field(
        0, ge=0, le=100, description="Delay of a correction, ticks. 1: as in the reference implementation."
    )
    every: int = Field(
        1,
        ge=1,
        le=1000,
        description="Decide on every n-th step whether to take over. 2: as in the reference implementation.",
    )
    threshold: float = Field(0.2, ge=0, le=10, description="Take over when |a* - a^r| exceeds this, units of action.")
    persist: bool = Field(True, description="After taking over, drive to the end of the running chunk (Ta steps).")
    patience: int = Field(
        0,
        ge=0,
        le=1000,
        description="Decisions in a row above the threshold before it takes over.",
    )
    persist_steps: int = Field(0, ge=0, le=1000, description="Least length of a correction, steps (with persist).")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Seed of the noise.")
    direction_noise_deg: float = Field(0.0, ge=0, le=180, description="Error of the direction, degrees.")
    magnitude_noise: float = Field(
        0.0, ge=0, le=10, description="Multiply corrections by a uniform draw from 0.001 to this. 0: off."
    )
    gaussian_noise: bool = Field(
        False, description="Add Gaussian noise with a deviation of half the correction's length."
    )
    press_steps: int = Field(
        0,
        ge=0,
        le=1000,
        description="Simulate keys: each axis is fully forward, fully back or zero. Least length of a press, ticks. "
        "0: off, any direction and strength at each tick.",
    )
    precise_scale: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Speed of presses with the key for precise motion (with press_steps). 1: no such key.",
    )
    buttons: tuple[str, ...] = Field(
        ("gripper",),
        description="Axes, of every arm, that a button switches between their ends (with press_steps). "
        "They are absolute also in relative mode.",
    )
    anticipation: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Smith-predictor gain: subtract this share of motion commanded but not yet executed.",
    )
    foresight: bool = Field(
        False,
        description="Predict the state in which the motion will be executed, from the robot's plan and "
        "pending motions, and correct for that state. Needs a task with a model (`Task.predict`).",
    )
    wrong_presses: float = Field(0.0, ge=0, le=1, description="Share of presses with random keys.")
    partial: tuple[str, ...] = Field(
        (),
        description="Groups of axes, each as names joined by commas. A correction covers the group with the largest "
        "error and all axes in no group; the robot keeps the others. Empty: all axes.",
    )


class Answer(NamedTuple):
    """The oracle's output at one tick.

    Attributes:
        motion: one number in [-1, 1] per axis; zero unless engaged. engage: whether it corrects.
        teaches: for each axis, whether the correction covers it. None: all axes.
    """

    motion: tuple[float, ...]
    engage: bool
    teaches: tuple[bool, ...] | None = None


def axis_groups(partial: Sequence[str], axes: Sequence[str]) -> list[list[int]]:
    """Indices of the axes in each group of `OracleSettings.partial`.

    Raises:
        ValueError: a group names an unknown axis, or an axis is in two groups.
    """
    groups = [[name.strip() for name in group.split(",")] for group in partial]
    named = [name for group in groups for name in group]
    for name in named:
        if name not in axes:
            raise ValueError(f"oracle.partial names the axis {name!r}; allowed here: {', '.join(axes)}")
        if named.count(name) > 1:
            raise ValueError(f"oracle.partial names the axis {name!r} twice; an axis is in at most one group")
    return [[list(axes).index(name) for name in group] for group in groups]


class Oracle:
    """Decides at each tick whether the teacher corrects, and computes the motion.

    Keeps the end of an intervention and the noise generator. `begin` starts an episode.
    """

    def __init__(
        self,
        settings: OracleSettings,
        execute: int,
        axes: Sequence[str] = (),
        relative_step: float = 2.0,
        behind: int = 0,
    ) -> None:
        """
        Args:
            settings: behaviour. execute: Ta, executed steps of a chunk. axes: names of the action's axes.
            relative_step: e, change of an action by a full deflection in relative mode, units of action.
            behind: ticks from a decision to its execution.

        Raises:
            ValueError: `execute` is less than 1, or `partial` does not fit the axes.
        """
        if execute < 1:
            raise ValueError(f"execute = {execute} is not allowed; allowed: at least 1")
        self.settings, self.axes = settings, tuple(axes)
        self._groups = axis_groups(settings.partial, axes)
        self._execute, self._relative_step = execute, relative_step
        self._until_step = 0
        self._errors_in_row = 0
        self._late: deque[Answer] = deque()
        """Answers delayed by `delay_steps`, oldest first."""
        self._pending: deque[Answer] = deque(maxlen=behind)
        """Answers that are not executed yet, oldest first."""
        self._generator = np.random.default_rng((settings.seed, 0))
        self._keypresses = KeypressModel(settings.press_steps, settings.wrong_presses) if settings.press_steps else None
        pressed = settings.buttons if self._keypresses is not None else ()
        self._buttons = np.array([base(name) in pressed for name in axes], bool)

    def begin(self, episode: int) -> None:
        """Start an episode: end any intervention, and seed the noise with (seed, episode)."""
        self._until_step = 0
        self._errors_in_row = 0
        self._late.clear()
        self._pending.clear()
        self._generator = np.random.default_rng((self.settings.seed, episode))
        if self._keypresses is not None:
            self._keypresses.release_all()

    def decide(
        self,
        step: int,
        step_in_chunk: int,
        wanted: NDArray,
        robot: NDArray,
        correction_mode: CorrectionMode,
        help_requested: bool = False,
        unread: NDArray | float = 0.0,
        foreseen: NDArray | None = None,
    ) -> Answer:
        """Decide on one tick.

        Args:
            step: number in the episode. step_in_chunk: index of `robot` in the running chunk.
            wanted: a*, float [dim_a] in [-1, 1]. robot: a^r in the same state, same shape.
            correction_mode: how the gate reads the motion. help_requested: the robot stands still and asks for help.
            unread: sum of the motions of earlier answers that the loop has not read yet, [dim_a].
            foreseen: a* in the state in which this motion will be executed, [dim_a]; None without foresight.

        Returns:
            the answer of the tick `delay_steps` earlier. A request for help is answered at once, by a correction.
        """
        error = float(np.linalg.norm(np.asarray(wanted, np.float64) - np.asarray(robot, np.float64)))
        engages = self._engages(step, step_in_chunk, error, help_requested)
        target = wanted if foreseen is None or not engages else foreseen
        now = self._answer(step, engages, target, robot, correction_mode, self._anticipated(unread, correction_mode))
        if help_requested:
            self._late.clear()
            self._pending.clear()
            return now
        self._pending.append(now)
        self._late.append(now)
        if len(self._late) > self.settings.delay_steps:
            return self._late.popleft()
        return Answer((0.0,) * wanted.size, False)

    def actions_until_executed(self, plan: NDArray, correction_mode: CorrectionMode) -> NDArray:
        """Predict the actions until the next decision is executed, [behind, dim_a].

        Args:
            plan: the rest of the running chunk, [k, dim_a], k >= 1. Its last step is repeated; during a correction,
                in which the robot replans at each tick, its first step.
        """
        steps = self._pending.maxlen or 0
        if any(answer.engage for answer in self._pending):
            plan = plan[:1]
        actions = np.array(plan[np.minimum(np.arange(steps), len(plan) - 1)], np.float64)
        buttons = self._buttons if self._buttons.size else np.zeros(plan.shape[1], bool)
        for index, answer in enumerate(self._pending, start=steps - len(self._pending)):
            if answer.engage:
                motion = np.asarray(answer.motion)
                driven = actions[index] + self._relative_step * motion if correction_mode == "relative" else motion
                actions[index] = np.clip(np.where(buttons, motion, driven), -1.0, 1.0)
        return actions

    def _anticipated(self, unread: NDArray | float, correction_mode: CorrectionMode) -> NDArray:
        """The part of the wanted action that pending motions already cover, [dim_a]; see `anticipation`."""
        pending = unread + np.sum([answer.motion for answer in self._late], axis=0)
        reach = self._relative_step if correction_mode == "relative" else 1.0
        return np.asarray(self.settings.anticipation * reach * pending, np.float64)

    def _answer(
        self,
        step: int,
        engages: bool,
        wanted: NDArray,
        robot: NDArray,
        correction_mode: CorrectionMode,
        anticipated: NDArray,
    ) -> Answer:
        settings = self.settings
        away = np.asarray(wanted, np.float64) - np.asarray(robot, np.float64)
        buttons = self._buttons if self._buttons.size else np.zeros(wanted.size, bool)
        acceptable = float(np.linalg.norm(away[~buttons])) <= settings.threshold
        if not engages or (correction_mode == "relative" and acceptable):  # within the threshold: no correction
            if self._keypresses is not None:
                self._keypresses.release_all()
            held = np.where(buttons & engages, np.sign(wanted), 0.0)
            return Answer(tuple(float(value) for value in held), engages)
        noisy = away
        if settings.direction_noise_deg:
            noisy = noise.rotate(noisy, settings.direction_noise_deg, self._generator)
        if settings.magnitude_noise:
            noisy = noise.scale(noisy, settings.magnitude_noise, self._generator)
        if settings.gaussian_noise:
            noisy = noise.add_gaussian(noisy, correction_mode, self._generator)
        # without noise use a* itself: a^r + (a* - a^r) rounds
        action = np.asarray(wanted if noisy is away else np.clip(robot + noisy, -1.0, 1.0), np.float64)
        if self.settings.anticipation:
            action = np.clip(action - anticipated, -1.0, 1.0)
        if self._keypresses is not None:
            # operators learn which keys bring the robot to where they want it
            target = np.where(buttons, robot if correction_mode == "relative" else 0.0, action)
            speeds = (1.0, settings.precise_scale)
            best = (
                nearest_relative_keys(robot, target, self._relative_step, speeds)
                if correction_mode == "relative"
                else nearest_keys(target, speeds)
            )
            keys = self._keypresses.press(step, best, self._generator)
            motion = np.where(buttons, np.sign(wanted), keys)
        elif correction_mode == "relative":
            motion = (action - robot) / self._relative_step
            motion = motion / max(1.0, float(np.abs(motion).max()))  # clip the length, keep the direction
        else:
            motion = action
        teaches = self._covered_axes(away)
        if teaches is not None:  # after the noise, so that the other axes have none
            motion = np.where(teaches, motion, 0.0 if correction_mode == "relative" else robot)
        return Answer(tuple(float(value) for value in np.clip(motion, -1.0, 1.0)), True, teaches)

    def _covered_axes(self, away: NDArray) -> tuple[bool, ...] | None:
        """The axes that a correction covers: all except those of groups with a smaller error. None: all."""
        if not self._groups:
            return None
        worst = max(self._groups, key=lambda group: float(np.linalg.norm(away[group])))
        uncovered = {axis for group in self._groups if group is not worst for axis in group}
        return tuple(axis not in uncovered for axis in range(away.size))

    def _engages(self, step: int, step_in_chunk: int, error: float, help_requested: bool) -> bool:
        """Whether it corrects. A running intervention ignores `every` and the threshold."""
        if step < self._until_step:
            return True
        if help_requested:
            self._persist(step, step_in_chunk)
            return True
        if step % self.settings.every:
            return False
        self._errors_in_row = self._errors_in_row + 1 if error > self.settings.threshold else 0
        engages = self._errors_in_row > self.settings.patience
        if engages:
            self._persist(step, step_in_chunk)
        return engages

    def _persist(self, step: int, step_in_chunk: int) -> None:
        """Extend an intervention to the end of the running chunk at least (with `persist`)."""
        if self.settings.persist:
            rest_of_chunk = self._execute - max(0, step_in_chunk)
            self._until_step = step + max(1, rest_of_chunk, self.settings.persist_steps)
            self._errors_in_row = 0
