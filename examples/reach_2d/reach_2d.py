"""Reach2d: move a point in the plane to a goal. A gymnasium environment and its scripted teacher."""

import gymnasium
import numpy as np
from gymnasium import spaces

STEP, NEAR = 0.05, 0.08  # metres for one unit of action and one step; distance that counts as reached
SIZE = 200  # pixels of a picture


def teacher(observation):
    """The scripted teacher, in the environment's own numbers: straight to the goal."""
    return np.clip((observation[2:] - observation[:2]) / STEP, -1.0, 1.0)


class Reach2d(gymnasium.Env):
    """Observation: hand and goal, m. Action: motion of the hand, 5 cm per unit and step."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # the rate at which it is taught
    observation_space = spaces.Box(-1.0, 1.0, (4,), np.float64)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    teacher = staticmethod(teacher)  # leave it out, and hands alone teach
    horizon = 4  # ticks of a planned chunk
    symmetries = ("-0 +1 -2 +3 > -0 +1", "+1 +0 +3 +2 > +1 +0")  # mirrored left and right; x and y exchanged

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.hand, self.goal = np.zeros(2), np.ones(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)  # all randomness comes from self.np_random
        self.hand, self.goal = self.np_random.uniform(-0.9, 0.9, (2, 2))
        return self._observation(), {"success": False}

    def step(self, action):
        self.hand = np.clip(self.hand + STEP * np.asarray(action, float), -1.0, 1.0)
        distance = float(np.linalg.norm(self.hand - self.goal))
        success = distance < NEAR
        return self._observation(), -distance, success, False, {"success": success}

    def render(self):
        """A picture, uint8 [rows, columns, 3]."""
        picture = np.full((SIZE, SIZE, 3), 245, np.uint8)
        places = np.mgrid[0:SIZE, 0:SIZE][::-1] / (SIZE / 2) - 1.0  # x and y of each pixel, y downwards
        for point, radius, color in ((self.goal, NEAR, (120, 190, 120)), (self.hand, 0.04, (40, 90, 200))):
            picture[((places - point[:, None, None]) ** 2).sum(0) < radius**2] = color
        return picture

    def _observation(self):
        return np.concatenate([self.hand, self.goal])
