"""Terraform roots, one module each."""
