"""The simulated tasks (gymnasium environments with exact snapshots) and a scripted teacher for each."""
