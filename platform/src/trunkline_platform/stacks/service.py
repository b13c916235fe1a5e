"""One service: its functions and everything that its manifest says they need."""

from __future__ import annotations

import json

from cdktn import Fn, TerraformVariable, TerraformVariableValidationConfig
from constructs import Construct

from trunkline.manifest import (
    CallNeed,
    EgressNeed,
    EmailNeed,
    EncryptNeed,
    Graph,
    Manifest,
    PayloadNeed,
    PublishNeed,
    RotateNeed,
    SecretNeed,
    SendNeed,
    SettingNeed,
    TableNeed,
    names,
    variables,
)
from trunkline.manifest import Function as FunctionDeclaration
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.email import Sender
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.functions import Bundle, Function, Placement
from trunkline_platform.constructs.identity import Role
from trunkline_platform.constructs.payloads import grant_payload
from trunkline_platform.constructs.queues import grant_send
from trunkline_platform.constructs.rest_api import admit_api
from trunkline_platform.constructs.secrets import Secret
from trunkline_platform.constructs.tables import Table
from trunkline_platform.constructs.topics import grant_publish
from trunkline_platform.constructs.triggers import (
    follow_inserts,
    invoke_on_schedule,
    rotate_secret,
)
from trunkline_platform.patterns.private_api import PrivateApi, grant_call
from trunkline_platform.patterns.queue_consumer import QueueConsumer
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack, api_url_template

__all__ = ["ServiceStack"]

_SWEEP_MINUTES = 5


class ServiceStack(RootStack):
    """The root of one service."""

    def __init__(
        self, scope: Construct, settings: EnvironmentSettings, manifest: Manifest, graph: Graph
    ) -> None:
        super().__init__(scope, manifest.service, settings)
        self._manifest = manifest
        self._graph = graph
        self._read: dict[str, str] = {}
        self._key = EncryptionKey(self.aws, self._parameter("foundation", "data-key-arn"))
        self._message_key = EncryptionKey(self.aws, self._parameter("messaging", "key-arn"))
        self._bundle = self._bundle_variables()
        self._settings_variable()
        self._make_stores()
        self._placements: dict[bool, Placement] = {}
        for declaration in manifest.functions:
            self._make_function(declaration)

    # What the service has

    def _make_stores(self) -> None:
        service = self._manifest.service
        self._tables = {
            table.name: Table(
                self,
                f"table-{table.name}",
                aws=self.aws,
                name=self.aws.table_name(service, table.name),
                declaration=table,
                key=self._key,
            )
            for table in self._manifest.tables
        }
        self._secrets = {
            secret.name: Secret(
                self,
                f"secret-{secret.name}",
                aws=self.aws,
                name=names.secret(self.settings.name, service, secret.name),
                description=secret.description,
                key=self._key,
            )
            for secret in self._manifest.secrets
        }
        for setting in self._manifest.settings:
            if setting.live:
                parameters.hand_over(
                    self,
                    f"setting-{setting.name}",
                    names.setting_parameter(self.settings.name, service, setting.name),
                    f'${{local.settings["{setting.name}"]}}',
                    setting.description,
                )
        self._senders: dict[str, Sender] = {}

    def _make_function(self, declaration: FunctionDeclaration) -> None:
        function = Function(
            self,
            declaration.name,
            aws=self.aws,
            service=self._manifest.service,
            declaration=declaration,
            bundle=self._bundle,
            placement=self._placement(declaration),
            key=self._key,
        )
        function.environment(
            {
                variables.ENVIRONMENT: self.settings.name,
                variables.SERVICE: self._manifest.service,
                variables.FUNCTION: declaration.name,
                variables.ENTRY: self._manifest.entry,
                **{
                    variables.setting(name): f'${{local.settings["{name}"]}}'
                    for name in declaration.settings
                },
                **self._grant(function),
                **self._trigger(function),
            }
        )

    def _placement(self, declaration: FunctionDeclaration) -> Placement:
        outbound = any(isinstance(need, EgressNeed) for need in declaration.needs)
        if outbound not in self._placements:
            subnets, group = (
                ("egress-subnet-ids", "egress-security-group-id")
                if outbound
                else ("isolated-subnet-ids", "function-security-group-id")
            )
            self._placements[outbound] = Placement(
                Fn.split(",", self._parameter("network", subnets)),
                self._parameter("network", group),
            )
        return self._placements[outbound]

    # What its functions may do

    def _grant(self, function: Function) -> dict[str, str]:
        """Grant what a function's handlers need; the variables by which it finds that."""
        role = function.role
        found: dict[str, str] = {}
        for need in function.declaration.needs:
            match need:
                case TableNeed() | EncryptNeed():
                    found.update(self._grant_table(function, need))
                case SecretNeed() | RotateNeed():
                    secret = self._secrets[need.secret]
                    rotates = isinstance(need, RotateNeed)
                    (secret.grant_rotate if rotates else secret.grant_read)(role)
                    found[variables.secret(need.secret)] = secret.name
                case SettingNeed():
                    found[variables.live_setting(need.setting)] = self._grant_setting(role, need)
                case CallNeed():
                    api_id = self._parameter("services", need.service, "api-id")
                    grant_call(role, aws=self.aws, api_id=api_id, call=need)
                    found[variables.api(need.service)] = names.api_url_parameter(
                        self.settings.name, need.service
                    )
                case PublishNeed() | SendNeed() | PayloadNeed():
                    found |= self._grant_sending(role, need)
                case EmailNeed():
                    self._sender(need.sender).grant_send(role)
                case EgressNeed():
                    pass  # decides where the function is placed, grants nothing
        return found

    def _grant_sending(
        self, role: Role, need: PublishNeed | SendNeed | PayloadNeed
    ) -> dict[str, str]:
        service = self._manifest.service
        match need:
            case PublishNeed():
                variable, sid = (
                    (variables.ORDERED_TOPIC, "PublishInOrder")
                    if need.ordered
                    else (variables.TOPIC, "Publish")
                )
                topic_arn = self.aws.topic_arn(service, ordered=need.ordered)
                grant_publish(role, topic_arn=topic_arn, key=self._message_key, sid=sid)
                return {variable: topic_arn}
            case SendNeed():
                queue = self.aws.queue_name(need.service, "tasks")
                grant_send(role, queue_arn=self.aws.queue_arn(queue), key=self._message_key)
                return {variables.task_queue(need.service): self.aws.queue_url(queue)}
            case PayloadNeed():
                key = self._message_key
                grant_payload(role, aws=self.aws, service=service, need=need, key=key)
                return {variables.PAYLOADS: self.aws.payload_bucket}

    def _grant_setting(self, role: Role, need: SettingNeed) -> str:
        service = self._manifest.service
        name = names.setting_parameter(self.settings.name, service, need.setting)
        parameters.grant_read(role, aws=self.aws, name=name, sid="ReadSettings")
        return name

    def _grant_table(self, function: Function, need: TableNeed | EncryptNeed) -> dict[str, str]:
        table = self._tables[need.table]
        if isinstance(need, EncryptNeed):
            table.grant_fields(function.role, service=self._manifest.service, access=need.access)
            return {variables.DATA_KEY: self._key.arn}
        if not table.is_outbox:
            (table.grant_read if need.access == "read" else table.grant_write)(function.role)
        elif function.declaration.trigger == "relay":
            table.grant_drain(function.role, in_order=bool(self._manifest.ordered))
        else:
            table.grant_append(function.role)
        return {variables.table(need.table): table.name}

    def _sender(self, address: str) -> Sender:
        if address not in self._senders:
            label = "".join(c if c.isalnum() else "-" for c in address.lower())
            self._senders[address] = Sender(self, f"sender-{label}", aws=self.aws, address=address)
        return self._senders[address]

    # What makes them run

    def _trigger(self, function: Function) -> dict[str, str]:
        """Make what triggers a function; the variables that follow from it."""
        declaration = function.declaration
        match declaration.trigger:
            case "event":
                return self._subscribe(function)
            case "tasks":
                return self._consumer(function).variables
            case "relay":
                self._relay(function)
                return {}
            case "rotation":
                self._rotate(function)
                return {}
            case "api":
                return self._serve(function)

    def _rotate(self, function: Function) -> None:
        for secret in self._manifest.secrets:
            if secret.rotation and RotateNeed(secret=secret.name) in function.declaration.needs:
                rotate_secret(
                    self,
                    f"{function.declaration.name}_schedule",
                    aws=self.aws,
                    function=function,
                    secret=self._secrets[secret.name],
                    schedule=secret.rotation,
                )

    def _relay(self, function: Function) -> None:
        """Have the outbox published: by its stream, and by a sweep for what that leaves behind."""
        outbox = next(table for table in self._manifest.tables if table.stream)
        name = function.declaration.name
        follow_inserts(
            self,
            f"{name}_trigger",
            aws=self.aws,
            function=function,
            table=self._tables[outbox.name],
        )
        invoke_on_schedule(
            self,
            f"{name}_sweep",
            aws=self.aws,
            function=function,
            purpose="sweep",
            description=f"{self._manifest.service} publishes what its outbox's stream left behind",
            minutes=_SWEEP_MINUTES,
        )

    def _subscribe(self, function: Function) -> dict[str, str]:
        events = sorted(
            subscription.event
            for subscription in self._manifest.subscriptions
            if subscription.function == function.declaration.name
        )
        topics: dict[str, list[str]] = {}
        for event in events:
            topics.setdefault(self._graph.publisher_of(event), []).append(event)
        return self._consumer(function, topics).variables

    def _consumer(
        self, function: Function, topics: dict[str, list[str]] | None = None
    ) -> QueueConsumer:
        return QueueConsumer(
            self,
            f"{function.declaration.name}_source",
            aws=self.aws,
            service=self._manifest.service,
            function=function,
            key=self._message_key,
            topics=topics or {},
            ordered=self._manifest.gets_ordered(function.declaration.name),
        )

    def _serve(self, function: Function) -> dict[str, str]:
        api = self._manifest.api
        if api is None:
            return {}
        if api.exposure == "public":
            public = self._parameter("edge", "api-id")
            admit_api(self, "public-api-permission", aws=self.aws, function=function, api_id=public)
            return {}
        service = self._manifest.service
        callers = self._graph.callers_of(service)
        private = PrivateApi(
            self,
            "private-api",
            aws=self.aws,
            service=service,
            api=api,
            function=function,
            callers=callers,
            vpc_endpoint_id=self._parameter("network", "execute-api-endpoint-id"),
            key=self._key,
        )
        url = private.rest.url(api_url_template(self))
        parameters.publish(
            self,
            "parameter-api-id",
            self.aws.parameter("services", service, "api-id"),
            private.rest.id,
            f"Id of the API of {service}; callers' permissions name it",
        )
        parameters.publish(
            self,
            "parameter-api-url",
            names.api_url_parameter(self.settings.name, service),
            url,
            f"Where callers reach the API of {service}",
        )
        known = {caller for route in callers.values() for caller, _ in route}
        return {variables.CALLERS: ",".join(sorted(known))}

    # What comes from outside

    def _parameter(self, *path: str) -> str:
        """The value of another root's parameter, read once."""
        name = self.aws.parameter(*path)
        if name not in self._read:
            self._read[name] = parameters.read(self, "-".join(("read", *path)), name)
        return self._read[name]

    def _bundle_variables(self) -> Bundle:
        TerraformVariable(
            self,
            "bundle",
            type="object({ key = string, sha256 = string })",
            description="The service's code: object in the artifact bucket, SHA-256 in base64",
        )
        TerraformVariable(
            self,
            "architecture",
            type="string",
            default="arm64",
            description="Instruction set that the bundle was built for",
        )
        TerraformVariable(
            self,
            "runtime",
            type="string",
            default="python3.13",
            description="Lambda runtime that the bundle was built for",
        )
        return Bundle(
            key="${var.bundle.key}",
            sha256="${var.bundle.sha256}",
            architecture="${var.architecture}",
            runtime="${var.runtime}",
        )

    def _settings_variable(self) -> None:
        """``var.settings`` over the environment's values over the declared defaults."""
        declared = {setting.name: setting.default for setting in self._manifest.settings}
        given = self.settings.service_settings.get(self._manifest.service, {})
        values = {
            name: value
            for name, default in declared.items()
            if (value := given.get(name, default)) is not None
        }
        if declared:
            self.add_override("locals.settings", f"${{merge({_map(values)}, var.settings)}}")
        missing = sorted(set(declared) - set(values))
        checks = [
            TerraformVariableValidationConfig(
                condition=f"${{alltrue([for name in keys(var.settings) : "
                f"contains({json.dumps(sorted(declared))}, name)])}}",
                error_message=f"{self._manifest.service} declares: "
                f"{', '.join(sorted(declared)) or 'no settings'}.",
            )
        ]
        if missing:
            checks.append(
                TerraformVariableValidationConfig(
                    condition=f"${{alltrue([for name in {json.dumps(missing)} : "
                    "contains(keys(var.settings), name)])}",
                    error_message=f"No value yet in {self.settings.name}: {', '.join(missing)}.",
                )
            )
        TerraformVariable(
            self,
            "settings",
            type="map(string)",
            default={},
            description="Values of the service's settings, over those of the environment",
            validation=checks,
        )


def _map(values: dict[str, str]) -> str:
    """A Terraform map of strings, as an expression."""
    pairs = (f"{json.dumps(name)} = {json.dumps(value)}" for name, value in sorted(values.items()))
    return "{" + ", ".join(pairs) + "}"
