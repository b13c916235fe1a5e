"""The public face: customers sign in and call the public services."""

from __future__ import annotations

from collections.abc import Iterable

from cdktn_provider_aws.api_gateway_authorizer import ApiGatewayAuthorizer
from constructs import Construct

from trunkline.manifest import Manifest, names
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.rest_api import Operation, RestApi
from trunkline_platform.constructs.users import UserPool
from trunkline_platform.errors import RouteClash
from trunkline_platform.roots import EDGE, FOUNDATION
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack, api_url_template

__all__ = ["EdgeStack"]


class EdgeStack(RootStack):
    """User pool, and one regional API in front of all public services.

    The services' own roots come after and admit this API to their functions, so that this root
    waits for none of them: API Gateway names a function without asking for it.
    """

    def __init__(
        self, scope: Construct, settings: EnvironmentSettings, manifests: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, EDGE, settings)
        users = UserPool(self, "customers", aws=self.aws)
        self._publish("user-pool-id", users.resource.id, "Where customers are known")
        self._publish("client-id", users.client.id, "What applications sign customers in with")
        operations = _public_operations(manifests)
        if operations:
            self._api(users, operations)

    def _api(self, users: UserPool, operations: list[Operation]) -> None:
        key_arn = parameters.read(
            self, "read-data-key-arn", self.aws.parameter(FOUNDATION, "data-key-arn")
        )
        rest = RestApi(
            self,
            "public-api",
            aws=self.aws,
            name=names.api(self.settings.name, EDGE),
            description="What customers call",
            key=EncryptionKey(self.aws, key_arn),
        )
        authorizer = ApiGatewayAuthorizer(
            self,
            "public-api_customers",
            name="customers",
            rest_api_id=rest.id,
            type="COGNITO_USER_POOLS",
            provider_arns=[users.resource.arn],
            identity_source="method.request.header.Authorization",
        )
        for operation in operations:
            rest.operation(
                operation, authorization="COGNITO_USER_POOLS", authorizer_id=authorizer.id
            )
        rest.deploy()
        self._publish("api-id", rest.id, "Id of the public API; public services admit it")
        self._publish(
            "public-url", rest.url(api_url_template(self)), "Where customers call the shop"
        )

    def _publish(self, name: str, value: str, description: str) -> None:
        parameters.publish(
            self, f"parameter-{name}", self.aws.parameter(EDGE, name), value, description
        )


def _public_operations(manifests: Iterable[Manifest]) -> list[Operation]:
    """The routes of all public services.

    Raises:
        RouteClash: two services offer the same one.
    """
    found: dict[tuple[str, str], Operation] = {}
    for manifest in manifests:
        if manifest.api is None or manifest.api.exposure != "public":
            continue
        function = next(f for f in manifest.functions if f.trigger == "api")
        for route in manifest.api.routes:
            place = (route.method, route.path)
            if place in found:
                raise RouteClash(*place, (found[place].service, manifest.service))
            found[place] = Operation(
                manifest.service, function.name, function.timeout_seconds, route
            )
    return list(found.values())
