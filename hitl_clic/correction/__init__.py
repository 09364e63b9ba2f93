"""How a device's motion becomes a label: mapping, filters, padding, pairs, undo. Pure numpy."""
