"""Line Following: follow a line with a point."""
