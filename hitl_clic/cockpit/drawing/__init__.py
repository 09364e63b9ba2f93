"""Drawing of the window's parts with pygame. Runs in the window's process."""
