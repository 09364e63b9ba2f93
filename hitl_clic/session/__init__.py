"""Recorded sessions: writing, reading, replaying and verifying."""
