"""What a device is: the contract, samples, axes, the reader thread. No hardware."""
