"""The learner process: takes correction pairs, publishes weights. Never imports tasks, devices or pygame."""
