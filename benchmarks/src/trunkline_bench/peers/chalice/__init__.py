"""Chalice, through its Lambda entry points."""
