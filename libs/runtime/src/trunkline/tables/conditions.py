"""What must hold of the stored record before it is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter

V = TypeVar("V")

Comparison: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Term:
    """One comparison of a stored field with a value."""

    field: str
    comparison: Comparison
    value: Any
    """As it is stored: a JSON value."""


@dataclass(frozen=True)
class Condition:
    """Comparisons that must all hold; made from :meth:`trunkline.tables.Table.field`."""

    terms: tuple[Term, ...]

    def __and__(self, other: Condition) -> Condition:
        """Both must hold."""
        return Condition((*self.terms, *other.terms))

    def expression(self) -> tuple[str, Mapping[str, str], Mapping[str, Any]]:
        """A DynamoDB condition, its names and its values.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
        """
        parts, names, values = [], {}, {}
        for number, term in enumerate(self.terms):
            parts.append(f"#c{number} {term.comparison} :c{number}")
            names[f"#c{number}"] = term.field
            values[f":c{number}"] = term.value
        return " AND ".join(parts), names, values


class Field(Generic[V]):
    """A field of the stored record, to compare: ``table.field("sequence") < 7``."""

    __hash__ = None  # type: ignore[assignment]  # == makes a condition, so it tells nothing apart

    def __init__(self, name: str, kind: Any) -> None:
        self._name = name
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return self._term("=", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return self._term("<>", value)

    def __lt__(self, value: V) -> Condition:
        return self._term("<", value)

    def __le__(self, value: V) -> Condition:
        return self._term("<=", value)

    def __gt__(self, value: V) -> Condition:
        return self._term(">", value)

    def __ge__(self, value: V) -> Condition:
        return self._term(">=", value)

    def _term(self, comparison: Comparison, value: Any) -> Condition:
        stored = self._adapter.dump_python(value, mode="json")
        return Condition((Term(self._name, comparison, stored),))
