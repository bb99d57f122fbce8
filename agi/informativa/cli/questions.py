"""Questions to a person at a terminal. Each is asked again, with the reason, until its answer can be one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar
from unicodedata import normalize

import typer

from ..model.errors import InformativaError
from ..model.text import Text
from .words import _

T = TypeVar("T")


def is_terminal() -> bool:
    """Return whether a person is there to be asked: input and output are a terminal's."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: str, parse: Callable[[str], T], default: str | None = None) -> T:
    """Return what `parse` makes of the answer; it raises InformativaError with what is wrong with one."""
    while True:
        answer = typer.prompt(question, default=default, show_default=bool(default))
        try:
            return parse(str(answer).strip())
        except InformativaError as error:
            print(_(error.text))


def ask_yes(question: str, *, usually: bool = False) -> bool:
    """Return the answer to a question of yes or no, in the reader's language or in English. Enter alone means
    what is `usually` so."""
    return ask(question, _yes_or_no, _("yes") if usually else _("no"))


def _yes_or_no(text: str) -> bool:
    answers = {_("yes"): True, _("no"): False, "yes": True, "no": False}
    for word, answer in answers.items():
        if text and normalize("NFD", word).startswith(normalize("NFD", text.lower())):  # "si" for "sì", too
            return answer
    raise InformativaError(Text("Type yes or no."))
