"""A customer's order, from the public API to the stored e-mail."""

from trunkline_devtools.journey.follow import FINAL, Followed, Step, follow
from trunkline_devtools.journey.steps import CARD, DECLINED_CARD, Placed, Shop

__all__ = ["CARD", "DECLINED_CARD", "FINAL", "Followed", "Placed", "Shop", "Step", "follow"]
