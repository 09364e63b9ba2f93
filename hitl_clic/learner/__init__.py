"""The learner process: pairs in, weights out. Never imports tasks, devices or pygame."""
