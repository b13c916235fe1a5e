"""ARNs and addresses that follow from an environment's account, region and names alone.

Where an ARN is known before the resource exists, nothing has to wait for the resource.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.manifest import names
from trunkline_platform.errors import TooLong
from trunkline_platform.settings import EnvironmentSettings

__all__ = ["ALIAS", "STAGE", "Aws"]

ALIAS = "live"
"""The alias of every function that triggers point at; the release step moves it."""

STAGE = "live"
"""The stage of every REST API."""

_LIMITS = {"function": 64, "role": 64, "queue": 80, "bucket": 63, "rule": 64}
"""https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html"""


@dataclass(frozen=True)
class Aws:
    """Names and ARNs in one environment."""

    settings: EnvironmentSettings

    @property
    def account(self) -> str:
        return self.settings.account_id

    @property
    def environment(self) -> str:
        return self.settings.name

    @property
    def region(self) -> str:
        return self.settings.region

    @property
    def account_principal(self) -> str:
        """Everybody in the account whom the account's own policies allow."""
        return f"arn:aws:iam::{self.account}:root"

    def arn(self, service: str, resource: str) -> str:
        """A regional ARN, for example ``arn("sqs", "jobs")``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def endpoint_of(self, service: str) -> str:
        """A service's host name in the region, as ``kms:ViaService`` has it."""
        return f"{service}.{self.region}.amazonaws.com"

    def function_name(self, service: str, function: str) -> str:
        return _checked("function", names.function(self.environment, service, function))

    def role_arn(self, service: str, function: str) -> str:
        """The role that a function runs as."""
        return f"arn:aws:iam::{self.account}:role/{self.function_name(service, function)}"

    def function_arn(self, service: str, function: str) -> str:
        return self.arn("lambda", f"function:{self.function_name(service, function)}")

    def alias_arn(self, service: str, function: str) -> str:
        """The alias ``live``, which every trigger invokes."""
        return f"{self.function_arn(service, function)}:{ALIAS}"

    def queue_name(self, service: str, function: str, *, ordered: bool = False) -> str:
        name = names.queue(self.environment, service, function, ordered=ordered)
        return _checked("queue", name)

    def dead_letter_queue_name(self, service: str, function: str, *, ordered: bool = False) -> str:
        name = names.dead_letter_queue(self.environment, service, function, ordered=ordered)
        return _checked("queue", name)

    def queue_arn(self, name: str) -> str:
        return self.arn("sqs", name)

    def queue_url(self, name: str) -> str:
        """A queue's address; SQS takes the queue from it and the host from the client."""
        return f"https://{self.endpoint_of('sqs')}/{self.account}/{name}"

    def rule_name(self, function_name: str, purpose: str) -> str:
        """An EventBridge rule that invokes a function."""
        return _checked("rule", f"{function_name}-{purpose}")

    def topic_name(self, service: str, *, ordered: bool = False) -> str:
        return names.topic(self.environment, service, ordered=ordered)

    def topic_arn(self, service: str, *, ordered: bool = False) -> str:
        return self.arn("sns", self.topic_name(service, ordered=ordered))

    def table_name(self, service: str, table: str) -> str:
        return names.table(self.environment, service, table)

    def parameter_arn(self, name: str) -> str:
        """An SSM parameter, whose name begins with a slash."""
        return self.arn("ssm", f"parameter{name}")

    def identity_arn(self, sender: str) -> str:
        """A sender that SES has verified."""
        return self.arn("ses", f"identity/{sender}")

    @property
    def alarm_topic_name(self) -> str:
        return f"{names.PROJECT}-{self.environment}-alarms"

    @property
    def alarm_topic_arn(self) -> str:
        return self.arn("sns", self.alarm_topic_name)

    def bucket(self, purpose: str) -> str:
        """A bucket's name; bucket names are shared by all the world, so account and region help."""
        name = f"{names.PROJECT}-{self.environment}-{purpose}-{self.account}-{self.region}"
        return _checked("bucket", name)

    @property
    def artifact_bucket(self) -> str:
        """Where bundles of functions are put before they are deployed."""
        return self.bucket("artifacts")

    @property
    def payload_bucket(self) -> str:
        """Where the data of large messages waits."""
        return self.bucket("payloads")

    @property
    def trail_bucket(self) -> str:
        """Where the audit trail is kept."""
        return self.bucket("trail")

    @property
    def trail_arn(self) -> str:
        return self.arn("cloudtrail", f"trail/{self.trail_name}")

    @property
    def trail_name(self) -> str:
        return f"{names.PROJECT}-{self.environment}"

    def parameter(self, *path: str) -> str:
        """The name of an SSM parameter."""
        return names.parameter(self.environment, *path)


def _checked(kind: str, name: str) -> str:
    if len(name) > _LIMITS[kind]:
        raise TooLong(kind, name, _LIMITS[kind])
    return name
