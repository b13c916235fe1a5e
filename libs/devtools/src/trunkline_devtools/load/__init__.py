"""Load on the running shop, and the check of every order afterwards.

What needs boto3 is not re-exported: the process that makes the load imports this package, and
locust must patch the standard library before anything opens connections.
"""

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
    "find_faults",
    "make_load",
]
