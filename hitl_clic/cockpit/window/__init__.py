"""The window's process, and the actor's thread that exchanges messages with it."""
