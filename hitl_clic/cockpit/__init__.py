"""What the teacher sees: the window, the terminal dashboard and the report."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before any import of pygame, which else prints a greeting
