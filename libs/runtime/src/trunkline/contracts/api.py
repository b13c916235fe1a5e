"""APIs: one class gives the server its routes and every caller a typed client."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from pydantic import TypeAdapter

from trunkline.contracts.naming import service_of
from trunkline.errors import DeclarationError
from trunkline.types import IdempotencyKey

P = ParamSpec("P")
R = TypeVar("R")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Location = Literal["path", "query", "body", "key"]

IDEMPOTENCY_HEADER = "Idempotency-Key"
"""The request header of draft-ietf-httpapi-idempotency-key-header."""

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_PATH = re.compile(r"^(/([A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}))+$")


@dataclass(frozen=True)
class Parameter:
    """One argument of an operation, and where the request carries it."""

    name: str
    location: Location
    required: bool
    default: Any
    adapter: TypeAdapter[Any]


class Operation(Generic[P, R]):
    """One operation of an API: a command or a query. Made by :func:`command` and :func:`query`."""

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], R],
        *,
        kind: Literal["command", "query"],
        method: Method,
        path: str,
        status: int | None,
    ) -> None:
        self.kind = kind
        self.method = method
        self.path = path
        self.name = function.__name__
        self.description = inspect.getdoc(function)
        self._function = function
        self._status = status
        self._api: type[Api] | None = None
        if not _PATH.match(path):
            raise DeclarationError(f"{self.name}: {path!r} is no path such as /orders/{{order_id}}")

    def __set_name__(self, owner: type[Api], name: str) -> None:
        """Learn which API this operation belongs to."""
        self._api = owner
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}: {self.method} {self.path}>"

    @property
    def api(self) -> type[Api]:
        """The API that the operation belongs to."""
        if self._api is None:
            raise DeclarationError(f"operation {self.name} stands outside a class of an API")
        return self._api

    @property
    def service(self) -> str:
        """The service that implements the operation."""
        return self.api.__service__

    @property
    def status(self) -> int:
        """The status of success: as declared, else 201 for POST, 204 for no content, else 200."""
        if self._status is not None:
            return self._status
        if self._hints.get("return") is type(None):
            return 204
        return 201 if self.method == "POST" else 200

    @cached_property
    def placeholders(self) -> tuple[str, ...]:
        """The path's variables, in order."""
        return tuple(_PLACEHOLDER.findall(self.path))

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The operation's arguments.

        Raises:
            DeclarationError: the signature does not fit the path or the method.
        """
        found = []
        for name, parameter in list(inspect.signature(self._function).parameters.items())[1:]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise DeclarationError(f"{self}: *{name} cannot be part of a contract")
            if name not in self._hints:
                raise DeclarationError(f"{self}: parameter {name!r} has no type")
            required = parameter.default is parameter.empty
            found.append(
                Parameter(
                    name=name,
                    location=self._location(name),
                    required=required,
                    default=None if required else parameter.default,
                    adapter=TypeAdapter(self._hints[name]),
                )
            )
        missing = set(self.placeholders) - {parameter.name for parameter in found}
        if missing:
            raise DeclarationError(f"{self}: no parameter for {', '.join(sorted(missing))}")
        return tuple(found)

    @cached_property
    def result(self) -> TypeAdapter[R]:
        """Reads and writes the operation's result."""
        return TypeAdapter(self._hints.get("return", type(None)))

    @property
    def body_fields(self) -> tuple[str, ...]:
        """The fields of the body, if there is one and it is a model."""
        body = self._hints.get("body")
        return tuple(getattr(body, "model_fields", ()))

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self._function, include_extras=True)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name; :class:`TypeError` if they do not fit."""
        bound = inspect.signature(self._function).bind(None, *args, **kwargs)
        return dict(list(bound.arguments.items())[1:])

    def _location(self, name: str) -> Location:
        if name in self.placeholders:
            return "path"
        if self._hints[name] is IdempotencyKey:
            return "key"
        if name == "body":
            if self.method == "GET":
                raise DeclarationError(f"{self}: a GET has no body")
            return "body"
        return "query"


class Api:
    """The operations of one service's API.

    ::

        class OrdersApi(Api, version=1):
            @command("POST", "/orders")
            def place_order(self, body: PlaceOrder) -> OrderView: ...

            @query("GET", "/orders/{order_id}")
            def get_order(self, order_id: str) -> OrderView: ...

    Parameters named in the path come from there, ``body`` is the JSON body, a parameter of type
    :data:`trunkline.types.IdempotencyKey` is the idempotency header, all others are query
    parameters.
    """

    __service__: str
    __version__: int

    def __init_subclass__(cls, *, version: int, service: str | None = None) -> None:
        """Declare an API.

        Args:
            version: raised for a change that callers of the last version would not survive.
            service: the owner, where the module is not in a package ``<service>_contract``.
        """
        super().__init_subclass__()
        cls.__service__ = service_of(cls.__module__, service)
        cls.__version__ = version
        seen: dict[tuple[str, str], str] = {}
        for operation in operations(cls):
            route = (operation.method, _PLACEHOLDER.sub("{}", operation.path))
            first = seen.setdefault(route, operation.name)
            if first != operation.name:
                raise DeclarationError(
                    f"{cls.__name__}: {first} and {operation.name} are both {' '.join(route)}"
                )


def operations(api: type[Api]) -> tuple[Operation[..., Any], ...]:
    """The operations of an API in the order of their definition."""
    return tuple(value for value in vars(api).values() if isinstance(value, Operation))


def command(
    method: Literal["POST", "PUT", "PATCH", "DELETE"], path: str, *, status: int | None = None
) -> Callable[[Callable[Concatenate[Any, P], R]], Operation[P, R]]:
    """An operation that changes something.

    Args:
        method: the HTTP method.
        path: begins with a slash; variables in braces.
        status: the status of success; by default 201 for POST, 204 without a result, else 200.
    """
    return lambda function: Operation(
        function, kind="command", method=method, path=path, status=status
    )


def query(
    method: Literal["GET"], path: str
) -> Callable[[Callable[Concatenate[Any, P], R]], Operation[P, R]]:
    """An operation that only reads, so it may be repeated at will."""
    return lambda function: Operation(function, kind="query", method=method, path=path, status=None)
