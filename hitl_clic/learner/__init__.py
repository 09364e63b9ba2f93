"""The learner process: ingest, buffer, updates, checkpoints, publishing."""
