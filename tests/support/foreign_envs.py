"""Small gymnasium environments of others: a good one and bad ones, as a lab might write them."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces


class Slider(gymnasium.Env):
    """A point in the plane to a goal: Dict observation, actions in [-2, 2], success in info, no time limit."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, size: float = 1.0) -> None:
        place = spaces.Box(-10.0, 10.0, (2,), np.float64)
        self.observation_space = spaces.Dict(
            {"goal": place, "hand": place, "image": spaces.Box(0, 255, (8, 8, 3), np.uint8)}
        )
        self.action_space = spaces.Box(-2.0, 2.0, (2,), np.float32)
        self.render_mode, self.size = render_mode, size
        self.hand, self.goal = np.zeros(2), np.zeros(2)

    def _seen(self):
        return {"goal": self.goal.copy(), "hand": self.hand.copy(), "image": np.zeros((8, 8, 3), np.uint8)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.hand, self.goal = self.np_random.uniform(-self.size, self.size, (2, 2))
        return self._seen(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.hand = self.hand + 0.05 * action
        near = bool(np.linalg.norm(self.hand - self.goal) < 0.1)
        return self._seen(), -float(np.linalg.norm(self.hand - self.goal)), False, False, {"is_success": near}

    def render(self):
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[:, : int(np.clip(30 + 20 * self.hand[0], 0, 59)) + 1] = 200
        return picture


class HiddenState(Slider):
    """Keeps its state where no copy of attributes reaches: repeats from seed and actions alone."""

    def reset(self, *, seed=None, options=None):
        seen = super().reset(seed=seed)
        self._walk = iter(self._drift(float(self.hand[0])))
        return seen

    @staticmethod
    def _drift(start):
        while True:
            start = 3.9 * abs(start % 1.0) * (1 - abs(start % 1.0))
            yield 0.01 * start

    def step(self, action):
        self.hand = self.hand + next(self._walk)
        return super().step(action)


class Unrepeatable(Slider):
    """Draws from a generator that no seed reaches."""

    def step(self, action):
        self.hand = self.hand + np.random.default_rng().normal(0, 0.01, 2)
        return super().step(action)


class BreaksAtStep(Slider):
    """Its step raises after some steps."""

    def __init__(self, render_mode: str | None = None, after: int = 200) -> None:
        super().__init__(render_mode)
        self.steps, self.after = 0, after

    def step(self, action):
        self.steps += 1
        if self.steps > self.after:
            raise OSError("the motor is too hot")
        return super().step(action)


class ObservesNan(Slider):
    """Observes a number that is none."""

    def _seen(self):
        return super()._seen() | {"hand": np.array([0.0, np.nan])}


class ImagesOnly(Slider):
    """Observes a picture."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.observation_space = spaces.Box(0, 255, (64, 64, 3), np.uint8)


class DiscreteActions(Slider):
    """Left or right."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.Discrete(4)


class NeverEnds(Slider):
    """No success, no termination, no time limit."""

    def step(self, action):
        observation, reward, *_ = super().step(action)
        return observation, reward, False, False, {}


def slider_teacher(observation):
    """Straight to the goal, in the environment's own numbers."""
    return np.clip(20 * (observation["goal"] - observation["hand"]), -2.0, 2.0)


def teacher_with_info(observation, info):
    """The same, which also reads info."""
    assert "is_success" in info or info == {}
    return slider_teacher(observation)


class PolicyObject:
    """A policy as Stable-Baselines3 has it."""

    def predict(self, observation, state=None, deterministic=True):
        return slider_teacher(observation), None
