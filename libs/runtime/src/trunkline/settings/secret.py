"""Secrets: values that only Secrets Manager and the running function know."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import to_jsonable_python

from trunkline import clock, environment
from trunkline.errors import DeclarationError, InvalidSecret
from trunkline.invocation import Uses, require
from trunkline.manifest import variables
from trunkline.manifest.model import SecretNeed
from trunkline.settings.typed import Text, problems_of
from trunkline.telemetry import masking

T = TypeVar("T")
R = TypeVar("R")

TTL_SECONDS = 300.0
"""How long a value is used before it is fetched again."""

_MASKED = (SecretStr, SecretBytes)


class Secret(Generic[T]):
    """A secret of one service. Made by :meth:`trunkline.Service.secret`.

    Its values mask themselves: a plain secret is a :class:`pydantic.SecretStr`, whose ``repr``,
    ``str`` and JSON show stars, and a JSON secret is a model with at least one such field. Call
    ``get_secret_value()`` where the value is handed over, and nowhere else.
    """

    def __init__(self, name: str, description: str, kind: Any = SecretStr) -> None:
        if kind is not SecretStr and not _masks_itself(kind):
            raise DeclarationError(
                f"secret {name!r}: its type is pydantic.SecretStr, or a model with fields of type "
                f"SecretStr or SecretBytes, not {kind!r}, which would show itself in logs"
            )
        self.name = name
        self.description = description
        self.text: Text[T] = Text(kind)
        """How the value is stored."""
        self.need = SecretNeed(secret=name)
        self._cached: tuple[str, T, float] | None = None

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"

    def granted(self) -> Uses:
        """What a handler with this secret may use."""
        return Uses(needs=frozenset({self.need}))

    def value(self) -> T:
        """The secret's current value, at most :data:`TTL_SECONDS` old.

        Raises:
            UndeclaredUse: the running handler did not declare the secret.
            EnvironmentIncomplete: the platform did not say where the secret is.
            InvalidSecret: the stored value is not of the declared type.
            Unavailable: Secrets Manager has no value, or does not answer.
        """
        require(self.need)
        physical = environment.required(variables.secret(self.name))
        cached = self._cached
        if cached is not None and cached[0] == physical and clock.monotonic() < cached[2]:
            return cached[1]
        return self._fetch(physical)

    def refresh(self) -> T:
        """Fetch the value at once; :meth:`use` does this when a value was refused."""
        require(self.need)
        return self._fetch(environment.required(variables.secret(self.name)))

    def use(self, call: Callable[[T], R], *, refused: type[Exception]) -> R:
        """Call with the value; if it is refused and has been rotated meanwhile, call once more.

        A refused value is fetched anew at once, whatever its age. If the stored value is still the
        refused one, the refusal is raised: trying the same again cannot help.

        Args:
            call: what needs the value. It may run twice, so what it does must bear that.
            refused: the error by which it says that the value was not accepted.
        """
        value = self.value()
        try:
            return call(value)
        except refused:
            fresh = self.refresh()
            if fresh == value:
                raise
        return call(fresh)

    def forget(self) -> None:
        """Drop the cached value."""
        self._cached = None

    def typed(self, text: str) -> T:
        """A stored text as a value.

        Raises:
            InvalidSecret: it is not of the declared type. The error shows nothing of the text.
        """
        try:
            value = self.text.read(text)
        except ValidationError as error:
            # Neither the value nor the original error, which quotes it, goes any further.
            raise InvalidSecret(self.name, problems_of(error)) from None
        masking.hide(*_hidden_in(value))
        return value

    def stored(self, value: T) -> str:
        """The text by which a value is stored, in the clear."""
        masking.hide(*_hidden_in(value))
        if isinstance(value, BaseModel):
            return json.dumps(value.model_dump(), default=_revealed)
        return str(_revealed(value))

    def _fetch(self, physical: str) -> T:
        from trunkline.settings.aws import secret_value  # botocore is imported on first use only

        value = self.typed(secret_value(physical))
        self._cached = (physical, value, clock.monotonic() + TTL_SECONDS)
        return value


def _hidden_in(value: Any) -> Iterator[str]:
    """The texts that must not be seen anywhere: of a model, its masked fields."""
    if isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _hidden_in(getattr(value, field))
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="replace")
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()


def _revealed(value: Any) -> Any:
    if isinstance(value, _MASKED):
        return to_jsonable_python(value.get_secret_value())
    return to_jsonable_python(value)


def _masks_itself(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and any(field.annotation in _MASKED for field in kind.model_fields.values())
    )
