"""Reading whole tables, for checks after the fact."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from trunkline_devtools.aws.clients import Aws, aws_errors

__all__ = ["scan"]


def scan(aws: Aws, table: str) -> list[dict[str, Any]]:
    """Every item of a table as plain values, read consistently.

    Raises:
        CloudCallFailed: the table does not exist or the caller may not read it.
    """
    plain = TypeDeserializer().deserialize
    with aws_errors(f"reading the table {table}"):
        pages = (
            aws.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=table, ConsistentRead=True)
        )
        return [
            {name: plain(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]
