"""The policy probe: checks the newest policy against past corrections, and computes the energy around its chunk.

A thread of its own in the actor or in a replay, with a policy of its own. It checks the newest corrections at
most once a second, and computes the energy twice a second while the window shows it. The main thread calls `add`,
`start` and `close`; the threads that draw call `compliance` and `energy_slice`. The probe yields to a due tick, like
the planner.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hitl_clic.cockpit.state.state import EnergySlice
from hitl_clic.control.plan import StandStill
from hitl_clic.devices.core.slot import Slot
from hitl_clic.runner.policy_inbox import Policy, PolicyInbox
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import Array
from hitl_clic.types.view import LoopView

Axes = tuple[tuple[str, int], tuple[str, int]]
"""Names and indices of two action axes."""
NO_ENERGY = "This method has no energy: its policy compares no actions"
LOADING = "The energy is being computed"
KNOWS_NOTHING = "The robot has learnt nothing yet: it stands still"
PERIOD_S = 0.5
"""Time between two energy slices, s."""
COMPLIANCE_EVERY_NS = 1_000_000_000
SIDE = 25
"""Points of an energy slice on each axis."""


class NamedWeights(NamedTuple):
    """Weights and their name in the window."""

    weights: Weights
    name: str


Source = Callable[[LoopView | None], NamedWeights | str]
"""Gives the weights to probe at an instant, or a sentence why there are none. Called in the probe's thread."""


def newest_weights(weights: Slot[Weights]) -> Source:
    """A source of the newest weights that arrived, at any instant."""

    def give(view: LoopView | None) -> NamedWeights | str:
        del view
        came = weights.latest()
        return "No policy has arrived yet" if came is None else NamedWeights(came, f"policy v{came.version}")

    return give


def slice_axes(chosen: Sequence[str], names: Sequence[str]) -> Axes:
    """The two axes of the energy slice: those of the settings, or the task's first two.

    Raises:
        SettingsError: the names are not two of the task's axes.
    """
    shown = chosen or names[:2]
    if len(shown) != 2 or not set(shown) <= set(names):
        raise SettingsError(
            f"window.energy_axes = {' '.join(shown)} is not allowed; allowed: two of {', '.join(names)}"
        )
    first, second = ((name, names.index(name)) for name in shown)
    return first, second


def follows(chunk: Array, pair: ChunkPair, radius_ratio: float, averaged: bool = False) -> bool:
    """Whether a chunk [H, dim_a] complies with a pair, on the coordinates of its mask.

    Absolute: it lies in the desired ball, gamma * ||a^r - a^h|| around a^h ([CC] Eq. 5). Relative: it lies beyond the
    robot's chunk, on the side to which the correction pointed. An `averaged` label is approximate: the chunk must
    lie nearer to it than to the robot's.
    """
    asked = (pair.human - pair.robot) * pair.mask
    if pair.correction_mode == "relative":
        return float(np.sum((chunk - pair.robot) * asked)) > 0.0
    away = float(np.linalg.norm((chunk - pair.human) * pair.mask))
    if averaged:
        return away < float(np.linalg.norm((chunk - pair.robot) * pair.mask))
    return away <= radius_ratio * float(np.linalg.norm(asked)) + 1e-6


def slice_radius(away: Array, radius_ratio: float, axes: tuple[int, int]) -> float:
    """Radius of the desired ball around a^h in the plane through a^r along two axes; 0 if they do not meet.

    Args:
        away: a^h - a^r, [dim_a]. radius_ratio: gamma. axes: of the plane.
    """
    beside = np.delete(away, axes)
    square = radius_ratio**2 * float(away @ away) - float(beside @ beside)
    return math.sqrt(max(0.0, square))


def slice_edge(away: Array, length: float, axes: tuple[int, int]) -> float:
    """Distance from a^r at which a plane along two axes meets the desired half-space, towards a^h.

    The half-space holds the actions nearer to the learnt correction (at most `length` long) than to a^r.

    Args:
        away: a^h - a^r, [dim_a]. length: `policy.relative_length`. axes: of the plane.
    """
    far, within = float(np.linalg.norm(away)), float(np.linalg.norm(away[list(axes)]))
    if within <= 0.0:
        return 0.0
    return min(far, length) / 2.0 * far / within


def levels(energies: Array) -> bytes:
    """Energies as bytes, row by row: 0 the least, 255 the upper quartile and above."""
    low, high = float(energies.min()), float(np.quantile(energies, 0.75))
    share = (energies - low) / max(high - low, 1e-9)
    return np.clip(255.0 * share, 0.0, 255.0).astype(np.uint8).tobytes()


class PolicyProbe:
    """Keeps the first pair of each of the newest corrections and the newest policy's answer to it.

    Args:
        inbox: makes policies of weights; the probe's own. source: the weights to probe. settings: of the session.
        keep: number of corrections. views: the newest instant. axes: of the energy slice. shown: whether the window
            shows it. prepare: called once in the thread before all else.
    """

    def __init__(
        self,
        inbox: PolicyInbox,
        source: Source,
        settings: SessionSettings,
        keep: int,
        views: Slot[LoopView],
        axes: Axes = (("x", 0), ("y", 1)),
        shown: Callable[[], bool] = lambda: False,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._inbox, self._source, self._prepare = inbox, source, prepare
        self._method, self._averaged = settings.policy, settings.correction.label_average_s > 0
        self._views, self._axes, self._shown = views, axes, shown
        self._policy: Policy | None = None
        self._version = -1
        self._name = ""
        self._sliced: tuple[LoopView | None, str] = (None, "")
        self._energy_slice: Slot[EnergySlice | str] = Slot()
        self._pairs: deque[ChunkPair] = deque(maxlen=keep)
        self._last_tick = -(10**9)
        self._compliance: Slot[Mapping[int, bool]] = Slot()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="policy-probe", daemon=True)
        self.error: Exception | None = None
        """The exception that ended the thread; the session goes on without the probe."""

    def add(self, pair: ChunkPair) -> None:
        """Take in a pair; the first of each correction is kept."""
        if pair.tick > self._last_tick + 1:
            self._pairs.append(pair)
        self._last_tick = pair.tick

    def compliance(self, first: int) -> bool | None:
        """Whether the policy complies with the correction whose first pair has this id; None: not known."""
        answers = self._compliance.latest()
        return None if answers is None else answers.get(first)

    def energy_slice(self) -> EnergySlice | str:
        """The newest energy slice, or a sentence why there is none."""
        return self._energy_slice.latest() or LOADING

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Safe to call twice, and before `start`."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        if self._prepare is not None:
            self._prepare()
        asked, asked_ns = (-1, -1), 0
        try:
            while not self._closing.wait(PERIOD_S):
                view, pairs, now_ns = self._views.latest(), tuple(self._pairs), time.perf_counter_ns()
                wants_slice = self._shown()
                wants_compliance = bool(pairs) and now_ns - asked_ns >= COMPLIANCE_EVERY_NS
                if not wants_slice and not wants_compliance:
                    continue
                self._take(self._source(view))
                if wants_slice and view is not None:
                    self.update_slice(view)
                now = (self._version, pairs[-1].id if pairs else -1)
                if wants_compliance and now != asked:
                    asked, asked_ns = now, now_ns
                    self.update_compliance(pairs)
        except Exception as error:
            self.error = error
            self._compliance.publish({})
            self._energy_slice.publish(f"The energy is no longer computed: {error}")

    def _take(self, given: NamedWeights | str) -> None:
        """Make a policy of new weights; the last good one stays if they are refused."""
        if isinstance(given, str):
            self._energy_slice.publish(given)
            return
        if given.weights.version != self._version:
            self._version = given.weights.version
            self._inbox.receive(given.weights)
            fetched = self._inbox.fetch()
            if fetched is None:
                self._energy_slice.publish(self._inbox.why_refused)
                return
            self._policy = fetched[0]
        if self._policy is not None and self._policy.version == self._version:
            self._name = given.name

    def update_slice(self, view: LoopView) -> None:
        """Compute the energy around the robot's chunk at an instant."""
        policy, record = self._policy, view.record
        if isinstance(policy, StandStill):
            self._energy_slice.publish(KNOWS_NOTHING)
            return
        if record is None or policy is None or (view is self._sliced[0] and self._name == self._sliced[1]):
            return
        self._sliced = (view, self._name)
        rest = () if view.robot_chunk is None else tuple(view.robot_chunk)
        steps = [record.robot_action, *rest][: policy.horizon]
        chunk = np.stack([*steps, *[steps[-1]] * (policy.horizon - len(steps))])
        (first, i), (second, j) = self._axes
        energies = policy.energy_slice(record.observation, chunk, (i, j), SIDE)
        if energies is None:
            self._energy_slice.publish(NO_ENERGY)
            return
        human = record.human_action
        radius, edge = None, 0.0
        if human is not None:
            away = human - record.robot_action
            if record.correction_mode == "absolute":
                radius = slice_radius(away, self._method.follow_ratio, (i, j))
            else:
                edge = slice_edge(away, self._method.relative_length, (i, j))
        self._energy_slice.publish(
            EnergySlice(
                policy=self._name,
                axes=(first, second),
                side=SIDE,
                levels=levels(energies),
                robot=(float(record.robot_action[i]), float(record.robot_action[j])),
                human=None if human is None else (float(human[i]), float(human[j])),
                radius=radius,
                edge=edge,
            )
        )

    def update_compliance(self, pairs: tuple[ChunkPair, ...]) -> None:
        """Plan at each pair's state and compare."""
        policy = self._policy
        if policy is None:
            return
        answers = {}
        for pair in pairs:
            if self._closing.is_set():
                return
            nothing = np.zeros((0, pair.human.shape[1]), np.float32)
            chunk = policy.plan(pair.state, nothing, None).chunk
            answers[pair.id] = follows(chunk, pair, self._method.follow_ratio, averaged=self._averaged)
        self._compliance.publish(answers)
