"""Constructs that only make sense together."""
