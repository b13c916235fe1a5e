"""An environment's roots, applied, planned and destroyed in order, with bundles and releases."""

from trunkline_devtools.deploy.apply import Applied, RootsApply
from trunkline_devtools.deploy.deployment import Deployment, cloud_deployment
from trunkline_devtools.deploy.order import destroy_roots, plan_roots
from trunkline_devtools.deploy.tools import TerraformTools
from trunkline_devtools.deploy.variables import LOCAL_API_URL, RootVariables

__all__ = [
    "LOCAL_API_URL",
    "Applied",
    "Deployment",
    "RootVariables",
    "RootsApply",
    "TerraformTools",
    "cloud_deployment",
    "destroy_roots",
    "plan_roots",
]
