"""Robot arms, from robosuite."""
