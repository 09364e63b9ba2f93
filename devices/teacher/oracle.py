"""When a scripted teacher steps in, and how. Pure: no threads, no clocks; called by the oracle's reader thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.devices.core.axes import base
from hitl_clic.devices.teacher import noise
from hitl_clic.devices.teacher.keypress_model import KeypressModel, nudged, pressed
from hitl_clic.types.records import CorrectionMode


class OracleSettings(BaseModel):
    """How the scripted teacher behaves as a device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_hz: float = Field(200.0, gt=0, le=2000, description="Samples of the oracle per second, like any device's.")
    latency_s: float = Field(
        0.0, ge=0, le=10, description="Seconds from a decision to the sample that carries it; at full pace their ticks."
    )
    delay_steps: int = Field(
        0, ge=0, le=100, description="Ticks by which a correction comes late; 1 is the published reference's timing."
    )
    every: int = Field(
        1, ge=1, le=1000, description="It decides on every n-th step whether to step in; the reference: 2."
    )
    threshold: float = Field(0.2, ge=0, le=10, description="Steps in when |a* - a^r| exceeds this, units of action.")
    persist: bool = Field(True, description="Once it steps in, it drives to the end of the running chunk (Ta steps).")
    patience: int = Field(
        0,
        ge=0,
        le=1000,
        description="Decisions in a row at which the robot is wrong before it steps in.",
    )
    persist_steps: int = Field(0, ge=0, le=1000, description="Steps it drives at least, once it steps in (persist).")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Seed of its noise.")
    direction_noise_deg: float = Field(0.0, ge=0, le=180, description="Degrees by which its direction errs.")
    magnitude_noise: float = Field(
        0.0, ge=0, le=10, description="Size of a correction is multiplied by a draw from 0.001 to this; 0: off."
    )
    gaussian_noise: bool = Field(False, description="Add a tremor of up to half the correction's length.")
    press_steps: int = Field(
        0,
        ge=0,
        le=1000,
        description="It presses keys: each axis fully forward, fully back or not at all. It keeps a press for at "
        "least so many ticks; 0: any direction and strength, new at each tick.",
    )
    precise_scale: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Speed of its presses while it also holds the key for slow motion; 1: it has no such key.",
    )
    buttons: tuple[str, ...] = Field(
        ("gripper",),
        description="Axes, of every arm, that it switches between their ends by a button (with press_steps), as people "
        "do; they are read absolutely also while corrections are relative.",
    )
    anticipation: float = Field(
        0.0,
        ge=0,
        le=10,
        description="As people allow for their own latest motions: for each unit of motion that it has decided on and "
        "that is not executed yet, it wants this much less, units of action.",
    )
    foresight: bool = Field(
        False,
        description="As people do, it predicts the state at which its motion will be executed, from the robot's plan "
        "and its own pending motions, and does what is right there. For tasks with a model (`Task.predict`).",
    )
    wrong_presses: float = Field(0.0, ge=0, le=1, description="Share of its presses that are of random keys.")
    partial: tuple[str, ...] = Field(
        (),
        description="Groups of axes, each as names joined by commas: a correction is about the group with the largest "
        "error and about axes in no group; the robot keeps the others. Nothing: about all axes.",
    )


class Answer(NamedTuple):
    """What the oracle does at one tick.

    Attributes:
        motion: one number per axis; all zero where it does not engage. engage: whether it steps in.
        teaches: which axes the correction is about; None is all.
    """

    motion: tuple[float, ...]
    engage: bool
    teaches: tuple[bool, ...] | None = None


def axis_groups(partial: Sequence[str], axes: Sequence[str]) -> list[list[int]]:
    """The axes' indices in each group of `OracleSettings.partial`.

    Raises:
        ValueError: a group names no axis of these, or an axis is named twice.
    """
    groups = [[name.strip() for name in group.split(",")] for group in partial]
    named = [name for group in groups for name in group]
    for name in named:
        if name not in axes:
            raise ValueError(f"oracle.partial names the axis {name!r}; allowed here: {', '.join(axes)}")
        if named.count(name) > 1:
            raise ValueError(f"oracle.partial names the axis {name!r} twice; an axis is in one group at most")
    return [[list(axes).index(name) for name in group] for group in groups]


class Oracle:
    """Decides, tick by tick, whether the teacher engages and with which motion.

    Keeps the end of an intervention and the noise generator; `begin` starts an episode.
    """

    def __init__(
        self,
        settings: OracleSettings,
        execute: int,
        axes: Sequence[str] = (),
        relative_step: float = 2.0,
        behind: int = 0,
    ) -> None:
        """`execute` is Ta, the steps of a chunk that are executed before the next plan; `axes` names the action's;
        `relative_step` is e: how far a full push moves an axis whose corrections are relative, units of action;
        `behind` is how many ticks later its answers are carried out.

        Raises:
            ValueError: `execute` is less than 1, or `partial` does not fit the axes.
        """
        if execute < 1:
            raise ValueError(f"execute = {execute} is not allowed; a chunk runs for at least 1 step")
        self.settings, self.axes = settings, tuple(axes)
        self._groups = axis_groups(settings.partial, axes)
        self._execute, self._relative_step = execute, relative_step
        self._until_step = 0
        self._wrong = 0
        self._late: deque[Answer] = deque()
        """Decided and held back for `delay_steps`, oldest first."""
        self._coming: deque[Answer] = deque(maxlen=behind)
        """Decided and not carried out yet, oldest first."""
        self._generator = np.random.default_rng((settings.seed, 0))
        self._fingers = KeypressModel(settings.press_steps, settings.wrong_presses) if settings.press_steps else None
        pressed = settings.buttons if self._fingers is not None else ()
        self._buttons = np.array([base(name) in pressed for name in axes], bool)

    def begin(self, episode: int) -> None:
        """Start an episode: no intervention running, noise seeded by (seed, episode)."""
        self._until_step = 0
        self._wrong = 0
        self._late.clear()
        self._coming.clear()
        self._generator = np.random.default_rng((self.settings.seed, episode))
        if self._fingers is not None:
            self._fingers.lift()

    def decide(
        self,
        step: int,
        step_in_chunk: int,
        wanted: NDArray,
        robot: NDArray,
        kind: CorrectionMode,
        asked: bool = False,
        coming: NDArray | float = 0.0,
        then: NDArray | None = None,
    ) -> Answer:
        """The motion, whether to engage, and what it is about.

        Args:
            step: number in the episode. step_in_chunk: place of `robot` in the robot's running chunk.
            wanted: a*, float [dim_a] in [-1, 1]. robot: a^r for the same state.
            kind: how the motion will be read. asked: the robot stands still and asks for help.
            coming: sum of the motions that its answers gave and that the loop has yet to read, [dim_a].
            then: what it wants when this motion will be carried out, [dim_a], where it foresees that.

        Returns:
            the answer of this tick, or of the one `delay_steps` earlier; asked, it answers at once and steps in.
        """
        wrong_by = float(np.linalg.norm(np.asarray(wanted, np.float64) - np.asarray(robot, np.float64)))
        engages = self._engages(step, step_in_chunk, wrong_by, asked)
        aim = wanted if then is None or not engages else then
        now = self._answer(step, engages, aim, robot, kind, self._ahead(coming, kind))
        if asked:
            self._late.clear()
            self._coming.clear()
            return now
        self._coming.append(now)
        self._late.append(now)
        if len(self._late) > self.settings.delay_steps:
            return self._late.popleft()
        return Answer((0.0,) * wanted.size, False)

    def until_then(self, plan: NDArray, kind: CorrectionMode) -> NDArray:
        """What it expects to be done before the motion that it decides on next is carried out, [behind, dim_a].

        `plan`: what is left of the robot's running chunk, [k, dim_a], k >= 1; its last step goes on. A robot that is
        driven plans again at each tick, mostly the same: its first step goes on.
        """
        steps = self._coming.maxlen or 0
        if any(answer.engage for answer in self._coming):
            plan = plan[:1]
        actions = np.array(plan[np.minimum(np.arange(steps), len(plan) - 1)], np.float64)
        buttons = self._buttons if self._buttons.size else np.zeros(plan.shape[1], bool)
        for place, answer in enumerate(self._coming, start=steps - len(self._coming)):
            if answer.engage:
                motion = np.asarray(answer.motion)
                driven = actions[place] + self._relative_step * motion if kind == "relative" else motion
                actions[place] = np.clip(np.where(buttons, motion, driven), -1.0, 1.0)
        return actions

    def _ahead(self, coming: NDArray | float, kind: CorrectionMode) -> NDArray:
        """How much less it wants because of pending motions, those that it holds back itself included."""
        coming = coming + np.sum([answer.motion for answer in self._late], axis=0)
        reach = self._relative_step if kind == "relative" else 1.0
        return np.asarray(self.settings.anticipation * reach * coming, np.float64)

    def _answer(
        self, step: int, engages: bool, wanted: NDArray, robot: NDArray, kind: CorrectionMode, ahead: NDArray
    ) -> Answer:
        settings = self.settings
        away = np.asarray(wanted, np.float64) - np.asarray(robot, np.float64)
        buttons = self._buttons if self._buttons.size else np.zeros(wanted.size, bool)
        content = float(np.linalg.norm(away[~buttons])) <= settings.threshold
        if not engages or (kind == "relative" and content):  # within the threshold there is nothing to correct
            if self._fingers is not None:
                self._fingers.lift()
            held = np.where(buttons & engages, np.sign(wanted), 0.0)
            return Answer(tuple(float(value) for value in held), engages)
        noisy = away
        if settings.direction_noise_deg:
            noisy = noise.turn(noisy, settings.direction_noise_deg, self._generator)
        if settings.magnitude_noise:
            noisy = noise.weaken(noisy, settings.magnitude_noise, self._generator)
        if settings.gaussian_noise:
            noisy = noise.tremble(noisy, kind, self._generator)
        # without noise a* itself is given, not a^r + (a* - a^r), which rounds
        action = np.asarray(wanted if noisy is away else np.clip(robot + noisy, -1.0, 1.0), np.float64)
        if self.settings.anticipation:
            action = np.clip(action - ahead, -1.0, 1.0)
        if self._fingers is not None:
            # people soon find the keys that make the robot go where they want
            way = np.where(buttons, robot if kind == "relative" else 0.0, action)
            speeds = (1.0, settings.precise_scale)
            best = nudged(robot, way, self._relative_step, speeds) if kind == "relative" else pressed(way, speeds)
            keys = self._fingers.press(step, best, self._generator)
            motion = np.where(buttons, np.sign(wanted), keys)
        elif kind == "relative":
            motion = (action - robot) / self._relative_step
            motion = motion / max(1.0, float(np.abs(motion).max()))  # a longer correction keeps its direction
        else:
            motion = action
        teaches = self._about(away)
        if teaches is not None:  # after the noise, which must not change the axes left alone
            motion = np.where(teaches, motion, 0.0 if kind == "relative" else robot)
        return Answer(tuple(float(value) for value in np.clip(motion, -1.0, 1.0)), True, teaches)

    def _about(self, away: NDArray) -> tuple[bool, ...] | None:
        """Which axes a correction by `away` is about: all but those of the groups that err less; None is all."""
        if not self._groups:
            return None
        worst = max(self._groups, key=lambda group: float(np.linalg.norm(away[group])))
        left_alone = {axis for group in self._groups if group is not worst for axis in group}
        return tuple(axis not in left_alone for axis in range(away.size))

    def _engages(self, step: int, step_in_chunk: int, distance: float, asked: bool) -> bool:
        """Whether it drives. A running intervention needs neither a turn nor the threshold."""
        if step < self._until_step:
            return True
        if asked:
            self._drive_on(step, step_in_chunk)
            return True
        if step % self.settings.every:
            return False
        self._wrong = self._wrong + 1 if distance > self.settings.threshold else 0
        engages = self._wrong > self.settings.patience
        if engages:
            self._drive_on(step, step_in_chunk)
        return engages

    def _drive_on(self, step: int, step_in_chunk: int) -> None:
        """After it stepped in, it drives to the end of the running chunk at least (persist)."""
        if self.settings.persist:
            rest_of_chunk = self._execute - max(0, step_in_chunk)
            self._until_step = step + max(1, rest_of_chunk, self.settings.persist_steps)
            self._wrong = 0
