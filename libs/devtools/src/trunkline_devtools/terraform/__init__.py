"""Running the real Terraform on the committed roots."""

from trunkline_devtools.terraform.binary import Terraform, find_terraform
from trunkline_devtools.terraform.environment import terraform_environment
from trunkline_devtools.terraform.events import (
    ChangeSummary,
    Diagnostic,
    Event,
    PlannedChange,
    ResourceEvent,
)
from trunkline_devtools.terraform.graph import reversed_graph, run_graph
from trunkline_devtools.terraform.providers import (
    fetch_provider,
    find_provider,
    provider_version,
)
from trunkline_devtools.terraform.root import RootRunner

__all__ = [
    "ChangeSummary",
    "Diagnostic",
    "Event",
    "PlannedChange",
    "ResourceEvent",
    "RootRunner",
    "Terraform",
    "fetch_provider",
    "find_provider",
    "find_terraform",
    "provider_version",
    "reversed_graph",
    "run_graph",
    "terraform_environment",
]
