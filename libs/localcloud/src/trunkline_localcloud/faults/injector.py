"""The rules in force, and how often each has struck."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from trunkline_localcloud.faults.rules import FaultRule, Moment

__all__ = ["FaultInjector", "injector"]


class FaultInjector:
    """The rules in force; safe to use from any thread."""

    def __init__(self) -> None:
        self._rules: tuple[FaultRule, ...] = ()
        self._hits: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def armed(self) -> bool:
        """Whether there are rules at all."""
        return bool(self._rules)

    def replace(self, rules: Iterable[FaultRule]) -> None:
        """Put ``rules`` in force instead of all others, with no hits."""
        with self._lock:
            self._rules = tuple(rules)
            self._hits.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The rules with their hits, as the control API answers them."""
        with self._lock:
            return [rule.as_json(self._hits[rule.id]) for rule in self._rules]

    def strike(
        self, when: Moment, function: str | None, actions: Iterable[tuple[str, str]]
    ) -> list[FaultRule]:
        """The rules that are about a call and not used up yet; each of them counts a hit.

        A rule that kills needs a function's process to kill, so it is never about anybody else.
        """
        described = list(actions)
        with self._lock:
            struck = [
                rule
                for rule in self._rules
                if rule.matches(when, function, described)
                and (function is not None or rule.effect != "kill")
                and (rule.times is None or self._hits[rule.id] < rule.times)
            ]
            self._hits.update(rule.id for rule in struck)
        return struck


injector = FaultInjector()
"""The one injector of this cloud."""
