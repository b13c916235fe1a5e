"""The condition keys that a call brings along.

``dynamodb:LeadingKeys`` are the partition keys that a request reads or writes,
``kms:EncryptionContext:`` and ``kms:EncryptionContextKeys`` what it passes to KMS,
``ses:FromAddress`` and ``ses:Recipients`` who writes to whom
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html,
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html).
MiniStack populates none of them: conditions on them never hold, or with ``ForAllValues`` always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from functools import partial
from typing import Any

from trunkline_localcloud.callers import request_body
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "authorization_conditions"
_ENFORCE = ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context")
Content = Mapping[str, Any]


def install(_settings: CloudSettings) -> None:
    """Bring the request's own keys to every decision on it."""
    from ministack.core import iam_evaluator

    replace(_GAP, iam_evaluator, "enforce", _ENFORCE, partial(partial, _with_keys))


def _with_keys(
    original: Callable[..., Any],
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    keys = _KEYS.get(service)
    context = dict(service_context or {})
    if keys is not None and (content := request_body()):
        context = {**keys(content), **context}
    return original(access_key_id, iam_action, service, region, resource_arn, context)


def _of_kms(content: Content) -> dict[str, Any]:
    from ministack.core.responses import get_account_id

    pairs = content.get("EncryptionContext") or {}
    keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
    if pairs:
        keys["kms:EncryptionContextKeys"] = list(pairs)
    return {**keys, "kms:CallerAccount": get_account_id()}


def _of_mail(content: Content) -> dict[str, Any]:
    sender = content.get("FromEmailAddress")
    if not sender:
        return {}
    name, address = parseaddr(sender)
    lists = (content.get("Destination") or {}).values()
    recipients = [parseaddr(each)[1] for addresses in lists for each in addresses]
    return {
        "ses:FromAddress": address,
        "ses:FromDisplayName": name,
        "ses:Recipients": recipients,
        "ses:ApiVersion": "2",
    }


def _of_tables(content: Content) -> dict[str, Any]:
    keys = [_text(value) for value in _leading_keys(content) if value]
    return {"dynamodb:LeadingKeys": keys} if keys else {}


def _leading_keys(content: Content) -> Iterator[Any]:
    """Partition keys that a request names, wherever its operation puts them."""
    if name := content.get("TableName"):
        yield from _of_item(content, _partition_key(name))
        yield from _of_query(content, name)
    for name, request in (content.get("RequestItems") or {}).items():
        key = _partition_key(name)
        if isinstance(request, list):
            for each in request:
                for member in each.values():
                    yield from _of_item(member, key)
        else:
            yield from (each.get(key) for each in request.get("Keys", []))
    for item in content.get("TransactItems") or []:
        for member in item.values():
            yield from _of_item(member, _partition_key(member.get("TableName", "")))


def _of_item(content: Content, key: str) -> Iterator[Any]:
    for member in ("Key", "Item"):
        yield (content.get(member) or {}).get(key)


def _of_query(content: Content, table: str) -> Iterator[Any]:
    condition = content.get("KeyConditionExpression")
    if not condition:
        return
    names = content.get("ExpressionAttributeNames") or {}
    key = _partition_key(table, content.get("IndexName"))
    tokens = condition.replace("(", " ").replace(")", " ").replace("=", " = ").split()
    for left, relation, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if relation == "=" and names.get(left, left) == key:
            yield (content.get("ExpressionAttributeValues") or {}).get(right)


def _partition_key(table: str, index: str | None = None) -> str:
    from ministack.services import dynamodb

    record = expect(_GAP, dynamodb, "_tables").get(table.rpartition("/")[2]) or {}
    schemas = [record]
    if index:
        secondary = [
            *(record.get("GlobalSecondaryIndexes") or []),
            *(record.get("LocalSecondaryIndexes") or []),
        ]
        schemas = [each for each in secondary if each["IndexName"] == index]
    for schema in schemas:
        for element in schema.get("KeySchema", []):
            if element["KeyType"] == "HASH":
                return str(element["AttributeName"])
    return ""


def _text(value: Mapping[str, Any]) -> str:
    """The value of an attribute without its type."""
    return str(next(iter(value.values()), ""))


_KEYS: dict[str, Callable[[Content], dict[str, Any]]] = {
    "dynamodb": _of_tables,
    "kms": _of_kms,
    "sesv2": _of_mail,
}
