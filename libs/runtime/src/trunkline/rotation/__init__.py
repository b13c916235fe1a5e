"""Rotation of secrets."""

from trunkline.rotation.rotation import Rotation

__all__ = ["Rotation"]
