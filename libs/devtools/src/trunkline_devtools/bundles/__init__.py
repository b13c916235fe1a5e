"""Lambda bundles: reproducible, without Docker, for this machine or for the cloud."""

from trunkline_devtools.bundles.bundle import Bundle, BundleBuilder
from trunkline_devtools.bundles.packages import LocalPackage, LocalPackages, normalised
from trunkline_devtools.bundles.target import CLOUD, Target, this_machine

__all__ = [
    "CLOUD",
    "Bundle",
    "BundleBuilder",
    "LocalPackage",
    "LocalPackages",
    "Target",
    "normalised",
    "this_machine",
]
