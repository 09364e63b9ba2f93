"""Baseline methods: behaviour cloning, flow matching and implicit behaviour cloning, on the same pairs and trainer.

Pure torch: no I/O, no threads, no processes. All baselines use the human chunk as the label. For a relative correction
the label is a^r + e h, because baselines cannot use a direction alone.
"""
