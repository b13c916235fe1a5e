"""Policy documents: the same statements always give the same text, and merging widens nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline_platform.policy import Statement, document


def _statement(**fields: Any) -> Statement:
    return Statement(**{"sid": "Read", "actions": ("s3:GetObject",), "resources": ("a",), **fields})


def _only(*statements: Statement) -> dict[str, Any]:
    (found,) = json.loads(document(statements))["Statement"]
    return dict(found)


def test_order_of_grants_does_not_matter() -> None:
    """Statements are sorted by what they are for."""
    read, write = _statement(), _statement(sid="Write", actions=("s3:PutObject",))

    assert document([read, write]) == document([write, read])


def test_the_same_grant_twice_is_one_statement() -> None:
    """Two handlers with the same need give their function one statement."""
    assert _only(_statement(), _statement()) == {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "a",
    }


def test_one_action_on_several_resources_is_one_statement() -> None:
    """Grants of one kind share a statement."""
    assert _only(_statement(), _statement(resources=("b",)))["Resource"] == ["a", "b"]


def test_merging_never_allows_an_action_on_a_resource_unasked() -> None:
    """Get on a and put on b must not become get and put on both."""
    with pytest.raises(ValueError, match="unasked"):
        document([_statement(), _statement(actions=("s3:PutObject",), resources=("b",))])


def test_merging_never_drops_a_condition() -> None:
    """Two statements of one name that differ in their conditions are a mistake."""
    condition = {"Bool": {"aws:SecureTransport": "true"}}

    with pytest.raises(ValueError, match="two different statements"):
        document([_statement(), _statement(conditions=condition)])
