"""The scripted teacher as a device, with models of human error; and the playback of recorded corrections."""
