"""The window's process, and the thread that talks to it."""
