"""The network: closed by default, with a way out only where a manifest declares one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trunkline_platform.endpoints import interface_endpoints
from trunkline_platform.environments import load_environment


def _endpoints(root: Any, kind: str) -> set[str]:
    return {
        endpoint["service_name"].removeprefix("com.amazonaws.eu-central-1.")
        for endpoint in root.all("aws_vpc_endpoint").values()
        if endpoint["vpc_endpoint_type"] == kind
    }


def test_interface_endpoints_follow_from_the_needs(sample: dict[str, Any]) -> None:
    """Each need that reaches an AWS service by an interface has its endpoint, nothing else has."""
    wanted = {"email", "execute-api", "kms", "secretsmanager", "sns", "sqs", "ssm"}

    assert _endpoints(sample["network"], "Interface") == wanted


def test_no_needs_no_interface_endpoints(make: Any) -> None:
    """A platform without services pays for no endpoint; the free gateway endpoints are there."""
    network = make(load_environment("dev"), ())["network"]

    assert _endpoints(network, "Interface") == set()
    assert _endpoints(network, "Gateway") == {"dynamodb", "s3"}


def test_a_table_needs_no_interface_endpoint(sample_manifests: Any) -> None:
    """DynamoDB is reached by its gateway endpoint."""
    sample = sample_manifests[0]
    functions = tuple(f for f in sample.functions if f.name in {"none", "reader", "writer"})

    assert interface_endpoints([sample.model_copy(update={"functions": functions})]) == ()


def test_endpoints_answer_by_the_usual_names_and_to_the_own_account(roots: dict[str, Any]) -> None:
    """Interface endpoints have private DNS; every endpoint admits only the account's principals."""
    for endpoint in roots["network"].all("aws_vpc_endpoint").values():
        assert '"aws:PrincipalAccount"' in endpoint["policy"]
        if endpoint["vpc_endpoint_type"] == "Interface":
            assert endpoint["private_dns_enabled"] is True


def test_no_egress_no_way_out(make: Any, sample_manifests: Any) -> None:
    """Without a declared host there is no internet gateway, no NAT, no public subnet, no route."""
    sample, other = sample_manifests
    functions = tuple(f for f in sample.functions if f.name != "outbound")
    network = make(
        load_environment("dev"), (sample.model_copy(update={"functions": functions}), other)
    )["network"]

    ways_out = {"aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_route"}
    assert network.kinds() & ways_out == set()
    assert len(network.all("aws_subnet")) == 2


def test_only_functions_with_egress_are_where_the_way_out_is(sample: dict[str, Any]) -> None:
    """The function that declares a host runs in the egress subnets, all others are isolated."""
    placed = {
        name: "egress" in str(function["vpc_config"])
        for name, function in sample["sample"].all("aws_lambda_function").items()
    }

    assert {name for name, egress in placed.items() if egress} == {"outbound"}


def test_isolated_subnets_have_no_route(roots: dict[str, Any]) -> None:
    """Routes exist in the public and the egress tables only."""
    tables = {
        route["route_table_id"].split(".")[1]
        for route in roots["network"].all("aws_route").values()
    }

    assert tables
    assert not [table for table in tables if "isolated" in table]


def test_nobody_gets_a_public_address(roots: dict[str, Any]) -> None:
    """No subnet gives public addresses to what starts in it."""
    subnets = roots["network"].all("aws_subnet").values()

    assert {subnet["map_public_ip_on_launch"] for subnet in subnets} == {False}
    assert len({subnet["availability_zone"] for subnet in subnets}) >= 2


def test_security_groups_name_each_other(roots: dict[str, Any]) -> None:
    """Nothing may come in but from functions to endpoints; the one CIDR is the declared egress."""
    network = roots["network"]
    for rule in network.all("aws_vpc_security_group_ingress_rule").values():
        assert rule["referenced_security_group_id"]
    cidrs = [
        name
        for name, rule in network.all("aws_vpc_security_group_egress_rule").items()
        if "cidr_ipv4" in rule
    ]
    assert cidrs == ["egress-to-internet"]
    for kind in ("ingress", "egress"):
        for rule in network.all(f"aws_vpc_security_group_{kind}_rule").values():
            assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 443, 443)


def test_the_default_group_admits_nothing(roots: dict[str, Any]) -> None:
    """The VPC's default security group has no rule."""
    (group,) = roots["network"].all("aws_default_security_group").values()

    assert not {"ingress", "egress"} & set(group)


def test_everything_that_flows_is_recorded(roots: dict[str, Any]) -> None:
    """The flow log holds accepted and rejected traffic, in an encrypted group with retention."""
    network = roots["network"]
    (log,) = network.all("aws_flow_log").values()
    (group,) = network.all("aws_cloudwatch_log_group").values()

    assert log["traffic_type"] == "ALL"
    assert group["kms_key_id"]
    assert group["retention_in_days"] > 0


def test_one_nat_per_zone_by_setting(make: Any, sample_manifests: Any) -> None:
    """A setting buys independence of the zones."""
    dev = load_environment("dev")
    per_zone = replace(dev, network=replace(dev.network, nat_per_zone=True))

    one = make(dev, sample_manifests)["network"].all("aws_nat_gateway")
    many = make(per_zone, sample_manifests)["network"].all("aws_nat_gateway")

    assert (len(one), len(many)) == (1, 2)


def test_endpoints_in_one_zone_by_setting(shop: dict[str, Any]) -> None:
    """An environment may keep its interface endpoints in one zone, for less money."""
    zones = {
        environment: {
            len(endpoint["subnet_ids"])
            for endpoint in roots["network"].all("aws_vpc_endpoint").values()
            if endpoint["vpc_endpoint_type"] == "Interface"
        }
        for environment, roots in shop.items()
    }

    assert zones == {"local": {2}, "dev": {1}}
