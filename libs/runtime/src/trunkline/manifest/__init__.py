"""The manifest of a service, the names of things in AWS, and the variables of functions."""

from trunkline.errors import GraphError, ManifestError
from trunkline.manifest.dump import dump
from trunkline.manifest.graph import Graph, callers_of, calls_of, check, publisher_of
from trunkline.manifest.load import FILE_NAME, load_all, load_manifest
from trunkline.manifest.model import (
    SCHEMA_VERSION,
    Api,
    CallNeed,
    EgressNeed,
    EmailNeed,
    Function,
    Manifest,
    Need,
    PublishNeed,
    Route,
    Secret,
    SecretNeed,
    SendNeed,
    Setting,
    SettingNeed,
    Subscription,
    Table,
    TableNeed,
)

__all__ = [
    "FILE_NAME",
    "SCHEMA_VERSION",
    "Api",
    "CallNeed",
    "EgressNeed",
    "EmailNeed",
    "Function",
    "Graph",
    "GraphError",
    "Manifest",
    "ManifestError",
    "Need",
    "PublishNeed",
    "Route",
    "Secret",
    "SecretNeed",
    "SendNeed",
    "Setting",
    "SettingNeed",
    "Subscription",
    "Table",
    "TableNeed",
    "callers_of",
    "calls_of",
    "check",
    "dump",
    "load_all",
    "load_manifest",
    "publisher_of",
]
