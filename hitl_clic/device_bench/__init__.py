"""The device bench: live values, rate, jitter, calibration and tuning of one device."""
