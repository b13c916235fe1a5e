"""The temporary credentials of running functions, and whom each belongs to.

Every process gets credentials of its own, so that a signed call tells not only the role but the
very process that made it. Nobody can forge that: the secret never leaves the process.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from trunkline_localcloud.functions.definition import FunctionVersion

__all__ = ["CredentialsIssuer", "Holder", "TemporaryCredentials", "issuer"]

_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class TemporaryCredentials:
    """Access key, secret and session token of one process."""

    access_key: str
    secret_key: str
    session_token: str


@dataclass(frozen=True)
class Holder:
    """The process that holds an access key."""

    function: FunctionVersion
    kill: Callable[[], None]
    """End the process at once, as a crash would."""


class CredentialsIssuer:
    """Issues sessions of execution roles and remembers their holders."""

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}
        self._lock = threading.Lock()

    def issue(self, holder: Holder) -> TemporaryCredentials:
        """A new session of the function's role, valid until it is revoked."""
        from ministack.services import iam, sts

        function = holder.function
        suffix = "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))
        credentials = TemporaryCredentials(
            f"ASIA{suffix}", secrets.token_urlsafe(30), secrets.token_urlsafe(120)
        )
        role, session = function.role_name, function.name[:64]
        record = iam._roles.get_scoped(function.account_id, None, role) or {}
        sts.register_session(
            credentials.access_key,
            {
                "Arn": f"arn:aws:sts::{function.account_id}:assumed-role/{role}/{session}",
                "UserId": f"{record.get('RoleId', role)}:{session}",
                "SecretAccessKey": credentials.secret_key,
                "SessionToken": credentials.session_token,
            },
        )
        with self._lock:
            self._holders[credentials.access_key] = holder
        return credentials

    def revoke(self, credentials: TemporaryCredentials) -> None:
        """End a session; calls signed with it are refused from now on."""
        from ministack.services import sts

        with self._lock:
            self._holders.pop(credentials.access_key, None)
        sts._sessions.pop(credentials.access_key, None)

    def holder_of(self, access_key: str) -> Holder | None:
        """The process that holds ``access_key``, or None when no function does."""
        return self._holders.get(access_key)


issuer = CredentialsIssuer()
"""The one issuer of this cloud."""
