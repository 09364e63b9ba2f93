"""The policy probe: does the newest policy comply with past corrections, and what is the energy around its chunk?

A thread of its own in the actor or in a replay, with a policy of its own. It checks the newest corrections every second
at most, and it computes the energy twice a second while it is shown. The main thread calls `add`, `start` and `close`;
whoever draws calls `compliance` and `energy_slice`. It never stops the loop: it yields to a due tick like the planner.
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
from hitl_clic.control.stand_still import StandStill
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
KNOWS_NOTHING = "The robot has learned nothing yet: it stands still"
PERIOD_S = 0.5
"""Between two landscapes, seconds."""
COMPLIANCE_EVERY_NS = 1_000_000_000
SIDE = 25
"""Points of a landscape on each axis."""


class Named(NamedTuple):
    """Weights, and what a person calls them."""

    weights: Weights
    name: str


Source = Callable[[LoopView | None], Named | str]
"""Gives the weights to ask at an instant, or says why there are none; called by the policy probe's thread."""


def newest(weights: Slot[Weights]) -> Source:
    """The newest weights that came, whatever the instant."""

    def give(view: LoopView | None) -> Named | str:
        del view
        came = weights.latest()
        return "No policy has come yet" if came is None else Named(came, f"policy v{came.version}")

    return give


def chosen_axes(chosen: Sequence[str], names: Sequence[str]) -> Axes:
    """The axes over which the energy is looked at: those chosen, or the task's first two.

    Raises:
        SettingsError: they are not two of the task's.
    """
    shown = chosen or names[:2]
    if len(shown) != 2 or not set(shown) <= set(names):
        raise SettingsError(
            f"window.energy_axes = {' '.join(shown)} is not allowed; allowed: two of {', '.join(names)}"
        )
    first, second = ((name, names.index(name)) for name in shown)
    return first, second


def follows(chunk: Array, pair: ChunkPair, radius_ratio: float, averaged: bool = False) -> bool:
    """Whether a chunk [H, dim_a] is what a pair asks for, on the coordinates of its mask.

    Absolute: it lies in the desired ball, gamma * ||a^r - a^h|| around a^h ([CC] Eq. 5). Relative: it lies beyond the
    robot's chunk, on the side to which the correction pointed. An `averaged` label is only about right: the chunk must
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
    """Radius of the desired ball around a^h where a plane through a^r along two axes cuts it; 0 where it does not.

    Args:
        away: a^h - a^r, [dim_a]. radius_ratio: gamma. axes: of the plane.
    """
    beside = np.delete(away, axes)
    square = radius_ratio**2 * float(away @ away) - float(beside @ beside)
    return math.sqrt(max(0.0, square))


def slice_edge(away: Array, length: float, axes: tuple[int, int]) -> float:
    """How far from a^r a plane along two axes meets the desired half-space, towards the teacher's action.

    The half-space is what lies nearer to the correction as it is learnt, `length` long at most, than to a^r.

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
        inbox: makes policies of weights; nobody else's. source: whose answers count. settings: for the desired spaces.
        keep: corrections. views: the newest instant, whose energy is looked at over the `axes` while `shown`.
        prepare: called once in the thread before all else.
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
        self._looked: tuple[LoopView | None, str] = (None, "")
        self._energy_slice: Slot[EnergySlice | str] = Slot()
        self._pairs: deque[ChunkPair] = deque(maxlen=keep)
        self._last_tick = -(10**9)
        self._compliance: Slot[Mapping[int, bool]] = Slot()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="policy-probe", daemon=True)
        self.error: Exception | None = None
        """What ended the thread, if anything did: the session goes on without its answers."""

    def add(self, pair: ChunkPair) -> None:
        """Take notice of a pair; the first of a correction is kept: there the teacher stepped in."""
        if pair.tick > self._last_tick + 1:
            self._pairs.append(pair)
        self._last_tick = pair.tick

    def compliance(self, first: int) -> bool | None:
        """Whether the policy would now do what the correction asked whose first pair has this id; None: not known."""
        answers = self._compliance.latest()
        return None if answers is None else answers.get(first)

    def energy_slice(self) -> EnergySlice | str:
        """The newest look at the energy, or a sentence why there is none."""
        return self._energy_slice.latest() or "One moment"

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
                looks = self._shown()
                judges = bool(pairs) and now_ns - asked_ns >= COMPLIANCE_EVERY_NS
                if not looks and not judges:
                    continue
                self._take(self._source(view))
                if looks and view is not None:
                    self.look(view)
                now = (self._version, pairs[-1].id if pairs else -1)
                if judges and now != asked:
                    asked, asked_ns = now, now_ns
                    self.examine(pairs)
        except Exception as error:
            self.error = error
            self._compliance.publish({})
            self._energy_slice.publish(f"The energy cannot be looked at any more: {error}")

    def _take(self, given: Named | str) -> None:
        """Make a policy of other weights; the last good one stays where they are refused."""
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

    def look(self, view: LoopView) -> None:
        """Look at the energy around what the robot was about to do at an instant."""
        policy, record = self._policy, view.record
        if isinstance(policy, StandStill):
            self._energy_slice.publish(KNOWS_NOTHING)
            return
        if record is None or policy is None or (view is self._looked[0] and self._name == self._looked[1]):
            return
        self._looked = (view, self._name)
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

    def examine(self, pairs: tuple[ChunkPair, ...]) -> None:
        """Ask the policy at each pair's state."""
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
