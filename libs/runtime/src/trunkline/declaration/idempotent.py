"""How an operation is made idempotent: what counts as the same request, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.contracts.api import Operation
from trunkline.errors import DeclarationError
from trunkline.idempotency.keys import KEEP_REQUEST_SECONDS, digest


@dataclass(frozen=True)
class Idempotent:
    """What :func:`idempotent` says."""

    fields: tuple[str, ...] | None
    keep: int

    def check(self, operation: Operation[..., Any], *, timeout: int) -> None:
        """Check that this fits an operation.

        Args:
            operation: whose requests are remembered.
            timeout: seconds that a request may take.

        Raises:
            DeclarationError: the body has no such field, or requests are forgotten while they run.
        """
        if self.keep < timeout:
            raise DeclarationError(
                f"{operation!r}: keep={self.keep} would forget a request while it runs; "
                f"at least the timeout of {timeout} seconds"
            )
        known = operation.body_fields if self.fields is not None else ()
        for name in self.fields or ():
            if name not in known:
                allowed = ", ".join(known) or "none: the operation has no body with fields"
                raise DeclarationError(
                    f"{operation!r}: the body has no field {name!r} to recognise a repeated "
                    f"request by; there are: {allowed}"
                )

    def payload(self, operation: Operation[..., Any], arguments: Mapping[str, Any]) -> str:
        """A digest of everything that two requests with the same key must have in common.

        Fields that have their default do not count, so that a contract may gain an optional field
        between a request and its repetition.
        """
        fields = None if self.fields is None else set(self.fields)
        counted: dict[str, Any] = {}
        for parameter in operation.parameters:
            if parameter.location == "key":
                continue
            include = fields if parameter.location == "body" else None
            counted[parameter.name] = parameter.adapter.dump_python(
                arguments[parameter.name], mode="json", include=include, exclude_defaults=True
            )
        return digest(counted)


def idempotent(
    *, fields: Sequence[str] | None = None, keep: int = KEEP_REQUEST_SECONDS
) -> Idempotent:
    """Say how an operation recognises a repeated request; for ``implements(idempotency=...)``.

    Args:
        fields: the fields of the body that count, if not all do: a request with the same key that
            differs in one of them is refused with 422. What is in the path and the query always
            counts. Leave out what a client makes anew for each attempt, such as a time stamp.
        keep: seconds for which the response is remembered, a day by default.
    """
    if fields is not None and not fields:
        raise DeclarationError("idempotent(fields=[]) would take every request for the same")
    return Idempotent(None if fields is None else tuple(fields), keep)
