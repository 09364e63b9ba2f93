"""The wire between the actor and the learner: messages, their encoding, and the two ends."""
