"""One word for each thing, in every catalogue and in the Italian README: what an officer compares is called
the same in each report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from lab import messages

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "dialplan/freepbx/informativa/i18n/it_IT/LC_MESSAGES/informativa.po"

TERMS = {
    r"\bpurge[ds]?\b": r"elimin|scadenza|purge",
    r"\berase[sd]?\b|\berasure": r"cancell|erasure",
    r"\bdatabase\b": r"database|dbapi",
    r"\bledgers?\b": r"registr|ledger",
    r"\bauditor": r"revisor",
    r"\bcustomer number": r"codice cliente",
    r"\bbackup\b": r"copia|copie",
    r"\bcompan(y|ies)\b": r"aziend",
    r"\bnotices?\b": r"informativ|notice|avvis",
    r"\bpurposes?\b": r"finalità|purposes",
    r"\bcheckpoint": r"checkpoint",
    r"\bwitness": r"testimon|witness|firm",
}
"""An English term, and what an Italian message that is made from one with it must have."""

NEVER = {
    r"anonimizz": "to erase (art. 17) is cancellare; that something is anonymous is a legal claim of its own",
    r"società": "a company is an azienda",
    r"bas[ei] di dati|base dati": "a database is a database",
    r"numero di cliente": "a customer number is a codice cliente",
    r"messagg\w+ vocal|suono in questa": "what is played is an audio",
    r"copi[ae] di riserva|\bbackup\b": "a backup is a copia di sicurezza",
    r"\bun informativ[ao]\b|\b(la|una|questa|altra) informativa (ha|più|preced)": "the program is a program",
    r"\bchi verifica\b|\bauditor\b": "an auditor is a revisore",
    r"congeda": "a box is retired: dismessa",
    r"\b(tuo|tua|tuoi|tue|vostr[oaie]|voi)\b": "impersonal; letter and receipt say Lei",
    r"\b(Scegli|Scrivilo|Scegline|Metti|Rimetti|Chiedi|Ferma|Correggi|Ricarica|Riprova)\b": "impersonal",
}
"""Words that no Italian text has, and what it has instead."""


_NOT_PROSE = re.compile(
    r"\{[^{}]*\}|`[^`]*`|\binformativa [a-z-]+ [a-z]+|\binformativa(-[a-z]+|\[[a-z]+\])"
    r"|--\w+ \w+|\b[A-Z]{2,}\b"
)


def catalogue() -> Iterator[tuple[str, str]]:
    """Each message in English and in Italian, in singular and plural."""
    for po in (*(po for po in messages.catalogues() if "/it/" in po.as_posix()), MODULE):
        with po.open("rb") as opened:
            for message in read_po(opened):
                if message.id:
                    pairs = [
                        (one,) if isinstance(one, str) else tuple(one) for one in (message.id, message.string)
                    ]
                    yield from zip(*pairs, strict=True)


@pytest.mark.parametrize("english", TERMS)
def test_term_has_one_translation(english: str) -> None:
    """Whatever says it in English says it with the same word in Italian."""
    pairs = [pair for pair in catalogue() if re.search(english, _NOT_PROSE.sub("", pair[0]), re.IGNORECASE)]
    assert pairs
    assert [pair for pair in pairs if not re.search(TERMS[english], pair[1], re.IGNORECASE)] == []


@pytest.mark.parametrize("never", NEVER)
def test_word_that_is_not_said(never: str) -> None:
    """In no message, and not in the README."""
    readme = (ROOT / "README.it.md").read_text(encoding="utf-8").splitlines()
    texts = [*(italian for _english, italian in catalogue()), *readme]
    assert [text for text in texts if re.search(never, _NOT_PROSE.sub("", text))] == []
