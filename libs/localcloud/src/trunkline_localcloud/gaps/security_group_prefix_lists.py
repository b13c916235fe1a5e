"""Security group rules may name a prefix list.

AWS takes a prefix list as the other end of a rule, the usual way to let a function out to a gateway
endpoint (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html).
MiniStack stores and renders such rules but never reads them from a request, so the rule comes back
without its other end, on which the AWS provider fails.
Here the request's prefix lists are added to what MiniStack parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "security_group_prefix_lists"
_OTHER_ENDS = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs")


def install(_settings: CloudSettings) -> None:
    """Read ``PrefixListIds`` of a request's permissions, and answer with them."""
    from ministack.services import ec2

    one = expect(_GAP, ec2, "_p", ("params", "key", "default"))

    def parsing(original: Callable[..., Any]) -> Callable[..., Any]:
        def parse(params: Mapping[str, Any], prefix: str) -> Any:
            rules = original(params, prefix)
            for position, rule in enumerate(rules, start=1):
                rule["PrefixListIds"] += _prefix_lists(one, params, f"{prefix}.{position}")
            return rules

        return parse

    def rendering(original: Callable[..., Any]) -> Callable[..., Any]:
        def render(sg_id: str, rule: Mapping[str, Any], is_egress: bool = False) -> str:
            prefix_lists = rule.get("PrefixListIds") or []
            others = {end: rule.get(end) for end in _OTHER_ENDS if rule.get(end)}
            if not prefix_lists:
                return str(original(sg_id, rule, is_egress))
            # MiniStack's item of a rule without any other end, completed with each prefix list.
            bare = str(original(sg_id, {**rule, **{end: [] for end in others}}, is_egress))
            items = str(original(sg_id, rule, is_egress)) if others else ""
            for each in prefix_lists:
                end = f"<prefixListId>{each['PrefixListId']}</prefixListId>"
                items += bare.replace("</toPort>", f"</toPort>{end}")
            return items

        return render

    replace(_GAP, ec2, "_parse_ip_permissions", ("params", "prefix"), parsing)
    replace(_GAP, ec2, "_sg_rule_xml", ("sg_id", "rule", "is_egress"), rendering)


def _prefix_lists(
    one: Callable[..., str], params: Mapping[str, Any], permission: str
) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for position in count(1):
        member = f"{permission}.PrefixListIds.{position}"
        if not (identifier := one(params, f"{member}.PrefixListId")):
            return found
        entry = {"PrefixListId": identifier}
        if description := one(params, f"{member}.Description"):
            entry["Description"] = description
        found.append(entry)
    return found
