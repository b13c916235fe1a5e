"""REST APIs whose every route is one function."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cdktn import Fn, ITerraformDependable, TerraformResourceLifecycle
from cdktn_provider_aws.api_gateway_deployment import ApiGatewayDeployment
from cdktn_provider_aws.api_gateway_integration import ApiGatewayIntegration
from cdktn_provider_aws.api_gateway_method import ApiGatewayMethod
from cdktn_provider_aws.api_gateway_method_settings import (
    ApiGatewayMethodSettings,
    ApiGatewayMethodSettingsSettings,
)
from cdktn_provider_aws.api_gateway_resource import ApiGatewayResource
from cdktn_provider_aws.api_gateway_rest_api import (
    ApiGatewayRestApi,
    ApiGatewayRestApiEndpointConfiguration,
)
from cdktn_provider_aws.api_gateway_rest_api_policy import ApiGatewayRestApiPolicy
from cdktn_provider_aws.api_gateway_stage import ApiGatewayStage
from cdktn_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

from trunkline.manifest import Route
from trunkline_platform.aws import STAGE, Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.logs import LogGroup
from trunkline_platform.policy import Statement, document

__all__ = ["Operation", "RestApi", "admit_api", "route_resource"]

_LONGEST_SECONDS = 29  # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "path": "$context.path",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
    "caller": "$context.identity.userArn",
    "sourceIp": "$context.identity.sourceIp",
    "traceId": "$context.xrayTraceId",
}


@dataclass(frozen=True)
class Operation:
    """One route and the function that answers it; the function may be of another root."""

    service: str
    function: str
    timeout_seconds: int
    route: Route


def admit_api(scope: Construct, id_: str, *, aws: Aws, function: Function, api_id: str) -> None:
    """Let an API, which may be of another root, invoke a function."""
    LambdaPermission(
        scope,
        id_,
        statement_id="api",
        action="lambda:InvokeFunction",
        function_name=function.alias.function_name,
        qualifier=function.alias.name,
        principal="apigateway.amazonaws.com",
        source_arn=f"{aws.arn('execute-api', api_id)}/{STAGE}/*",
    )


def route_resource(route: Route) -> str:
    """A route as the last part of an ``execute-api`` ARN: parameters become asterisks.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    path = ("*" if part.startswith("{") else part for part in _parts(route))
    return "/".join((STAGE, route.method, *path))


def _parts(route: Route) -> tuple[str, ...]:
    return tuple(filter(None, route.path.split("/")))


def _path_id(parts: tuple[str, ...]) -> str:
    return "-".join(part.replace("{", "by-").strip("}").replace("_", "-") for part in parts)


class RestApi(Construct):
    """A REST API with one stage, ``live``: access log in JSON, metrics, X-Ray, throttled.

    It is deployed anew exactly when a route, an integration, who may call, or the endpoint changes:
    the deployment is triggered by this construct's own arguments, never by attributes of resources,
    which change with the first refresh.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        description: str,
        key: EncryptionKey,
        vpc_endpoint_id: str | None = None,
    ) -> None:
        """Args: ``vpc_endpoint_id`` makes the API private, reached through that endpoint only."""
        super().__init__(scope, id_)
        self._aws = aws
        self._endpoint = vpc_endpoint_id
        self._log_group = LogGroup(self, "logs", aws=aws, name=f"/aws/apigateway/{name}", key=key)
        self.resource = ApiGatewayRestApi(
            self,
            "this",
            name=name,
            description=description,
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(
                types=["REGIONAL" if vpc_endpoint_id is None else "PRIVATE"],
                vpc_endpoint_ids=None if vpc_endpoint_id is None else [vpc_endpoint_id],
            ),
        )
        self.id = self.resource.id
        self._folders: dict[tuple[str, ...], str] = {(): self.resource.root_resource_id}
        self._deployed: list[ITerraformDependable] = []
        self._definition: dict[str, object] = {}

    def route_arn(self, route: Route) -> str:
        """What a policy calls this route."""
        return f"{self.resource.execution_arn}/{route_resource(route)}"

    def policy(self, statements: Iterable[Statement], *, definition: object) -> None:
        """Set the resource policy.

        Args:
            definition: What the policy follows from, in plain values; a change deploys anew.
        """
        self._definition["policy"] = definition
        self._deployed.append(
            ApiGatewayRestApiPolicy(
                self, "policy", rest_api_id=self.id, policy=document(statements)
            )
        )

    def operation(
        self,
        operation: Operation,
        *,
        authorization: Literal["AWS_IAM", "COGNITO_USER_POOLS"],
        authorizer_id: str | None = None,
    ) -> None:
        """Add a route: its path, its method and the function behind it."""
        route = operation.route
        folder = self._folder(_parts(route))
        id_ = "-".join((route.method.lower(), _path_id(_parts(route))))
        method = ApiGatewayMethod(
            self,
            f"{id_}_method",
            rest_api_id=self.id,
            resource_id=folder,
            http_method=route.method,
            authorization=authorization,
            authorizer_id=authorizer_id,
            authorization_scopes=None if route.scopes is None else list(route.scopes),
            operation_name=route.name,
        )
        alias = self._aws.alias_arn(operation.service, operation.function)
        integration = ApiGatewayIntegration(
            self,
            f"{id_}_integration",
            rest_api_id=self.id,
            resource_id=folder,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=f"arn:aws:apigateway:{self._aws.region}:lambda:path/2015-03-31/functions"
            f"/{alias}/invocations",
            timeout_milliseconds=min(operation.timeout_seconds, _LONGEST_SECONDS) * 1000,
        )
        self._deployed += (method, integration)
        self._definition[f"{route.method} {route.path}"] = [
            authorization,
            alias,
            operation.timeout_seconds,
            *(route.scopes or ()),
        ]

    def deploy(self) -> None:
        """Make the stage. Call it last."""
        triggers = {"definition": json.dumps(self._definition, sort_keys=True)}
        if self._endpoint is not None:
            triggers["endpoint"] = self._endpoint
        deployment = ApiGatewayDeployment(
            self,
            "deployment",
            rest_api_id=self.id,
            triggers=triggers,
            depends_on=self._deployed,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        stage = ApiGatewayStage(
            self,
            "stage",
            rest_api_id=self.id,
            deployment_id=deployment.id,
            stage_name=STAGE,
            xray_tracing_enabled=True,
            access_log_settings={
                "destination_arn": self._log_group.resource.arn,
                "format": json.dumps(_ACCESS_LOG),
            },
        )
        limits = self._aws.settings.api
        ApiGatewayMethodSettings(
            self,
            "limits",
            rest_api_id=self.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                metrics_enabled=True,
                logging_level="ERROR",
                data_trace_enabled=False,
                throttling_rate_limit=limits.requests_per_second,
                throttling_burst_limit=limits.burst,
            ),
        )

    def url(self, template: str) -> str:
        """The stage's address, by a template with ``{api}``, ``{region}`` and ``{stage}``."""
        known = {"{region}": self._aws.region, "{stage}": STAGE, "{api}": self.id}
        address = template
        for placeholder, value in known.items():
            address = Fn.replace(address, placeholder, value)
        return address

    def _folder(self, parts: tuple[str, ...]) -> str:
        """The id of the API Gateway resource for a path, made together with its parents."""
        if parts not in self._folders:
            self._folders[parts] = ApiGatewayResource(
                self,
                f"{_path_id(parts)}_path",
                rest_api_id=self.id,
                parent_id=self._folder(parts[:-1]),
                path_part=parts[-1],
            ).id
        return self._folders[parts]
