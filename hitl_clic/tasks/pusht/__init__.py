"""Push-T: push a T-shaped block onto its goal."""
