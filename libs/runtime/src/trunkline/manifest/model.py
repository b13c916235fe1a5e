"""The manifest: what one service needs and offers, as data.

A service's manifest is generated from its declaration (:class:`trunkline.Service`) and committed as
``services/<name>/service.json``. The platform generates Terraform from manifests alone, so a
manifest holds everything that infrastructure depends on and nothing that it does not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SCHEMA_VERSION: Literal[1] = 1
"""Raised when a reader of an older manifest could misunderstand a newer one."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=32)]
"""A service, table, function or secret: lower case words joined by hyphens."""

WireName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z][a-z0-9_]*\.v[1-9][0-9]*$")]
"""An event or task on the wire: ``<service>.<name>.v<version>``, as ``orders.order_placed.v1``."""


Schedule = Annotated[str, StringConstraints(pattern=r"^(rate|cron)\([^()]+\)$")]
"""When something happens again and again, as AWS writes schedules."""


class _Part(BaseModel):
    # Validators are built on first use: a running function needs hardly any of these classes.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TableNeed(_Part):
    """A handler reads or writes a table of its own service.

    The runtime's calls: ``read`` is GetItem, BatchGetItem and Query; ``write`` is PutItem,
    UpdateItem and DeleteItem, also inside TransactWriteItems (which has no action of its own).
    """

    kind: Literal["table"] = "table"
    table: Name
    access: Literal["read", "write"]


class EncryptNeed(_Part):
    """A handler reads or writes encrypted fields of a table of its own service.

    The runtime's calls, with service and table as the encryption context: ``read`` is Decrypt,
    ``write`` is GenerateDataKey.
    """

    kind: Literal["encrypt"] = "encrypt"
    table: Name
    access: Literal["read", "write"]


class SecretNeed(_Part):
    """A handler reads a secret of its own service."""

    kind: Literal["secret"] = "secret"
    secret: Name


class RotateNeed(_Part):
    """A function rotates a secret of its own service.

    The runtime's calls: DescribeSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage.
    """

    kind: Literal["rotate"] = "rotate"
    secret: Name


class SettingNeed(_Part):
    """A handler reads a live setting of its own service, from Parameter Store."""

    kind: Literal["setting"] = "setting"
    setting: Name


class CallNeed(_Part):
    """A handler calls a route of another service's private API.

    The runtime's calls: ssm:GetParameter for the API's URL, and the signed request itself.
    """

    kind: Literal["call"] = "call"
    service: Name
    route: str
    """The route's name in the callee's API."""
    method: str
    path: str


class PublishNeed(_Part):
    """A handler publishes to a topic of its own service. Only the relay does."""

    kind: Literal["publish"] = "publish"
    ordered: bool = False
    """Whether it is the FIFO topic."""


class SendNeed(_Part):
    """A handler puts tasks on another service's task queue. Only the relay does."""

    kind: Literal["send"] = "send"
    service: Name


class PayloadNeed(_Part):
    """A handler emits (``write``) or handles (``read``) a message that may be large.

    The runtime's calls: s3:PutObject and s3:GetObject in the payload bucket, below the message's
    name on the wire.
    """

    kind: Literal["payload"] = "payload"
    message: WireName
    access: Literal["read", "write"]


class EmailNeed(_Part):
    """A handler sends e-mail from one address, through SES."""

    kind: Literal["email"] = "email"
    sender: str
    """The address in the From header, for example ``shop@example.com``."""


class EgressNeed(_Part):
    """A handler calls one host on the internet; only its function gets a way out."""

    kind: Literal["egress"] = "egress"
    host: str


Need = Annotated[
    TableNeed
    | EncryptNeed
    | SecretNeed
    | RotateNeed
    | SettingNeed
    | CallNeed
    | PublishNeed
    | SendNeed
    | PayloadNeed
    | EmailNeed
    | EgressNeed,
    Field(discriminator="kind"),
]


class Function(_Part):
    """One Lambda function: one kind of trigger, one role, exactly the needs of its handlers."""

    name: Name
    trigger: Literal["api", "event", "tasks", "relay", "rotation"]
    handler: str
    """Lambda's handler setting: ``module.path.function``."""
    timeout_seconds: int = Field(ge=1, le=900)
    memory_mb: int = Field(ge=128, le=10240)
    max_receives: int | None = None
    """How often a message is tried before it is dead-lettered (``event`` and ``tasks``)."""
    settings: tuple[Name, ...] = ()
    """The service's settings that this function reads."""
    emits: tuple[WireName, ...] = ()
    """The events and tasks that the function's handlers may store in the outbox."""
    needs: tuple[Need, ...] = ()


class Table(_Part):
    """A DynamoDB table. Key attributes are strings."""

    name: Name
    partition_key: str
    sort_key: str | None = None
    ttl_attribute: str | None = None
    stream: bool = False
    """Whether new items are streamed (the outbox)."""


class Route(_Part):
    """One operation of a service's API."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    kind: Literal["query", "command"]
    scopes: tuple[str, ...] | None = None
    """The OAuth scopes of which an access token needs one; without any it takes ID tokens."""


class Api(_Part):
    """A service's API: private with IAM, or public with Cognito sign-in."""

    version: int = Field(ge=1)
    exposure: Literal["private", "public"]
    routes: tuple[Route, ...]


class Subscription(_Part):
    """A function's interest in one event, through a queue of its own."""

    function: Name
    event: WireName
    ordered: bool = False
    """Whether it is an ordered event, which comes from a FIFO topic through a FIFO queue."""


class Setting(_Part):
    """A value that differs per environment and is no secret."""

    name: Name
    description: str
    default: str | None = None
    live: bool = False
    """Whether it is an SSM parameter, which operators change without a release; ``default`` is then
    what the parameter begins with."""


class Secret(_Part):
    """A container for a secret value; Terraform never knows the value."""

    name: Name
    description: str
    rotation: Schedule | None = None
    """When it is rotated, as EventBridge writes it: ``rate(30 days)``, ``cron(0 4 1 * ? *)``."""


class Manifest(_Part):
    """Everything the platform knows of one service."""

    schema_version: Literal[1] = SCHEMA_VERSION
    service: Name
    entry: str
    """Where the :class:`trunkline.Service` object is: ``package.module:attribute``."""
    api: Api | None = None
    publishes: tuple[WireName, ...] = ()
    ordered: tuple[WireName, ...] = ()
    """Those of the published events that go through the FIFO topic."""
    accepts: tuple[WireName, ...] = ()
    """The tasks that the service's task queue accepts."""
    subscriptions: tuple[Subscription, ...] = ()
    tables: tuple[Table, ...] = ()
    settings: tuple[Setting, ...] = ()
    secrets: tuple[Secret, ...] = ()
    functions: tuple[Function, ...]

    def gets_ordered(self, function: str) -> bool:
        """Whether a function gets ordered events, so that its queues are FIFO queues."""
        return any(one.ordered for one in self.subscriptions if one.function == function)

    def function(self, name: str) -> Function:
        """The function of that name; :class:`KeyError` if there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)
