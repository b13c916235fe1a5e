"""DynamoDB's typed JSON to and from plain JSON values.

boto3 has the same for all of DynamoDB's types, at 60 modules more for every cold start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, Rounded
from typing import Any

_NUMBERS = Context(Emin=-128, Emax=126, prec=38, traps=[Inexact, Rounded])
"""What DynamoDB's numbers can hold; rounding in silence would store another number."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as an item; floats become DynamoDB's exact numbers.

    Raises:
        TypeError: a value is neither JSON nor bytes.
        decimal.DecimalException: a number has more than 38 digits.
    """
    return {name: _typed(value) for name, value in values.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as JSON values, and bytes; whole numbers become ``int``, others ``float``.

    Raises:
        TypeError: it has a type that we never write.
    """
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        number = _NUMBERS.create_decimal(str(value))
        if not number.is_finite():
            raise TypeError(f"DynamoDB cannot store {value}")
        return {"N": str(number)}
    if isinstance(value, Mapping):
        return {"M": to_item(value)}
    if isinstance(value, list | tuple):
        return {"L": [_typed(part) for part in value]}
    if isinstance(value, bytes | bytearray):
        return {"B": bytes(value)}
    raise TypeError(f"DynamoDB cannot store {type(value).__name__}")


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "B":  # on the wire, and in Lambda's events, it is base64
            return base64.b64decode(value) if isinstance(value, str) else value
        case "NULL":
            return None
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else float(number)
        case "M":
            return from_item(value)
        case "L":
            return [_plain(part) for part in value]
        case _:
            raise TypeError(f"an attribute has the type {kind!r}, which we never write")
