"""Hammer, from Meta-World."""
