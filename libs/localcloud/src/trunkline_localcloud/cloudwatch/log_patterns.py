"""Filter patterns of CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
Supported: terms and quoted phrases, ``-term``, ``?term``, and JSON patterns with comparisons,
``IS``, ``EXISTS``, ``NOT EXISTS``, ``&&``, ``||`` and parentheses. Space-delimited and
regular-expression patterns are not.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from typing import Any

__all__ = ["LogPatternError", "compile_log_pattern", "json_value"]

Matcher = Callable[[str], bool]
_Condition = Callable[[Any], bool]
_MISSING = object()
_TERM = re.compile(r'([-?]?)("(?:[^"\\]|\\.)*"|\S+)')
_TOKEN = re.compile(
    r'\s*(&&|\|\||[()]|\$[^\s=!<>()&|]+|!=|<=|>=|=|<|>|"(?:[^"\\]|\\.)*"|[^\s=!<>()&|]+)'
)
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


class LogPatternError(ValueError):
    """A pattern that is malformed or not supported."""


def compile_log_pattern(pattern: str) -> Matcher:
    """A function that says whether a message matches.

    Raises:
        LogPatternError: the pattern is malformed or not supported.
    """
    text = pattern.strip()
    if text.startswith("["):
        raise LogPatternError(f"space-delimited patterns are not supported: {pattern}")
    if text.startswith("{"):
        return _json_matcher(text)
    return _term_matcher(text)


def json_value(document: Any, selector: str) -> Any:
    """What a selector such as ``$.order.id`` or ``$.items[0]`` finds, or the text ``""``."""
    found = _selected(document, selector)
    return "" if found is _MISSING else found


def _term_matcher(text: str) -> Matcher:
    words: dict[str, list[str]] = {"": [], "-": [], "?": []}
    for sign, term in _TERM.findall(text):
        words[sign].append(term[1:-1] if term.startswith('"') else term)
    required, excluded, optional = words[""], words["-"], words["?"]

    def matches(message: str) -> bool:
        if any(word in message for word in excluded):
            return False
        if not all(word in message for word in required):
            return False
        return not optional or bool(required) or any(word in message for word in optional)

    return matches


def _json_matcher(text: str) -> Matcher:
    if not text.endswith("}"):
        raise LogPatternError(f"malformed pattern: {text}")
    condition = _Parser(text[1:-1]).whole()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict | list) and condition(document)

    return matches


class _Parser:
    """Recursive descent over the tokens of a JSON pattern; ``&&`` binds tighter than ``||``."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def whole(self) -> _Condition:
        condition = self._any()
        if self._at != len(self._tokens):
            raise LogPatternError(f"malformed pattern: {self._text}")
        return condition

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise LogPatternError(f"malformed pattern: {self._text}")
        self._at += 1
        return str(self._tokens[self._at - 1])

    def _follows(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _any(self) -> _Condition:
        conditions = [self._all()]
        while self._follows("||"):
            conditions.append(self._all())
        return lambda document: any(each(document) for each in conditions)

    def _all(self) -> _Condition:
        conditions = [self._one()]
        while self._follows("&&"):
            conditions.append(self._one())
        return lambda document: all(each(document) for each in conditions)

    def _one(self) -> _Condition:
        if self._follows("("):
            inner = self._any()
            if not self._follows(")"):
                raise LogPatternError(f"malformed pattern: {self._text}")
            return inner
        selector, relation = self._next(), self._next()
        if not selector.startswith("$"):
            raise LogPatternError(f"a selector begins with $: {self._text}")
        if relation == "NOT" and self._next() == "EXISTS":
            return lambda document: _selected(document, selector) is _MISSING
        if relation == "EXISTS":
            return lambda document: _selected(document, selector) is not _MISSING
        return _comparison(selector, relation, self._next())


def _comparison(selector: str, relation: str, operand: str) -> _Condition:
    if relation == "IS":
        wanted = _CONSTANTS.get(operand, _MISSING)
        return lambda document: _selected(document, selector) is wanted
    if relation in _NUMERIC:
        compare, limit = _NUMERIC[relation], float(operand)
        return lambda document: (
            _is_number(found := _selected(document, selector)) and compare(found, limit)
        )
    if relation not in ("=", "!="):
        raise LogPatternError(f"unsupported: {selector} {relation} {operand}")

    def equals(document: Any) -> bool:
        found = _selected(document, selector)
        if found is _MISSING:
            return False
        return _equal(found, operand) == (relation == "=")

    return equals


def _equal(found: Any, operand: str) -> bool:
    if operand.startswith('"'):
        return isinstance(found, str) and _alike(found, operand[1:-1].replace('\\"', '"'))
    if _is_number(found):
        try:
            return float(operand) == float(found)
        except ValueError:
            return False
    return _alike(str(found), operand)


def _alike(text: str, wanted: str) -> bool:
    """Whether a text is the wanted one, in which ``*`` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), text, re.DOTALL) is not None


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _selected(document: Any, selector: str) -> Any:
    found = document
    for name, index in re.findall(r"\.?([^.\[\]]+)|\[(\d+)\]", selector.removeprefix("$")):
        if name and isinstance(found, dict) and name in found:
            found = found[name]
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return _MISSING
    return found
