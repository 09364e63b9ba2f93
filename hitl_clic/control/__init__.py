"""The real-time loop: clock, gate, chunk queue, planner thread, pairs. Never imports torch."""
