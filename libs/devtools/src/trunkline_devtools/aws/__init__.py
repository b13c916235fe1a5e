"""Adapters to AWS and the local cloud: the only modules that import boto3."""

from trunkline_devtools.aws.artifacts import upload_bundle
from trunkline_devtools.aws.clients import Aws, Credentials
from trunkline_devtools.aws.control import Email, emails
from trunkline_devtools.aws.customers import Customer, Tokens, ensure_customer, sign_in
from trunkline_devtools.aws.leftovers import leftovers
from trunkline_devtools.aws.logs import SpanReader
from trunkline_devtools.aws.parameters import Parameters
from trunkline_devtools.aws.queues import (
    DeadLetter,
    QueuePair,
    Redriven,
    dead_letters,
    depth,
    queues_of,
    redrive,
)
from trunkline_devtools.aws.release import ALIAS, release_newest
from trunkline_devtools.aws.secrets import has_secret_value, read_secret, write_secret
from trunkline_devtools.aws.tables import scan
from trunkline_devtools.aws.warmup import start_functions

__all__ = [
    "ALIAS",
    "Aws",
    "Credentials",
    "Customer",
    "DeadLetter",
    "Email",
    "Parameters",
    "QueuePair",
    "Redriven",
    "SpanReader",
    "Tokens",
    "dead_letters",
    "depth",
    "emails",
    "ensure_customer",
    "has_secret_value",
    "read_secret",
    "leftovers",
    "queues_of",
    "redrive",
    "release_newest",
    "scan",
    "sign_in",
    "start_functions",
    "upload_bundle",
    "write_secret",
]
