"""Draws the window's parts with pygame. Runs in the window's process, and in processes that write pictures."""
