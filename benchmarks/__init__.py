"""Figures of this machine, one module and one JSON line each: `python -m benchmarks.loop` and so on."""
