"""Pictures of simulated robots, drawn from poses: in the window's process or another that has no loop to delay.

Knows stages and poses, no task; imports MuJoCo only once something is to be drawn.
"""
