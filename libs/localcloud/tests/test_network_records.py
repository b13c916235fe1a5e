"""Contracts of the gaps ``flow_logs`` and ``security_group_prefix_lists``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Client = Callable[..., Any]


@pytest.fixture
def vpc(client: Client) -> str:
    """The id of a new VPC."""
    identifier: str = client("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    return identifier


def test_flow_log_is_described_as_it_was_made(client: Client, vpc: str) -> None:
    """Role, log group, aggregation interval and tags of a flow log are kept."""
    ec2 = client("ec2")
    (made,) = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogDestinationType="cloud-watch-logs",
        LogDestination="arn:aws:logs:eu-central-1:000000000000:log-group:/flow",
        DeliverLogsPermissionArn="arn:aws:iam::000000000000:role/flow",
        MaxAggregationInterval=60,
        TagSpecifications=[
            {"ResourceType": "vpc-flow-log", "Tags": [{"Key": "owner", "Value": "network"}]}
        ],
    )["FlowLogIds"]
    (found,) = ec2.describe_flow_logs(FlowLogIds=[made])["FlowLogs"]
    assert found["DeliverLogsPermissionArn"] == "arn:aws:iam::000000000000:role/flow"
    assert found["LogGroupName"] == "/flow"
    assert found["MaxAggregationInterval"] == 60
    assert found["Tags"] == [{"Key": "owner", "Value": "network"}]
    assert found["LogFormat"].startswith("${version}")


def test_rule_names_a_prefix_list(client: Client, vpc: str) -> None:
    """A rule to a prefix list comes back with the prefix list, on creating and on reading."""
    ec2 = client("ec2")
    (listed,) = ec2.describe_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-central-1.s3"]}]
    )["PrefixLists"]
    group = ec2.create_security_group(GroupName="out", Description="d", VpcId=vpc)["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "PrefixListIds": [{"PrefixListId": listed["PrefixListId"], "Description": "to S3"}],
    }
    (made,) = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[permission])[
        "SecurityGroupRules"
    ]
    (read,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[made["SecurityGroupRuleId"]])[
        "SecurityGroupRules"
    ]
    for rule in (made, read):
        assert listed["PrefixListId"] == rule["PrefixListId"]
        assert rule["Description"] == "to S3"
        assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
