"""Hosts on the internet that a handler calls."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.invocation import Uses
from trunkline.manifest.model import EgressNeed


@dataclass(frozen=True)
class Outbound:
    """One host; only functions that declare it get a way out."""

    host: str

    def granted(self) -> Uses:
        """What a handler with this way out may use."""
        return Uses(needs=frozenset({EgressNeed(host=self.host)}))
