"""Only the newest of what is told about one aggregate."""

from trunkline.sequences.turns import Sequences, Stale, Turn

__all__ = ["Sequences", "Stale", "Turn"]
