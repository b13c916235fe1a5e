"""From a request to an operation's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from trunkline.api.request import Request
from trunkline.contracts.api import IDEMPOTENCY_HEADER, Operation, Parameter
from trunkline.errors import InvalidRequest

MAX_KEY_LENGTH = 255


def arguments_of(
    operation: Operation[..., Any], request: Request, variables: Mapping[str, str]
) -> dict[str, Any]:
    """The validated arguments by name.

    Raises:
        InvalidRequest: some do not fit the contract; names every wrong field.
    """
    arguments: dict[str, Any] = {}
    known = {parameter.name for parameter in operation.parameters if parameter.location == "query"}
    errors = [
        {"field": name, "message": "unknown query parameter"}
        for name in request.query
        if name not in known
    ]
    for parameter in operation.parameters:
        try:
            arguments[parameter.name] = _argument(parameter, request, variables)
        except ValidationError as error:
            errors.extend(_fields(parameter, error))
        except _MissingError as missing:
            errors.append({"field": parameter.name, "message": str(missing)})
    if errors:
        raise InvalidRequest("some fields are wrong", errors=errors)
    return arguments


def idempotency_key(request: Request) -> str | None:
    """The request's key, or ``None``.

    Raises:
        InvalidRequest: it is empty or too long.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER.lower())
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise InvalidRequest(f"{IDEMPOTENCY_HEADER} must have 1 to {MAX_KEY_LENGTH} characters")
    return key


class _MissingError(ValueError):
    pass


def _argument(parameter: Parameter, request: Request, variables: Mapping[str, str]) -> Any:
    match parameter.location:
        case "path":
            return parameter.adapter.validate_python(variables.get(parameter.name))
        case "body":
            return _body(parameter, request)
        case "key":
            key = idempotency_key(request)
            if key is None and parameter.required:
                raise _MissingError(f"header {IDEMPOTENCY_HEADER} is required")
            return key if key is not None else parameter.default
        case "query":
            values = request.query.get(parameter.name)
            if not values:
                if parameter.required:
                    raise _MissingError("required")
                return parameter.default
            if len(values) > 1:
                return parameter.adapter.validate_python(values)
            try:
                return parameter.adapter.validate_python(values[0])
            except ValidationError:
                return parameter.adapter.validate_python(values)


def _body(parameter: Parameter, request: Request) -> Any:
    if not request.body:
        if parameter.required:
            raise _MissingError("a JSON body is required")
        return parameter.default
    return parameter.adapter.validate_json(request.body, extra="forbid")


def _fields(parameter: Parameter, error: ValidationError) -> list[dict[str, Any]]:
    prefix = () if parameter.location == "body" else (parameter.name,)
    return [
        {
            "field": ".".join(str(part) for part in (*prefix, *found["loc"])) or parameter.name,
            "message": found["msg"],
        }
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    ]
