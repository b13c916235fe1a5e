"""VPC endpoints keep their policy, security groups and private DNS, and can be filtered.

AWS returns what an endpoint was made with, gives one that names no policy the policy that allows
everything, and selects by filters (API VpcEndpoint, DescribeVpcEndpoints:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html).
MiniStack keeps the route tables and subnets alone and ignores filters.
Here the rest is kept in MiniStack's own record, so that it is saved with it, and rendered from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape

from trunkline_localcloud.patching import expect, replace, replace_entry
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "vpc_endpoints"
_ID = re.compile(rb"<vpcEndpointId>(vpce-\w+)</vpcEndpointId>")
_OPEN_POLICY = (
    '{"Version":"2008-10-17","Statement":'
    '[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
)
_FILTERED_BY = {
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
    "vpc-endpoint-state": "State",
}
Record = dict[str, Any]
Parameters = Mapping[str, Any]


def install(_settings: CloudSettings) -> None:
    """Keep, change, render and select what MiniStack drops."""
    from ministack.services import ec2

    endpoints = _Endpoints(ec2)
    for operation, handler in {
        "CreateVpcEndpoint": endpoints.create,
        "ModifyVpcEndpoint": endpoints.modify,
        "DescribeVpcEndpoints": endpoints.describe,
    }.items():
        replace_entry(_GAP, ec2._ACTION_MAP, operation, ("p",), partial(partial, handler))
    replace(_GAP, ec2, "_vpce_fields_xml", ("ep", "tag"), partial(partial, _render))


class _Endpoints:
    """The operations on endpoints, over MiniStack's records."""

    def __init__(self, ec2: ModuleType) -> None:
        self._ec2 = ec2
        self._records = expect(_GAP, ec2, "_vpc_endpoints")
        self._one = expect(_GAP, ec2, "_p", ("params", "key", "default"))
        self._members = expect(_GAP, ec2, "_parse_member_list", ("params", "prefix"))
        self._filters = expect(_GAP, ec2, "_parse_filters", ("params",))
        self._has_tags = expect(
            _GAP, ec2, "_resource_matches_tag_filters", ("resource_id", "filters")
        )
        self._xml = expect(_GAP, ec2, "_xml", ("status", "root_tag", "inner"))
        self._refused = expect(_GAP, ec2, "_error", ("code", "message", "status"))
        self._region = expect(_GAP, ec2, "get_region", ())

    def create(self, original: Callable[..., Any], p: Parameters) -> Any:
        answer = original(p)
        if not (found := _ID.search(answer[2])):
            return answer
        record: Record = self._records[found[1].decode()]
        record["PolicyDocument"] = self._one(p, "PolicyDocument") or _OPEN_POLICY
        if record["VpcEndpointType"] == "Interface":
            record["GroupIds"] = self._members(p, "SecurityGroupId")
            record["PrivateDnsEnabled"] = self._one(p, "PrivateDnsEnabled", "true") == "true"
            record["DnsNames"] = _dns_names(record, self._region())
        rendered = self._ec2._vpce_fields_xml(record, tag="vpcEndpoint")
        return self._xml(200, "CreateVpcEndpointResponse", rendered)

    def modify(self, original: Callable[..., Any], p: Parameters) -> Any:
        answer = original(p)
        record: Record | None = self._records.get(self._one(p, "VpcEndpointId"))
        if record is None:
            return answer
        if self._one(p, "ResetPolicy") == "true":
            record["PolicyDocument"] = _OPEN_POLICY
        if private := self._one(p, "PrivateDnsEnabled"):
            record["PrivateDnsEnabled"] = private == "true"
        removed = self._members(p, "RemoveSecurityGroupId")
        kept = [each for each in record.get("GroupIds", []) if each not in removed]
        added = [each for each in self._members(p, "AddSecurityGroupId") if each not in kept]
        record["GroupIds"] = kept + added
        return answer

    def describe(self, _original: Callable[..., Any], p: Parameters) -> Any:
        ids, filters = self._members(p, "VpcEndpointId"), self._filters(p)
        if missing := [each for each in ids if each not in self._records]:
            message = f"The Vpc Endpoint Id '{missing[0]}' does not exist"
            return self._refused("InvalidVpcEndpointId.NotFound", message, 400)
        items = "".join(
            self._ec2._vpce_fields_xml(record)
            for record in self._records.values()
            if (not ids or record["VpcEndpointId"] in ids) and self._selected(record, filters)
        )
        selected = f"<vpcEndpointSet>{items}</vpcEndpointSet>"
        return self._xml(200, "DescribeVpcEndpointsResponse", selected)

    def _selected(self, record: Record, filters: Mapping[str, list[str]]) -> bool:
        return bool(self._has_tags(record["VpcEndpointId"], filters)) and all(
            record[field] in filters[name]
            for name, field in _FILTERED_BY.items()
            if name in filters
        )


def _render(original: Callable[..., Any], ep: Record, tag: str = "item") -> str:
    closing = f"</{tag}>"
    return str(original(ep, tag)).removesuffix(closing) + _rest(ep) + closing


def _dns_names(record: Record, region: str) -> list[str]:
    service = record["ServiceName"].rpartition(".")[2]
    own = f"{record['VpcEndpointId']}.{service}.{region}.vpce.amazonaws.com"
    return [own, f"{service}.{region}.amazonaws.com"]


def _rest(record: Record) -> str:
    """The members of an endpoint that MiniStack leaves out."""
    groups = "".join(
        f"<item><groupId>{each}</groupId><groupName>{each}</groupName></item>"
        for each in record.get("GroupIds", [])
    )
    names = "".join(
        f"<item><dnsName>{each}</dnsName></item>" for each in record.get("DnsNames", [])
    )
    private_dns = str(record.get("PrivateDnsEnabled", False)).lower()
    return (
        f"<policyDocument>{escape(record.get('PolicyDocument', _OPEN_POLICY))}</policyDocument>"
        f"<privateDnsEnabled>{private_dns}</privateDnsEnabled>"
        f"<groupSet>{groups}</groupSet><dnsEntrySet>{names}</dnsEntrySet>"
        "<requesterManaged>false</requesterManaged><ipAddressType>ipv4</ipAddressType>"
        "<dnsOptions><dnsRecordIpType>ipv4</dnsRecordIpType></dnsOptions>"
    )
