"""HITL-CLIC: a person teaches a robot live, the robot learns while it moves."""
