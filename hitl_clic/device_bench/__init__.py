"""The device test: live values, rate, jitter and tuning of one device."""
