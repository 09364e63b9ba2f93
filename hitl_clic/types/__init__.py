"""Data shared by all packages: records, messages, scenes, errors. No logic beyond properties."""
