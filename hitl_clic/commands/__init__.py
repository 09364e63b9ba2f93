"""What `app.py`'s commands do: the only place that wires the rooms together, and the only one that prints."""
