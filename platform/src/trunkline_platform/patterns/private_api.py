"""A service's API for other services: inside the VPC only, and only for declared callers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from constructs import Construct

from trunkline.manifest import Api, CallNeed, Route, names
from trunkline_platform.aws import Aws
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.constructs.rest_api import Operation, RestApi, admit_api, route_resource
from trunkline_platform.policy import Statement

__all__ = ["PrivateApi", "grant_call"]

Callers = Mapping[str, Iterable[tuple[str, str]]]
"""By route: who calls it, as ``(service, function)``."""

_INVOKE = ("execute-api:Invoke",)


class PrivateApi(Construct):
    """A private REST API in front of one function, authorised by IAM.

    Within one account an identity's own policy would suffice to call it, so the resource policy
    denies: whatever does not come through the VPC endpoint, and on every route everybody but the
    roles of the functions that declare the call. A route that nobody calls is closed to all.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        service: str,
        api: Api,
        function: Function,
        callers: Callers,
        vpc_endpoint_id: str,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id_)
        rest = RestApi(
            self,
            "this",
            aws=aws,
            name=names.api(aws.environment, service),
            description=f"API of {service}, version {api.version}, for other services",
            key=key,
            vpc_endpoint_id=vpc_endpoint_id,
        )
        groups = _by_callers(aws, api.routes, callers)
        statements = [_only_through(vpc_endpoint_id, rest)]
        for number, (roles, routes) in enumerate(sorted(groups.items()), start=1):
            statements += _for_callers(aws, number, roles, [rest.route_arn(r) for r in routes])
        rest.policy(
            statements,
            definition={route_resource(r): roles for roles, rs in groups.items() for r in rs},
        )
        for route in api.routes:
            rest.operation(
                Operation(
                    service, function.declaration.name, function.declaration.timeout_seconds, route
                ),
                authorization="AWS_IAM",
            )
        rest.deploy()
        admit_api(self, "permission", aws=aws, function=function, api_id=rest.id)
        self.rest = rest


def grant_call(grantee: Grantee, *, aws: Aws, api_id: str, call: CallNeed) -> None:
    """Let the grantee find another service's private API, and call one route of it."""
    route = Route(name=call.route, method=call.method, path=call.path, kind="query")
    parameter = names.api_url_parameter(aws.environment, call.service)
    grantee.allow(
        Statement(
            sid="CallRoutes",
            actions=_INVOKE,
            resources=(f"{aws.arn('execute-api', api_id)}/{route_resource(route)}",),
        ),
    )
    parameters.grant_read(grantee, aws=aws, name=parameter, sid="FindApis")


def _by_callers(
    aws: Aws, routes: Iterable[Route], callers: Callers
) -> dict[tuple[str, ...], list[Route]]:
    """Routes with the same callers share their statements; a policy holds 8,192 bytes."""
    groups: dict[tuple[str, ...], list[Route]] = {}
    for route in routes:
        roles = tuple(sorted(aws.role_arn(*caller) for caller in callers.get(route.name, ())))
        groups.setdefault(roles, []).append(route)
    return groups


def _only_through(vpc_endpoint_id: str, rest: RestApi) -> Statement:
    return Statement(
        sid="OnlyThroughTheEndpoint",
        effect="Deny",
        principal="*",
        actions=_INVOKE,
        resources=(f"{rest.resource.execution_arn}/*",),
        conditions={"StringNotEquals": {"aws:SourceVpce": vpc_endpoint_id}},
    )


def _for_callers(
    aws: Aws, number: int, roles: tuple[str, ...], routes: list[str]
) -> list[Statement]:
    if not roles:
        return [
            Statement(
                sid="CalledByNobody",
                effect="Deny",
                principal="*",
                actions=_INVOKE,
                resources=tuple(routes),
            )
        ]
    return [
        # Roles of other roots may not exist yet, so they are named in conditions, never as
        # principals: AWS refuses a policy whose principal does not exist.
        Statement(
            sid=f"Callers{number}",
            principal={"AWS": aws.account_principal},
            actions=_INVOKE,
            resources=tuple(routes),
            conditions={"ArnEquals": {"aws:PrincipalArn": roles}},
        ),
        Statement(
            sid=f"NobodyElse{number}",
            effect="Deny",
            principal="*",
            actions=_INVOKE,
            resources=tuple(routes),
            conditions={"ArnNotEquals": {"aws:PrincipalArn": roles}},
        ),
    ]
