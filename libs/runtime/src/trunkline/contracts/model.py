"""The base of everything that is stored or sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, PrivateAttr

from trunkline.types import PersonalData

MASK = "***"


class Revision:
    """Which stored state a record was read from; it takes no part in comparisons."""

    __slots__ = ("born", "number")

    def __init__(self, number: int = 0, born: int = 0) -> None:
        self.number = number
        """0 for a record that was never stored."""
        self.born = born
        """When it was stored first, in milliseconds since 1970; 0 if that is not known."""

    def __eq__(self, other: object) -> bool:
        """Two records with the same fields are equal, whatever their revision."""
        return isinstance(other, Revision)

    def __hash__(self) -> int:
        return hash(Revision)

    def __repr__(self) -> str:
        return f"Revision({self.number})"


class Model(BaseModel):
    """A frozen pydantic model: the base of bodies, records, events and tasks.

    Unknown fields are ignored where something is read that others wrote (events, tasks, answers,
    stored records), so that they can add fields; the API refuses them in requests.
    """

    # An error of validation would quote what it refuses, personal data included.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    _revision: Revision = PrivateAttr(default_factory=Revision)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The fields as ``repr`` and log lines show them: personal data is masked."""
        personal = _personal(type(self))
        for name, value in super().__repr_args__():
            yield name, MASK if name in personal and value is not None else value


@cache
def _personal(kind: type[BaseModel]) -> frozenset[str]:
    """The fields of a model that :data:`trunkline.types.Personal` marks, at whatever depth."""
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        if PersonalData in field.metadata or PersonalData in _parts(field.annotation)
    )


def _parts(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield part
        yield from _parts(part)
