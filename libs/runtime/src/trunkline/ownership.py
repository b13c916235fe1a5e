"""Whether a request's caller was shown to own what the request is about."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from trunkline.errors import NotFound, OwnershipUnchecked

if TYPE_CHECKING:
    from trunkline.identity import Caller

NOT_YOURS = "there is no such thing, or it is not yours"
"""What is said of other people's things, and, word for word, of those that do not exist."""


class Ownership:
    """Fails closed: while ownership is open, the handler can change nothing and answer nothing.

    Args:
        handler: the handler's name.
        caller: who makes the request.
        needed: whether the caller must own the thing; if not, another rule has admitted them.
    """

    def __init__(self, handler: str, caller: Caller, *, needed: bool) -> None:
        self._handler = handler
        self.caller = caller
        self.needed = needed
        self._shown = not needed

    def show(self) -> None:
        """The thing is the caller's."""
        self._shown = True

    def require(self, what: str) -> None:
        """Check that ownership was shown, before something happens.

        Raises:
            OwnershipUnchecked: it was not.
        """
        if not self._shown:
            raise OwnershipUnchecked(self._handler, what)

    def __enter__(self) -> Ownership:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let nothing out that tells other people's things from those that do not exist.

        Raises:
            NotFound: the handler raised one, in whatever words.
            OwnershipUnchecked: the handler returned without having asked.
        """
        if error is None:
            self.require("answers")
        elif isinstance(error, NotFound) and not self._shown:
            raise NotFound(NOT_YOURS) from error
