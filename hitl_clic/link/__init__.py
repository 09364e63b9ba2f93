"""The wire between actor and learner: message schema, actor side, learner side."""
