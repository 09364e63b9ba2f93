"""Push-T: push a T-shaped block onto its goal with a disc, on the physics of gym-pusht.

Runs in the thread that owns the environment: the actor's main loop, or a window that redraws snapshots. Uses only
gym-pusht's public API. Renders nothing and reads no device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hitl_clic.tasks.actions import PLANE_GROUPS, checked_action
from hitl_clic.tasks.pusht.state import (
    AGENT_RADIUS,
    GOAL,
    MIRROR,
    OBSERVATION_SIZE,
    SIDE,
    PushTState,
    agent_gap,
    decode,
    features,
    outline_in_scene,
)
from hitl_clic.tasks.task import Array, RenderMode, Task
from hitl_clic.types.scene import ActionFrame, Scene, Shape

if TYPE_CHECKING:
    from gym_pusht.envs.pusht import PushTEnv

ACTION_SCALE = 10.0
"""Distance from agent to target per unit of action, px."""
SUCCESS_COVERAGE = 0.80
_SETTLING_STEPS = 5
_SMALLEST_GAP = 5.0
"""Smallest distance between agent and block at the start of an episode, px."""
_SEPARATE_POSES = (60.0, 60.0, 300.0, 300.0, 0.0)
"""Poses of agent and block without any contact."""
_KIND = "hitl_clic/PushT-v0/1"


def coverage(x: float, y: float, angle: float) -> float:
    """Share of the goal covered by a T at this pose, 0 to 1.

    gym-pusht adds up the parts of the T in the order of a set. That order, and so the last bit, changes between
    processes; an exact replay needs a fixed order.
    """
    from shapely.geometry import Polygon

    goal = Polygon(outline_in_scene(*GOAL))
    return float(goal.intersection(Polygon(outline_in_scene(x, y, angle))).area / goal.area)


class PushT(Task):
    """Push the T until it covers more than 80 % of its goal.

    Observation, float32 [24]: see `pusht.state.features`. Action, float32 [2]: target of the agent relative to its
    position, in units of 10 px, clipped to the scene. 10 Hz.

    gym-pusht draws the start from the seed. Starts at the goal or in contact are drawn again. The physics settles for
    five steps after a reset.

    Contact solvers keep hidden state, so a snapshot is the start and all actions since. Taking one is free; restoring
    takes about 0.5 ms for each step of the episode.

    Args:
        max_steps: steps after which an episode is truncated.
        render_mode: see `Task`.
    """

    action_frame = ActionFrame(
        axes=("x", "y"), scale=(ACTION_SCALE, ACTION_SCALE), unit=("px", "px"), groups=PLANE_GROUPS
    )
    control_hz = 10.0
    symmetries = (MIRROR,)

    def __init__(self, max_steps: int = 500, render_mode: RenderMode | None = None) -> None:
        super().__init__(render_mode)
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        self.max_steps = max_steps
        # Positions are fractions of the scene. The block can be squeezed through a wall, so the bounds are wide.
        self.observation_space = spaces.Box(-4.0, 4.0, (OBSERVATION_SIZE,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._simulator: PushTEnv | None = None
        self._imagined: PushTEnv | None = None
        self._start = -1
        self._log: list[Array] = []
        self._state = PushTState(0.0, 0.0, 0.0, 0.0, 0.0)
        self._previous = self._current = np.zeros(OBSERVATION_SIZE // 2, np.float32)
        self._coverage = 0.0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        while True:
            self._begin(int(self.np_random.integers(2**31)))
            if self._coverage <= SUCCESS_COVERAGE and agent_gap(self._state) >= _SMALLEST_GAP:
                self.show_step()
                return self.observe(), self._info()

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        if self._start < 0:
            raise RuntimeError("call reset() before step()")
        self._advance(checked_action(action, 2))
        success = self._coverage > SUCCESS_COVERAGE
        truncated = not success and len(self._log) >= self.max_steps
        reward = min(1.0, self._coverage / SUCCESS_COVERAGE)
        self.show_step()
        return self.observe(), reward, success, truncated, self._info()

    def observe(self) -> Array:
        return np.concatenate([self._previous, self._current])

    def snapshot(self) -> bytes:
        if self._start < 0:
            raise RuntimeError("call reset() before snapshot()")
        actions = np.asarray(self._log, dtype="<f4").tobytes()
        return bytes(msgpack.packb({"task": _KIND, "start": self._start, "actions": actions}))

    def restore(self, snapshot: bytes) -> Array:
        try:
            content = msgpack.unpackb(snapshot)
            if content["task"] != _KIND:
                raise ValueError(f"made by {content['task']!r}")
            start = int(content["start"])
            actions = np.frombuffer(content["actions"], dtype="<f4").reshape(-1, 2)
            if not 0 <= start < 2**31 or not (np.abs(actions) <= 1.0).all():
                raise ValueError("its start or its actions are out of range")
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as problem:
            raise ValueError(f"not a snapshot of {_KIND}: {problem}") from problem
        self._begin(start)
        for action in actions:
            self._advance(action.astype(np.float32))
        return self.observe()

    def forecast(self, actions: Array) -> Array:
        """As in `Task`, in a second simulator with the present poses and velocities.

        The contact solver's hidden state is missing. In contact the error is below 0.1 px after four steps, mostly far
        less.
        """
        if self._start < 0:
            raise RuntimeError("call reset() before forecast()")
        checked = [checked_action(action, 2) for action in actions]
        if not checked:
            return self.observe()
        return _simulate(self._approximate_copy(), self._state, checked)

    def predict(self, observation: Array, actions: Array) -> Array:
        """As in `Task`, with agent and block at rest; the error is typically 1 px after two steps."""
        state = decode(observation)
        checked = [checked_action(action, 2) for action in actions]
        if not checked:
            return observation
        simulator = self._scratch_simulator()
        simulator.block.angle = state.angle  # first, as in `_approximate_copy`
        simulator.block.position = (state.block_x, state.block_y)
        simulator.agent.position = (state.agent_x, state.agent_y)
        return _simulate(simulator, state, checked)

    def scene(self) -> Scene:
        s = self._state
        hand = (s.agent_x, s.agent_y)
        shapes = (
            Shape("goal", outline_in_scene(*GOAL)),
            Shape("object", outline_in_scene(s.block_x, s.block_y, s.angle)),
            Shape("robot", (hand,), AGENT_RADIUS),
        )
        return Scene(size=(SIDE, SIDE), shapes=shapes, hand=hand, step=ACTION_SCALE)

    def progress(self) -> dict[str, Any]:
        return {"coverage": self._coverage}

    def close(self) -> None:
        super().close()
        for simulator in (self._simulator, self._imagined):
            if simulator is not None:
                simulator.close()
        self._simulator = self._imagined = None

    def _approximate_copy(self) -> PushTEnv:
        """A simulator in the present state, without the contact solver's hidden state."""
        assert self._simulator is not None
        imagined = self._scratch_simulator()
        for there, here in ((imagined.agent, self._simulator.agent), (imagined.block, self._simulator.block)):
            there.angle = here.angle  # first: a body turns about its centre of mass, which moves its origin
            there.position, there.velocity = here.position, here.velocity
            there.angular_velocity = here.angular_velocity
        return imagined

    def _scratch_simulator(self) -> PushTEnv:
        """The second simulator, with a new space and no contacts, so that results do not depend on earlier calls."""
        if self._imagined is None:
            self._imagined = _new_simulator()
        self._imagined.reset(seed=0, options={"reset_to_state": _SEPARATE_POSES})
        return self._imagined

    def _begin(self, start: int) -> None:
        """Start the episode that gym-pusht draws from this seed."""
        if self._simulator is None:
            self._simulator = _new_simulator()
        _, info = self._simulator.reset(seed=start)
        if not np.allclose(info["goal_pose"], GOAL):
            raise RuntimeError(f"this gym-pusht has its goal at {info['goal_pose']}, expected {GOAL}")
        for _ in range(_SETTLING_STEPS):
            *_, info = self._simulator.step(np.asarray(info["pos_agent"]))
        self._start, self._log = start, []
        self._read(info)
        self._previous = self._current

    def _advance(self, action: Array) -> None:
        assert self._simulator is not None
        *_, info = self._simulator.step(_target(self._state, action))
        self._log.append(action)
        self._previous = self._current
        self._read(info)

    def _read(self, info: dict[str, Any]) -> None:
        self._state = _state(info)
        self._current = features(self._state)
        self._coverage = coverage(self._state.block_x, self._state.block_y, self._state.angle)

    def _info(self) -> dict[str, Any]:
        return {"success": self._coverage > SUCCESS_COVERAGE, "coverage": self._coverage}


def _new_simulator() -> PushTEnv:
    from gym_pusht.envs.pusht import PushTEnv  # late, because it imports pygame and OpenCV

    simulator = PushTEnv(obs_type="state")
    simulator._get_coverage = lambda: 0.0  # its own takes half of a step, and only `coverage` is read
    return simulator


def _simulate(simulator: PushTEnv, state: PushTState, actions: list[Array]) -> Array:
    """The observation after these actions (at least one) in a simulator in this state."""
    previous = features(state)
    for action in actions:
        previous = features(state)
        *_, info = simulator.step(_target(state, action))
        state = _state(info)
    return np.concatenate([previous, features(state)])


def _target(state: PushTState, action: Array) -> NDArray[np.float64]:
    """The agent's target, px [2]."""
    agent = np.array([state.agent_x, state.agent_y])
    return np.asarray(np.clip(agent + ACTION_SCALE * action.astype(np.float64), 0.0, SIDE))


def _state(info: dict[str, Any]) -> PushTState:
    """The state in gym-pusht's info."""
    (agent_x, agent_y), (block_x, block_y, angle) = info["pos_agent"].tolist(), info["block_pose"].tolist()
    return PushTState(agent_x, agent_y, block_x, block_y, angle)
