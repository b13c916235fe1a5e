"""Orders and outbox in DynamoDB, with boto3's client made once, while Lambda initialises.

https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html#function-code
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

dynamodb = boto3.client("dynamodb")
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values as an item."""
    return {name: _serialize(value) for name, value in values.items()}


def find(order_id: str) -> dict[str, Any] | None:
    """The order, read consistently."""
    answer = dynamodb.get_item(
        TableName=os.environ["SHOP_ORDERS_TABLE"],
        Key={"order_id": {"S": order_id}},
        ConsistentRead=True,
    )
    item = answer.get("Item")
    return None if item is None else {name: _deserialize(value) for name, value in item.items()}


def store(order: dict[str, Any], event: dict[str, Any]) -> None:
    """Store a new order and its event in one transaction."""
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Put": {
                    "TableName": os.environ["SHOP_ORDERS_TABLE"],
                    "Item": to_item(order),
                    "ConditionExpression": "attribute_not_exists(order_id)",
                }
            },
            {
                "Put": {
                    "TableName": os.environ["SHOP_OUTBOX_TABLE"],
                    "Item": to_item(event),
                }
            },
        ]
    )
