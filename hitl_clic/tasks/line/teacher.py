"""The scripted teacher of Line Following (pure pursuit). Pure; any thread."""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.line.line_following import POSITION_SCALE
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher


class LineFollowingTeacher(MemorylessTeacher):
    """Aims at the point `look_ahead` px beyond the hand's projection on the line, at most at the line's end.

    Args:
        speed: motion per step, px, at most 1. The published teacher's is 0.5.
        look_ahead: px along the line. Short values make the action change within a few px, which is hard to imitate.
    """

    name = "hitl_clic/LineFollowingTeacher/1"

    def __init__(self, speed: float = 0.5, look_ahead: float = 60.0) -> None:
        if not 0.0 < speed <= 1.0:
            raise ValueError(f"speed must be in (0, 1] px per step, got {speed}")
        if not look_ahead > 0.0:
            raise ValueError(f"look_ahead must be above 0 px, got {look_ahead}")
        self.speed = speed
        self.look_ahead = look_ahead

    def action(self, observation: Array) -> Array:
        """Action float32 [2] for an observation float32 [5]. Raises ValueError for another shape or NaN."""
        numbers = np.asarray(observation, dtype=np.float64)
        if numbers.shape != (5,) or not np.isfinite(numbers).all():
            raise ValueError(f"Line Following observation must be 5 finite numbers, got {numbers}")
        hand, start = numbers[0:2] * POSITION_SCALE, numbers[2:4] * POSITION_SCALE  # relative to the end
        length = float(np.hypot(start[0], start[1]))
        forward = -start / length if length > 0.0 else np.zeros(2)
        along = float(hand @ forward)  # 0 at the end, negative before it
        aim = min(along + self.look_ahead, 0.0) * forward
        way = aim - hand
        distance = float(np.hypot(way[0], way[1]))
        if distance == 0.0:
            return np.zeros(2, np.float32)
        return np.asarray(way * (min(self.speed, distance) / distance), dtype=np.float32)
