"""Which AWS services the functions must reach from inside the VPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trunkline.manifest import (
    CallNeed,
    EgressNeed,
    EmailNeed,
    EncryptNeed,
    Function,
    Manifest,
    Need,
    PayloadNeed,
    PublishNeed,
    RotateNeed,
    SecretNeed,
    SendNeed,
    SettingNeed,
    TableNeed,
)

__all__ = ["EXECUTE_API", "interface_endpoints", "needs_egress"]

EXECUTE_API = "execute-api"


def interface_endpoints(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """The services that need an interface endpoint, as AWS names them, sorted.

    Tables and payloads need none: the gateway endpoints of DynamoDB and S3 are always there and
    cost nothing. Logs, traces
    and the polling of queues and streams are Lambda's own work, outside the VPC.
    """
    found: set[str] = set()
    for manifest in manifests:
        if manifest.api is not None and manifest.api.exposure == "private":
            found.add(EXECUTE_API)
        for function in manifest.functions:
            found.update(_of_function(function))
    return tuple(sorted(found))


def needs_egress(manifests: Iterable[Manifest]) -> bool:
    """Whether any function calls a host on the internet."""
    return any(
        isinstance(need, EgressNeed)
        for manifest in manifests
        for function in manifest.functions
        for need in function.needs
    )


def _of_function(function: Function) -> Iterator[str]:
    if function.trigger in ("event", "tasks"):
        yield "sqs"  # it puts dead letters aside
    for need in function.needs:
        yield from _of_need(need)


def _of_need(need: Need) -> tuple[str, ...]:
    match need:
        case SecretNeed() | RotateNeed():
            return ("secretsmanager",)
        case SettingNeed():
            return ("ssm",)
        case EncryptNeed():
            return ("kms",)
        case CallNeed():
            return (EXECUTE_API, "ssm")
        case PublishNeed():
            return ("sns",)
        case SendNeed():
            return ("sqs",)
        case EmailNeed():
            return ("email",)
        case TableNeed() | PayloadNeed() | EgressNeed():
            return ()
