"""The base of everything that is stored or sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, PrivateAttr


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

    model_config = ConfigDict(frozen=True, extra="ignore")

    _revision: Revision = PrivateAttr(default_factory=Revision)
