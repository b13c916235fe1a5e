"""The network that every function runs in."""

from __future__ import annotations

from collections.abc import Iterable

from cdktn_provider_aws.flow_log import FlowLog
from cdktn_provider_aws.security_group import SecurityGroup
from cdktn_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktn_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from trunkline.manifest import Manifest
from trunkline.manifest.names import PROJECT
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.encryption import CustomerKey, logs_statement
from trunkline_platform.constructs.endpoints import GatewayEndpoint, InterfaceEndpoint
from trunkline_platform.constructs.identity import Role
from trunkline_platform.constructs.logs import LogGroup
from trunkline_platform.constructs.vpc import Vpc
from trunkline_platform.endpoints import EXECUTE_API, interface_endpoints, needs_egress
from trunkline_platform.policy import Statement
from trunkline_platform.roots import NETWORK
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack

__all__ = ["NetworkStack"]

_HTTPS = 443


class NetworkStack(RootStack):
    """VPC, endpoints, security groups and flow log.

    It has a key of its own for the flow log, so that it is made side by side with `foundation`.
    """

    def __init__(
        self, scope: Construct, settings: EnvironmentSettings, manifests: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, NETWORK, settings)
        services = tuple(manifests)
        egress = needs_egress(services)
        self._name = f"{PROJECT}-{settings.name}"
        self._vpc = Vpc(self, "vpc", aws=self.aws, name=self._name, egress=egress)
        self._flow_log()

        gateways = [
            GatewayEndpoint(
                self, f"endpoint-{service}", aws=self.aws, vpc=self._vpc, service=service
            )
            for service in ("dynamodb", "s3")
        ]
        endpoint_group = self._group("endpoints", "Interface endpoints of AWS services")
        function_group = self._group("functions", "Functions without a way out")
        self._to_endpoints("functions", function_group, endpoint_group)
        for service, gateway in zip(("dynamodb", "s3"), gateways, strict=True):
            VpcSecurityGroupEgressRule(
                self,
                f"functions-to-{service}",
                security_group_id=function_group.id,
                description=f"To {service}",
                prefix_list_id=gateway.prefix_list_id,
                ip_protocol="tcp",
                from_port=_HTTPS,
                to_port=_HTTPS,
            )
        endpoints = {
            service: InterfaceEndpoint(
                self,
                f"endpoint-{service}",
                aws=self.aws,
                vpc=self._vpc,
                service=service,
                security_group_id=endpoint_group.id,
            )
            for service in interface_endpoints(services)
        }

        self._publish("vpc-id", self._vpc.id, "The VPC")
        isolated = [subnet.id for subnet in self._vpc.isolated_subnets]
        self._publish_list("isolated-subnet-ids", isolated, "Subnets without a way out")
        self._publish("function-security-group-id", function_group.id, "Of isolated functions")
        if EXECUTE_API in endpoints:
            endpoint = endpoints[EXECUTE_API]
            self._publish("execute-api-endpoint-id", endpoint.id, "The way to private APIs")
        if egress:
            self._egress(endpoint_group)

    def _egress(self, endpoint_group: SecurityGroup) -> None:
        group = self._group("egress", "Functions that call hosts on the internet")
        self._to_endpoints("egress", group, endpoint_group)
        VpcSecurityGroupEgressRule(
            self,
            "egress-to-internet",
            security_group_id=group.id,
            description="To declared hosts, by HTTPS",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
        )
        subnets = [subnet.id for subnet in self._vpc.egress_subnets]
        self._publish_list("egress-subnet-ids", subnets, "Subnets with a NAT gateway")
        self._publish("egress-security-group-id", group.id, "Of functions with a way out")

    def _group(self, label: str, description: str) -> SecurityGroup:
        name = f"{self._name}-{label}"
        return SecurityGroup(
            self,
            f"group-{label}",
            vpc_id=self._vpc.id,
            name=name,
            description=description,
            tags={"Name": name},
        )

    def _to_endpoints(self, label: str, group: SecurityGroup, endpoints: SecurityGroup) -> None:
        VpcSecurityGroupEgressRule(
            self,
            f"{label}-to-endpoints",
            security_group_id=group.id,
            description="To AWS services",
            referenced_security_group_id=endpoints.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
        )
        VpcSecurityGroupIngressRule(
            self,
            f"endpoints-from-{label}",
            security_group_id=endpoints.id,
            description=f"From {label}",
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
        )

    def _flow_log(self) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
        name = f"/{PROJECT}/{self.settings.name}/flow-log"
        key = CustomerKey(
            self,
            "flow-log-key",
            aws=self.aws,
            alias=f"alias/{self._name}-flow-log",
            description=f"Flow log of {self.settings.name}",
            statements=[logs_statement(self.aws, name)],
        ).key
        group = LogGroup(self, "flow-log-group", aws=self.aws, name=name, key=key)
        role = Role(
            self,
            "flow-log-role",
            aws=self.aws,
            name=f"{self._name}-flow-log",
            service="vpc-flow-logs",
            description="The VPC writes its flow log",
        )
        group.grant_write(role)
        role.allow(
            Statement(
                sid="FindStreams",
                actions=("logs:DescribeLogStreams",),
                resources=(f"{group.arn}:*",),
            ),
            # Describing groups has no resource level:
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
            Statement(sid="FindGroups", actions=("logs:DescribeLogGroups",), resources=("*",)),
        )
        FlowLog(
            self,
            "flow-log",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.resource.arn,
            iam_role_arn=role.resource.arn,
            max_aggregation_interval=60,
            tags={"Name": self._name},
            depends_on=[role.policy],
        )

    def _publish(self, name: str, value: str, description: str) -> None:
        parameters.publish(
            self, f"parameter-{name}", self.aws.parameter(NETWORK, name), value, description
        )

    def _publish_list(self, name: str, values: list[str], description: str) -> None:
        parameters.publish_list(
            self, f"parameter-{name}", self.aws.parameter(NETWORK, name), values, description
        )
