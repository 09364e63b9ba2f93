"""The scripted teacher as a device, and the errors it can make."""
