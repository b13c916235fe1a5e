"""Ways to AWS services that do not leave the VPC."""

from __future__ import annotations

from cdktn_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.vpc import Vpc
from trunkline_platform.policy import Statement, document

__all__ = ["GatewayEndpoint", "InterfaceEndpoint"]


class GatewayEndpoint(Construct):
    """A route to S3 or DynamoDB, for every subnet that functions run in."""

    def __init__(self, scope: Construct, id_: str, *, aws: Aws, vpc: Vpc, service: str) -> None:
        super().__init__(scope, id_)
        self.resource = VpcEndpoint(
            self,
            "this",
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{aws.region}.{service}",
            route_table_ids=vpc.route_table_ids,
            policy=_own_account_only(aws),
            tags={"Name": service},
        )
        self.prefix_list_id = self.resource.prefix_list_id


class InterfaceEndpoint(Construct):
    """An address of an AWS service inside the VPC, under the service's usual name."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        vpc: Vpc,
        service: str,
        security_group_id: str,
    ) -> None:
        super().__init__(scope, id_)
        subnets = vpc.isolated_subnets[: aws.settings.network.endpoint_zones]
        self.resource = VpcEndpoint(
            self,
            "this",
            vpc_id=vpc.id,
            vpc_endpoint_type="Interface",
            service_name=f"com.amazonaws.{aws.region}.{service}",
            subnet_ids=[subnet.id for subnet in subnets],
            security_group_ids=[security_group_id],
            private_dns_enabled=True,
            policy=_own_account_only(aws),
            tags={"Name": service},
        )
        self.id = self.resource.id


def _own_account_only(aws: Aws) -> str:
    """Whoever comes this way must be of the account; what they may do, their own policies say.

    Otherwise stolen data could leave by somebody else's credentials.
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    return document(
        [
            Statement(
                sid="OwnAccountOnly",
                principal="*",
                actions=("*",),
                resources=("*",),
                conditions={"StringEquals": {"aws:PrincipalAccount": aws.account}},
            )
        ]
    )
