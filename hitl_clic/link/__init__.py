"""The link between actor and learner: messages, their encoding, and both ends."""
