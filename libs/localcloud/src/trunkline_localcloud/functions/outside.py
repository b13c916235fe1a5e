"""A function's role for code outside of the cloud, as a debugger or a test runs it."""

from __future__ import annotations

from trunkline_localcloud.functions.credentials import Holder, TemporaryCredentials, issuer
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.patching import expect

__all__ = ["issue_outside"]


def issue_outside(function: str) -> TemporaryCredentials:
    """A session of a function's execution role, until the cloud ends.

    AWS has no such call: there only Lambda gets a session of a role that trusts Lambda alone. The
    administrator, who may change every role's trust, gains nothing by it.

    Raises:
        LookupError: there is no such function.
    """
    from ministack.services import lambda_svc

    lookup = expect("outside", lambda_svc, "_get_func_record_for_ref", ("function_ref",))
    record, configuration, _name = lookup(function)
    if not record or not configuration:
        raise LookupError(function)
    version = FunctionVersion.from_configuration(configuration)
    return issuer.issue(Holder(version, kill=_spare))


def _spare() -> None:
    """Faults do not kill: the process is none of the cloud's."""
