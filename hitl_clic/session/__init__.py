"""Recorded sessions: recording, reading, replay and verification."""
