"""Drivers of input hardware. Each device runs in its own reader thread."""
