"""Pictures of tasks: flat scenes, and simulated robots from their poses.

Imports MuJoCo and pygame only once something is to be drawn.
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before anything here imports pygame, which prints otherwise
