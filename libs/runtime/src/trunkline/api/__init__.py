"""API calls."""

from trunkline.api.handler import ApiProgram

__all__ = ["ApiProgram"]
