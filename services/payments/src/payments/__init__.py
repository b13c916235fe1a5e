"""Charges the card for each placed order, once."""
