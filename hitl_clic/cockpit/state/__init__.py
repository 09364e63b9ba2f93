"""What the window shows, as data."""
