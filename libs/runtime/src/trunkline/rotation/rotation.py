"""What the author of a rotation writes: only what is particular to the secret."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

T = TypeVar("T")


class Rotation(ABC, Generic[T]):
    """Replaces the value of one secret. Declared by :meth:`trunkline.Service.rotates`.

    The four methods are the four steps of Secrets Manager's protocol
    (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html);
    the runtime does the rest: versions, staging labels, tokens, repeats. Every method may run again
    with the same arguments, after a crash at any point, so each must bear that.

    Until :meth:`finish`, the current value stays in use and must keep working: a provider has to
    accept two values for a while.
    """

    @abstractmethod
    def create(self, current: T, token: str) -> T:
        """Make a new value.

        Args:
            current: the value in use.
            token: the same whenever this rotation is tried again: the idempotency key to use when
                the other side makes the value.
        """

    def set(self, pending: T, current: T) -> None:
        """Make the other side accept the new value, if it does not know it already."""

    @abstractmethod
    def test(self, value: T) -> None:
        """Use a value as the service uses it; raise if it does not work.

        It is the new value, or the current one when Secrets Manager only tries out whether the
        function is set up well.
        """

    def finish(self, current: T, previous: T) -> None:
        """The new value is now the current one: make the other side refuse the previous one.

        Functions may hold the previous value for a while. They fetch the new one when they are
        refused, by :meth:`trunkline.settings.Secret.use`.
        """
