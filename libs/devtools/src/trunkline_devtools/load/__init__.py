"""Load on the running shop, and the check of every order afterwards."""

from trunkline_devtools.load.evidence import collect, wait_until_settled
from trunkline_devtools.load.plan import LoadPlan, LoadResults, OrderMade, RequestStatistics
from trunkline_devtools.load.run import make_load
from trunkline_devtools.load.verify import Evidence, StoredOrder, find_faults

__all__ = [
    "Evidence",
    "LoadPlan",
    "LoadResults",
    "OrderMade",
    "RequestStatistics",
    "StoredOrder",
    "collect",
    "find_faults",
    "make_load",
    "wait_until_settled",
]
