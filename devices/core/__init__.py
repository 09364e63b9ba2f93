"""The device contract: samples, axes and the reader thread. No hardware."""
