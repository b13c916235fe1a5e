"""Medians, quartiles and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Summary", "ratio"]


@dataclass(frozen=True)
class Summary:
    """The seconds of several runs."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the runs took less."""
        return statistics.median(self.runs)

    @property
    def quartiles(self) -> tuple[float, float]:
        """A quarter of the runs took less than the first, a quarter more than the second."""
        if len(self.runs) < 2:
            return self.runs[0], self.runs[0]
        first, _, third = statistics.quantiles(self.runs, n=4, method="inclusive")
        return first, third


def ratio(ours: Summary, theirs: Summary) -> float:
    """What ours cost as a part of theirs: of the medians."""
    return ours.median / theirs.median


def misses(ratios: Mapping[str, float], targets: Mapping[str, float]) -> Sequence[str]:
    """One line for each measure that is above its target."""
    return [
        f"{name} {ratios[name]:.2f}, at most {target}"
        for name, target in targets.items()
        if ratios[name] > target
    ]
