"""Contract of the gap ``vpc_endpoints``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]


@pytest.fixture
def network(client: Client) -> dict[str, str]:
    """A VPC with a subnet and a security group."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=f"g-{vpc}", Description="d", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnet": subnet, "group": group}


def _interface(client: Client, network: dict[str, str], service: str) -> dict[str, Any]:
    made: dict[str, Any] = client("ec2").create_vpc_endpoint(
        VpcId=network["vpc"],
        ServiceName=f"com.amazonaws.eu-central-1.{service}",
        VpcEndpointType="Interface",
        SubnetIds=[network["subnet"]],
        SecurityGroupIds=[network["group"]],
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]
    return made


def test_interface_endpoint_keeps_its_groups_and_private_dns(
    client: Client, network: dict[str, str]
) -> None:
    """Security groups and private DNS are described as they were given."""
    made = _interface(client, network, "sqs")
    found = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    (described,) = found["VpcEndpoints"]
    for each in (made, described):
        assert each["PrivateDnsEnabled"] is True
        assert [network["group"]] == [group["GroupId"] for group in each["Groups"]]
    assert described["DnsEntries"][0]["DnsName"].startswith(made["VpcEndpointId"])


def test_policy_is_kept_replaced_and_reset(client: Client, network: dict[str, str]) -> None:
    """An endpoint has the policy that it was given last, or else the one that allows everything."""
    ec2 = client("ec2")
    own = {"Version": "2012-10-17", "Statement": []}
    identifier = ec2.create_vpc_endpoint(
        VpcId=network["vpc"],
        ServiceName="com.amazonaws.eu-central-1.s3",
        PolicyDocument=json.dumps(own),
    )["VpcEndpoint"]["VpcEndpointId"]

    def policy() -> Any:
        found = ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"]
        return json.loads(found[0]["PolicyDocument"])

    assert own == policy()
    ec2.modify_vpc_endpoint(VpcEndpointId=identifier, ResetPolicy=True)
    assert policy()["Statement"][0]["Effect"] == "Allow"


def test_security_groups_are_exchanged(client: Client, network: dict[str, str]) -> None:
    """Groups can be added to an endpoint and removed from it."""
    ec2 = client("ec2")
    made = _interface(client, network, "sns")["VpcEndpointId"]
    other = ec2.create_security_group(GroupName="other", Description="d", VpcId=network["vpc"])[
        "GroupId"
    ]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=made,
        AddSecurityGroupIds=[other],
        RemoveSecurityGroupIds=[network["group"]],
        PrivateDnsEnabled=False,
    )
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"]
    assert [other] == [group["GroupId"] for group in found["Groups"]]
    assert found["PrivateDnsEnabled"] is False


def test_filters_select(client: Client, network: dict[str, str]) -> None:
    """Filters by VPC and service return the one endpoint that they describe."""
    made = _interface(client, network, "ssm")["VpcEndpointId"]
    _interface(client, network, "kms")
    found = client("ec2").describe_vpc_endpoints(
        Filters=[
            {"Name": "vpc-id", "Values": [network["vpc"]]},
            {"Name": "service-name", "Values": ["com.amazonaws.eu-central-1.ssm"]},
        ]
    )
    assert [made] == [each["VpcEndpointId"] for each in found["VpcEndpoints"]]


def test_unknown_endpoint_is_refused(client: Client) -> None:
    """Describing an endpoint that does not exist is an error."""
    with pytest.raises(ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
        client("ec2").describe_vpc_endpoints(VpcEndpointIds=["vpce-0"])
