"""From raw readings to motion and commands: response curves, profiles, bindings. Pure."""
