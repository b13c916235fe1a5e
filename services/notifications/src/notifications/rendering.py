"""From a content to an e-mail, by the templates in ``templates/``.

:class:`string.Template` suffices for sentences with values in them and costs nothing at
start-up. Values are escaped for HTML here, in the one place where HTML is made, so a template
cannot forget it.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

from notifications_contract import Content


@dataclass(frozen=True)
class Email:
    """What the reader gets."""

    subject: str
    """One line."""
    text: str
    html: str


def render(content: Content) -> Email:
    """Write the e-mail that says this."""
    values = {name: str(value) for name, value in content}
    escaped = {name: html.escape(value) for name, value in values.items()}
    subject = _template(content.template, "subject.txt").substitute(values)
    return Email(
        # A line break in a subject would begin another header.
        subject=" ".join(subject.split()),
        text=_template(content.template, "body.txt").substitute(values).rstrip() + "\n",
        html=_template(content.template, "body.html").substitute(escaped),
    )


@cache
def _template(name: str, part: str) -> Template:
    return Template(files("notifications").joinpath("templates", name, part).read_text("utf-8"))
