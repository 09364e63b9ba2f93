"""Environments of others as tasks: gymnasium, robosuite, Meta-World, and classes of one's own."""
