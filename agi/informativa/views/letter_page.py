"""The letter that answers an access request, as one page that needs no other file; and the files of the
answer to a person's request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ..model.requests import Identification, Move, PersonRequest, due_day
from ..operations.access_letter import AccessLetter
from ..operations.request_answers import AnswerPages
from .console_templates import environment, shipped_style
from .documents import document
from .messages import Language, of_letter
from .record_words import IDENTIFICATIONS


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
    page = environment().get_template("letter_file.html")
    return page.render(letter=letter, request=head, style=shipped_style("letter.css"), now=now)


def answer_pages(code: str, now: datetime) -> AnswerPages:
    """Return the pages in one of the languages of letters."""

    def letter(content: AccessLetter, request: PersonRequest) -> str:
        step = request.last(Move.IDENTIFY)
        words = of_letter(code)(IDENTIFICATIONS[Identification(step.word)]) if step else ""
        head = LetterHead(code=code, reference=str(request.number), received=request.received, verified=words)
        return letter_page(content, head, now)

    return AnswerPages(code, letter, document)
