"""Writes e-mails from templates and sends them."""
