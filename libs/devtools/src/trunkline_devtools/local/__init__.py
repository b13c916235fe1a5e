"""The platform on this machine: brought up, taken down, looked at."""

from trunkline_devtools.local.deployment import local_deployment
from trunkline_devtools.local.down import take_down
from trunkline_devtools.local.first_order import as_json as order_as_json
from trunkline_devtools.local.first_order import run_order
from trunkline_devtools.local.platform import LocalPlatform, RunningPlatform
from trunkline_devtools.local.status import facts, table
from trunkline_devtools.local.up import Up, bring_up, shut_down

__all__ = [
    "LocalPlatform",
    "RunningPlatform",
    "Up",
    "bring_up",
    "facts",
    "local_deployment",
    "order_as_json",
    "run_order",
    "shut_down",
    "table",
    "take_down",
]
