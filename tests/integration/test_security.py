"""What the running platform refuses, and that it serves the same request when it is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

UNKNOWN_ORDER = "00000000-0000-4000-8000-000000000000"


def _order_url(shop: Any, order_id: str = UNKNOWN_ORDER) -> str:
    return f"{shop.status['apis']['orders']['url']}/orders/{order_id}"


@pytest.fixture
def storefront(probe: Callable[..., Any]) -> Any:
    """A probe with the role of the one service that declared the call."""
    return probe("storefront", "api")


def test_declared_caller_is_served(shop: Any, storefront: Any) -> None:
    """The declared caller, signed and inside the VPC, gets through to the service."""
    assert 404 == storefront.http("GET", _order_url(shop))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"sign": "none"}, id="unsigned"),
        pytest.param({"sign": "forged"}, id="forged"),
        pytest.param({"sign": "expired"}, id="expired"),
        pytest.param({"service": "sqs"}, id="scoped to another service"),
        pytest.param({"region": "us-east-1"}, id="scoped to another region"),
    ],
)
def test_bad_signature_is_refused(shop: Any, storefront: Any, wrong: dict[str, str]) -> None:
    """A private API answers 403 to a missing, forged, old or wrongly scoped signature."""
    assert 403 == storefront.http("GET", _order_url(shop), **wrong)


def test_outside_the_network_is_refused(shop: Any, probe: Callable[..., Any]) -> None:
    """The declared caller's own role is refused outside of the VPC endpoint."""
    outside = probe("storefront", "api", vpc=False)
    assert 403 == outside.http("GET", _order_url(shop))


def test_undeclared_caller_is_refused(shop: Any, probe: Callable[..., Any]) -> None:
    """A service that did not declare the call gets 403."""
    payments = probe("payments", "on-order-placed")
    assert 403 == payments.http("GET", _order_url(shop))


def test_undeclared_caller_is_refused_whatever_its_policy(
    shop: Any, probe: Callable[..., Any]
) -> None:
    """A role that allows itself execute-api:* still gets 403 where it is not declared."""
    payments = probe("payments", "on-order-placed")
    roles = shop.client("iam")
    everything = {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}
    role = {"RoleName": "trunkline-local-payments-on-order-placed", "PolicyName": "greedy"}
    roles.put_role_policy(
        **role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    )
    try:
        assert 403 == payments.http("GET", _order_url(shop))
    finally:
        roles.delete_role_policy(**role)


@pytest.mark.parametrize(
    "header",
    ["X-Amzn-Vpce-Id", "X-Amz-Source-Vpce", "X-Amzn-Vpc-Id", "Source-Vpce", "X-Forwarded-For"],
)
def test_no_header_makes_an_endpoint(shop: Any, probe: Callable[..., Any], header: str) -> None:
    """Only credentials show that a call comes through the VPC endpoint, never a header."""
    known = shop.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    ours = (found for found in known if found["ServiceName"].endswith("execute-api"))
    (endpoint,) = (found["VpcEndpointId"] for found in ours)
    outside = probe("storefront", "api", vpc=False)
    assert 403 == outside.http("GET", _order_url(shop), headers={header: endpoint})


@pytest.mark.parametrize(
    "header",
    ["X-Amzn-Principal-Arn", "X-Amz-User-Arn", "X-Amzn-Caller-Arn", "X-Amzn-Requestcontext"],
)
def test_no_header_makes_a_caller(shop: Any, probe: Callable[..., Any], header: str) -> None:
    """A service that claims in a header to be the declared caller still gets 403."""
    role = f"arn:aws:iam::{shop.status['account_id']}:role/trunkline-local-storefront-api"
    payments = probe("payments", "on-order-placed")
    assert 403 == payments.http("GET", _order_url(shop), headers={header: role})


def _foreign_uses(shop: Any) -> dict[str, tuple[str, str, dict[str, Any]]]:
    account, region = shop.status["account_id"], shop.status["region"]
    queue = f"{shop.status['endpoint']}/{account}/trunkline-local-orders-on-payment-captured"
    return {
        "read its table": (
            "dynamodb",
            "get_item",
            {"TableName": "trunkline-local-orders-orders", "Key": {"order_id": {"S": "1"}}},
        ),
        "write its table": (
            "dynamodb",
            "put_item",
            {"TableName": "trunkline-local-orders-orders", "Item": {"order_id": {"S": "1"}}},
        ),
        "write its outbox": (
            "dynamodb",
            "put_item",
            {
                "TableName": "trunkline-local-orders-outbox",
                "Item": {"lane": {"S": "1"}, "place": {"S": "1"}},
            },
        ),
        "send to its queue": ("sqs", "send_message", {"QueueUrl": queue, "MessageBody": "{}"}),
        "receive from its queue": ("sqs", "receive_message", {"QueueUrl": queue}),
        "publish to its topic": (
            "sns",
            "publish",
            {
                "TopicArn": f"arn:aws:sns:{region}:{account}:trunkline-local-orders-events",
                "Message": "{}",
            },
        ),
    }


@pytest.mark.parametrize(
    "use",
    [
        "read its table",
        "write its table",
        "write its outbox",
        "send to its queue",
        "receive from its queue",
        "publish to its topic",
    ],
)
@pytest.mark.parametrize("caller", [("payments", "on-order-placed"), ("storefront", "api")])
def test_another_services_resources_are_refused(
    shop: Any, probe: Callable[..., Any], caller: tuple[str, str], use: str
) -> None:
    """A function gets AccessDenied for another service's table, queue and topic."""
    service, operation, parameters = _foreign_uses(shop)[use]
    code = probe(*caller).aws(service, operation, **parameters)
    assert "AccessDenied" in code or "AuthorizationError" in code, code


@pytest.mark.parametrize(
    "caller",
    [("orders", "api"), ("storefront", "api"), ("notifications", "tasks"), ("payments", "relay")],
)
def test_secret_of_another_function_is_refused(
    shop: Any, probe: Callable[..., Any], caller: tuple[str, str]
) -> None:
    """Only the function that declared a secret can read it, not even its own service's relay."""
    name = "trunkline/local/payments/provider-api-key"
    code = probe(*caller).aws("secretsmanager", "get_secret_value", SecretId=name)
    assert "AccessDenied" in code, code
    allowed = probe("payments", "on-order-placed")
    assert "OK" == allowed.aws("secretsmanager", "get_secret_value", SecretId=name)


def test_customers_see_only_their_own_orders(customer: Callable[..., Any]) -> None:
    """A customer reads their own order; to another customer it does not exist."""
    owner, stranger = customer(), customer()
    path = f"/orders/{owner.order()}"
    assert 200 == owner.request("GET", path).status
    assert 404 == stranger.request("GET", path).status


@pytest.mark.parametrize("token", [None, "not-a-token"])
def test_nobody_orders_without_signing_in(shop: Any, token: str | None) -> None:
    """The public API refuses a missing and an invented token."""
    headers = {} if token is None else {"Authorization": token}
    url = f"{shop.status['public_url']}/orders"
    assert 401 == urllib3.request("GET", url, headers=headers, retries=False).status


def test_root_keys_are_refused(shop: Any) -> None:
    """The keys that emulators usually accept unchecked are refused."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = shop.client("sts", **keys)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.get_caller_identity()
    assert 403 == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
