"""Trunkline: the service is declared, and everything else follows."""
