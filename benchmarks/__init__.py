"""Benchmarks. Each module is one command, such as `python -m benchmarks.loop`, and writes JSON lines to stdout."""
