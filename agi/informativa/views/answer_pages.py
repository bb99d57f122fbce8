"""How the files of the answer to a person's request look, in the language of the person."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from ..model.requests import Identification, Move, Request
from ..operations.access_letter import AccessLetter
from ..operations.requests.answering import AnswerPages
from . import receipt_page
from .documents import document
from .letter_page import LetterHead, letter_page
from .messages import ENGLISH, language, languages, of_letter
from .record_words import IDENTIFICATIONS


def answer_pages(code: str, now: datetime) -> AnswerPages:
    """Return the pages in one of the languages of letters; receipts in English where there are none in it."""
    reader = language(code) if code != "en" and code in languages() else ENGLISH

    def letter(content: AccessLetter, request: Request) -> str:
        step = request.last(Move.IDENTIFY)
        words = of_letter(code)(IDENTIFICATIONS[Identification(step.word)]) if step else ""
        head = LetterHead(code=code, reference=str(request.number), received=request.received, verified=words)
        return letter_page(content, head, now)

    return AnswerPages(code, letter, partial(receipt_page.page, say=reader), document)
