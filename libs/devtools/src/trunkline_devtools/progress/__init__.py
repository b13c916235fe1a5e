"""What a command tells the person while it works."""

from trunkline_devtools.progress.reporter import PhaseTime, Reporter
from trunkline_devtools.progress.roots import UNCHANGED, RootsProgress

__all__ = ["UNCHANGED", "PhaseTime", "Reporter", "RootsProgress"]
