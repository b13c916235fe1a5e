"""Functions run as AWS runs them: in processes that share nothing with the cloud."""

from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.functions.environment import ExecutionEnvironment, Invocation, Outcome
from trunkline_localcloud.functions.pool import EnvironmentPool
from trunkline_localcloud.functions.runtime import FunctionRuntime

__all__ = [
    "EnvironmentPool",
    "FunctionRuntime",
    "ExecutionEnvironment",
    "FunctionVersion",
    "Invocation",
    "Outcome",
]
