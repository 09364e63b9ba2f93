"""The method, pure numpy and torch: no I/O, no threads, no processes."""
