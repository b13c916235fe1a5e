"""From the text that AWS stores to the value that an author's code wants."""

from __future__ import annotations

import dataclasses
import typing
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

T = TypeVar("T")

_CONTAINERS = (BaseModel, dict, list, set, frozenset, tuple)


class Text(Generic[T]):
    """The textual form of one type.

    Numbers, booleans, enums and other scalars are written plainly (``20``, ``true``, ``EUR``);
    models, lists and mappings are JSON. A string is taken as it is.

    Args:
        kind: any type that pydantic validates, also ``Annotated`` with constraints.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    @property
    def is_json(self) -> bool:
        """Whether the text is a JSON document."""
        bare = typing.get_args(self.kind)[0] if _annotated(self.kind) else self.kind
        bare = typing.get_origin(bare) or bare
        return isinstance(bare, type) and (
            issubclass(bare, _CONTAINERS) or dataclasses.is_dataclass(bare)
        )

    def read(self, text: str) -> T:
        """The value.

        Raises:
            pydantic.ValidationError: the text is not of the type. It holds the text.
        """
        if self.kind is str:
            return typing.cast("T", text)
        if self.is_json:
            return self._adapter.validate_json(text)
        return self._adapter.validate_strings(text)

    def write(self, value: T) -> str:
        """The text of a value."""
        if isinstance(value, str) and type(value) is str:
            return value
        plain = self._adapter.dump_python(value, mode="json")
        if isinstance(plain, str | float) and not self.is_json:
            return str(plain)  # JSON has no infinity
        return self._adapter.dump_json(value).decode()

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        # Built when the first value is read: most functions read few of their service's settings.
        return TypeAdapter(self.kind)


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong, one line for each place, without the value that was seen."""
    found = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        found.append(f"{where}: {problem['msg']}" if where else problem["msg"])
    return found


def _annotated(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Annotated
