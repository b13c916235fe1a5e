"""Flow logs keep their role, log group, format, aggregation interval and tags.

AWS returns them (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html).
MiniStack keeps none of them, so that Terraform would replace the flow log at every apply.
Here they are kept in MiniStack's own record and rendered from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from trunkline_localcloud.patching import expect, replace_entry
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "flow_logs"
_CREATED = re.compile(rb"<item>(fl-\w+)</item>")
_DESCRIBED = re.compile(r"<flowLogId>(fl-\w+)</flowLogId>")
_DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)
_DEFAULTS = {"MaxAggregationInterval": "600", "LogFormat": _DEFAULT_FORMAT}
_RENDERED = {
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "LogGroupName": "logGroupName",
    "LogFormat": "logFormat",
    "MaxAggregationInterval": "maxAggregationInterval",
}


def install(_settings: CloudSettings) -> None:
    """Keep and render what MiniStack drops."""
    from ministack.services import ec2

    flow_logs = expect(_GAP, ec2, "_flow_logs")
    one = expect(_GAP, ec2, "_p", ("params", "key", "default"))
    tag = expect(_GAP, ec2, "_parse_tag_specs", ("p", "resource_type", "resource_id"))

    def creating(original: Callable[..., Any]) -> Callable[..., Any]:
        def create(params: Mapping[str, Any]) -> Any:
            answer = original(params)
            group = one(params, "LogGroupName") or _group_name(one(params, "LogDestination"))
            for found in _CREATED.findall(answer[2]):
                tag(params, "vpc-flow-log", found.decode())
                record = flow_logs[found.decode()]
                for field in _RENDERED:
                    if value := one(params, field) or _DEFAULTS.get(field):
                        record[field] = value
                if group:
                    record["LogGroupName"] = group
            return answer

        return create

    def describing(original: Callable[..., Any]) -> Callable[..., Any]:
        def describe(params: Mapping[str, Any]) -> Any:
            status, headers, body = original(params)
            text = _DESCRIBED.sub(lambda m: m[0] + _rest(flow_logs[m[1]]), body.decode())
            return status, headers, text.encode()

        return describe

    replace_entry(_GAP, ec2._ACTION_MAP, "CreateFlowLogs", ("params",), creating)
    replace_entry(_GAP, ec2._ACTION_MAP, "DescribeFlowLogs", ("params",), describing)


def _group_name(destination: str) -> str:
    _, found, name = destination.partition(":log-group:")
    return name.removesuffix(":*") if found else ""


def _rest(record: Mapping[str, Any]) -> str:
    members = "".join(
        f"<{tag}>{escape(record[field])}</{tag}>"
        for field, tag in _RENDERED.items()
        if field in record
    )
    return members + "<deliverLogsStatus>SUCCESS</deliverLogsStatus>"
