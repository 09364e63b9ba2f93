"""What a person sees: the window process, the terminal dashboard, the report."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before anything here imports pygame, which prints otherwise
