"""Who may call a route: what a handler's ``allow`` says.

::

    @service.implements(ShopApi.get_order, allow=owner | group("support"), uses=[orders.read])
    def get_order(order_id: str, caller: Caller) -> OrderView:
        order = orders.get(order_id)
        ...
        caller.must_own(order.customer)
        return order.view()

Rules are values: ``|`` admits whom either admits, ``&`` only whom both admit. Nobody is admitted by
a rule that is not there: a route for customers without ``allow`` is refused when it is declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Literal

from trunkline.errors import DeclarationError, Forbidden
from trunkline.identity import Caller

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope is printable ASCII without space, quote and backslash (RFC 6749, section 3.3)."""


class Verdict(IntEnum):
    """What rules say of a caller, the weakest first."""

    DENIED = 0
    IF_OWNED = 1
    """Admitted, if the thing that the request is about is theirs."""
    ALLOWED = 2


class Rule:
    """Who may call. Made by the names of this module and by ``|`` and ``&``.

    Args:
        text: the rule as it is written.
        kinds: the kinds of callers that it speaks of.
        judge: says what it thinks of one.
        by_owner: whether it may admit somebody as the owner.
        is_either: whether ``|`` made it, so that its text needs brackets inside of ``&``.
        scopes: the OAuth scopes that it speaks of.
        by_scope: whether nobody is admitted without one of them.
    """

    def __init__(
        self,
        text: str,
        kinds: frozenset[Literal["service", "customer"]],
        judge: Callable[[Caller], Verdict],
        *,
        by_owner: bool = False,
        is_either: bool = False,
        scopes: frozenset[str] = frozenset(),
        by_scope: bool = False,
    ) -> None:
        self._text = text
        self.kinds = kinds
        self.judge = judge
        self.by_owner = by_owner
        self.is_either = is_either
        self.scopes = scopes
        self.by_scope = by_scope

    def __repr__(self) -> str:
        return self._text

    def __or__(self, other: Rule) -> Rule:
        mine, theirs = self.judge, other.judge
        return Rule(
            f"{self} | {other}",
            self.kinds | other.kinds,
            lambda caller: max(mine(caller), theirs(caller)),
            by_owner=self.by_owner or other.by_owner,
            is_either=True,
            scopes=self.scopes | other.scopes,
            by_scope=self.by_scope and other.by_scope,
        )

    def __and__(self, other: Rule) -> Rule:
        mine, theirs = self.judge, other.judge
        return Rule(
            " & ".join(f"({rule})" if rule.is_either else f"{rule}" for rule in (self, other)),
            self.kinds | other.kinds,
            lambda caller: min(mine(caller), theirs(caller)),
            by_owner=self.by_owner or other.by_owner,
            scopes=self.scopes | other.scopes,
            by_scope=self.by_scope or other.by_scope,
        )

    def admit(self, caller: Caller) -> Verdict:
        """What the rule says of a caller who is not denied.

        Raises:
            Forbidden: the caller is denied.
        """
        verdict = self.judge(caller)
        if verdict is Verdict.DENIED:
            raise Forbidden("you may not do this")
        return verdict


def _leaf(
    text: str,
    kind: Literal["service", "customer"],
    holds: Callable[[Caller], bool],
    *,
    scopes: frozenset[str] = frozenset(),
) -> Rule:
    def judge(caller: Caller) -> Verdict:
        return Verdict.ALLOWED if caller.kind == kind and holds(caller) else Verdict.DENIED

    return Rule(text, frozenset({kind}), judge, scopes=scopes, by_scope=bool(scopes))


def _anybody(caller: Caller) -> bool:
    return bool(caller.subject)


signed_in = _leaf("signed_in", "customer", _anybody)
"""Every customer who has signed in."""

owner = Rule(
    "owner",
    frozenset({"customer"}),
    lambda caller: Verdict.IF_OWNED if caller.kind == "customer" else Verdict.DENIED,
    by_owner=True,
)
"""The customer whom the thing belongs to. The handler says whose it is, with
:meth:`trunkline.Caller.must_own`; until it has, it can change nothing and answer nothing."""

any_service = _leaf("any_service", "service", _anybody)
"""Every service that declares the call: what a private route allows unless it says otherwise."""


def services(*names: str) -> Rule:
    """Some of the services that declare the call: the callee's own say in who they are."""
    if not names:
        raise DeclarationError("services() admits nobody; name one")
    known = frozenset(names)
    text = f"services({', '.join(map(repr, names))})"
    return _leaf(text, "service", lambda caller: caller.subject in known)


def group(name: str) -> Rule:
    """The customers in a group of the user pool."""
    if not name or "," in name:
        # API Gateway joins groups with commas, so such a group could not be told from two others.
        raise DeclarationError(f"{name!r} is no group: it is empty or has a comma")
    return _leaf(f"group({name!r})", "customer", lambda caller: name in caller.groups)


def scope(name: str) -> Rule:
    """The customers whose access token has an OAuth scope, for example ``orders/write``.

    API Gateway takes either ID tokens, which have no scopes, or access tokens with one of the
    route's scopes, so on a public API every way in must name one.
    """
    if not _SCOPE.fullmatch(name):
        raise DeclarationError(f'{name!r} is no scope: printable ASCII without space, " and \\')

    text = f"scope({name!r})"
    scopes = frozenset({name})
    return _leaf(text, "customer", lambda caller: name in caller.scopes, scopes=scopes)
