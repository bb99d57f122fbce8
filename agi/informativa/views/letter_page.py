"""The letter that answers an access request, as one page that needs no other file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import jinja2

from ..model.requests import due_day
from ..operations.access_letter import AccessLetter
from .console_templates import environment, shipped_style
from .messages import Language, of_letter

LANGUAGES = {"it": "Italiano", "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""The languages of letters, by their codes."""


@dataclass(frozen=True, kw_only=True)
class LetterHead:
    """The facts of a letter beside the records: its language, the company's reference, the day on which the
    request came, and how it was checked that the number is the person's. The last three may be empty."""

    code: str
    reference: str = ""
    received: date | None = None
    verified: str = ""

    @property
    def language(self) -> Language:
        """The language of the letter, which need not be the officer's."""
        return of_letter(self.code)

    def in_time(self, today: date) -> bool:
        """Tell if an answer of today is within a month of the request (GDPR 12(3))."""
        return self.received is not None and today <= due_day(self.received)


def letter_page(letter: AccessLetter, head: LetterHead, now: datetime) -> str:
    """Return the letter, with its annex."""
    page = _templates().get_template("letter_file.html")
    return page.render(letter=letter, request=head, style=shipped_style("letter.css"), now=now)


@cache
def _templates() -> jinja2.Environment:
    return environment()
