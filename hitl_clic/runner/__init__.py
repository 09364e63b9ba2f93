"""Builds and runs a session: wires tasks, devices, control, learner, link and cockpit together."""
