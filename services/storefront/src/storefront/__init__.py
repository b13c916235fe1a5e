"""The shop's public face."""
