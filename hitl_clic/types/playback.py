"""How robomimic's tools rebuild a task in their own simulator. Pure data; any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Playback:
    """One episode's simulator.

    Attributes:
        env_args: robomimic's: env_name, type, env_version, env_kwargs; holds only JSON values.
        model: MuJoCo's model as XML.
        action_scale: float64 [dim_a], what an action is multiplied with before the simulator's own step takes it.
    """

    env_args: Mapping[str, Any]
    model: str
    action_scale: NDArray[np.float64]
