"""Images of tasks: flat scenes, and simulated robots from their poses.

Imports MuJoCo and pygame only when something is drawn.
"""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before any import of pygame, which else prints a greeting
