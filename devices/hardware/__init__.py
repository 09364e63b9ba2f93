"""Devices that a person holds. Each runs in its own reader thread."""
