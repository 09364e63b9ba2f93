"""Everything a teacher can hold, and the scripted oracle. Knows nothing of policies or tasks."""
