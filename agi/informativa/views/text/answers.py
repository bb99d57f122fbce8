"""Answers to choices, counted, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Controller
from ...operations.statistics import AnswerStatistics, ChoiceStatistics
from .. import choice_words
from ..messages import Language
from ..record_words import name_in_language
from ..terminal import one_line


def answers(result: AnswerStatistics, controllers: Mapping[str, Controller], say: Language) -> Iterator[str]:
    """Yield the answers of each company's callers, by choice and line."""
    for company in result.controllers:
        yield say(
            "{name} ({id}): answers to choices from {first} to {last}",
            name=company.name,
            id=company.controller,
            first=company.first_day,
            last=company.last_day,
        )
        names = controllers[company.controller].names
        for choice in company.choices:
            yield one_line("    " + _choice(choice, names, say))
        if not company.choices:
            yield "    " + say("no caller answered, or was to be asked")


def _choice(choice: ChoiceStatistics, names: Mapping[str, Mapping[str, str]], say: Language) -> str:
    purpose = f" ({name_in_language(choice.purpose, names, say)})" if choice.purpose else ""
    counts = ", ".join(choice_words.counts(choice, say))
    return f"{choice.choice}{purpose}, {choice.line}: {counts}"
