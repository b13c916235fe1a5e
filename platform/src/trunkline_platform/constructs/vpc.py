"""The VPC: subnets without a way out, and, only where needed, subnets with one."""

from __future__ import annotations

import ipaddress

from cdktn_provider_aws.default_security_group import DefaultSecurityGroup
from cdktn_provider_aws.eip import Eip
from cdktn_provider_aws.internet_gateway import InternetGateway
from cdktn_provider_aws.nat_gateway import NatGateway
from cdktn_provider_aws.route import Route
from cdktn_provider_aws.route_table import RouteTable
from cdktn_provider_aws.route_table_association import RouteTableAssociation
from cdktn_provider_aws.subnet import Subnet
from cdktn_provider_aws.vpc import Vpc as VpcResource
from constructs import Construct

from trunkline_platform.aws import Aws

__all__ = ["Vpc"]

_SUBNET_PREFIX = 20  # sixteen subnets in a /16
_ZONES_AT_MOST = 4
_ISOLATED, _EGRESS, _PUBLIC = 0, 1, 2


class Vpc(Construct):
    """A VPC over the environment's zones.

    Isolated subnets have no route out of the VPC. With ``egress`` there are also subnets whose
    route out is a NAT gateway, and the public subnets where that stands. The default security
    group admits nothing.
    """

    def __init__(self, scope: Construct, id_: str, *, aws: Aws, name: str, egress: bool) -> None:
        super().__init__(scope, id_)
        self._aws = aws
        self._name = name
        network = aws.settings.network
        blocks = ipaddress.ip_network(network.cidr).subnets(new_prefix=_SUBNET_PREFIX)
        self._blocks = [str(block) for block in blocks]
        self.resource = VpcResource(
            self,
            "this",
            cidr_block=network.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private names of the interface endpoints
            tags={"Name": name},
        )
        self.id = self.resource.id
        DefaultSecurityGroup(
            self, "default-group", vpc_id=self.id, tags={"Name": f"{name}-default"}
        )
        isolated = self._route_table("isolated")
        self.route_table_ids = [isolated.id]
        self.isolated_subnets = self._subnets("isolated", _ISOLATED, [isolated])
        self.egress_subnets = self._egress() if egress else []

    def _egress(self) -> list[Subnet]:
        gateway = InternetGateway(
            self, "internet-gateway", vpc_id=self.id, tags={"Name": self._name}
        )
        public = self._route_table("public")
        Route(
            self,
            "public_route",
            route_table_id=public.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
        )
        outside = self._subnets("public", _PUBLIC, [public])
        if not self._aws.settings.network.nat_per_zone:
            outside = outside[:1]
        tables = []
        for zone, subnet in zip(self._aws.settings.network.zones, outside, strict=False):
            label = f"egress-{zone}"
            address = Eip(
                self, f"{label}_address", domain="vpc", tags={"Name": f"{self._name}-{label}"}
            )
            nat = NatGateway(
                self,
                f"{label}_nat",
                subnet_id=subnet.id,
                allocation_id=address.id,
                tags={"Name": f"{self._name}-{label}"},
                depends_on=[gateway],
            )
            table = self._route_table(label)
            Route(
                self,
                f"{label}_route",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=nat.id,
            )
            tables.append(table)
        self.route_table_ids += [table.id for table in tables]
        return self._subnets("egress", _EGRESS, tables)

    def _route_table(self, label: str) -> RouteTable:
        return RouteTable(
            self, f"{label}_routes", vpc_id=self.id, tags={"Name": f"{self._name}-{label}"}
        )

    def _subnets(self, label: str, kind: int, tables: list[RouteTable]) -> list[Subnet]:
        """One subnet per zone; the tables in turn, so that one table may serve all."""
        found = []
        names = zip(
            self._aws.settings.network.zones, self._aws.settings.availability_zones(), strict=True
        )
        for index, (suffix, zone) in enumerate(names):
            subnet = Subnet(
                self,
                f"{label}-{suffix}_subnet",
                vpc_id=self.id,
                availability_zone=zone,
                cidr_block=self._blocks[kind * _ZONES_AT_MOST + index],
                map_public_ip_on_launch=False,
                tags={"Name": f"{self._name}-{label}-{suffix}"},
            )
            RouteTableAssociation(
                self,
                f"{label}-{suffix}_association",
                subnet_id=subnet.id,
                route_table_id=tables[index % len(tables)].id,
            )
            found.append(subnet)
        return found
