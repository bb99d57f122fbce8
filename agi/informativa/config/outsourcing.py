"""The requirements before another company answers a company's calls, and the check that a named paper is a
real one.

Garante 2007: nothing is outsourced without an analysis made before the contract. A reference that names no
paper, a day that is still to come, an analysis that is not older than the contract, a processor who is not
the one that answers: each counts as no analysis. So does anything unclear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from ..model.text import NOTHING, Text

if TYPE_CHECKING:
    from .schema import ControllerSettings, DocumentSettings, OutsourcingSettings

ALIKE = 0.85  # similarity of two names that may be of one company

# With one of these anywhere a reference names no paper. (No pattern: a script would have to compile it.)
_NEVER = """
    todo, to do, tba, tbc, tbd, fixme, fix me, changeme, change me, change this, placeholder, place
    holder, segnaposto, platzhalter, lorem, asdf, qwerty, to be, fill in, da definire, da compilare, da
    inserire, da completare, da stabilire, da indicare, da aggiungere, da fare, da assegnare, wird
    nachgereicht, noch offen, hier eintragen, hier einfügen, hier einsetzen, à définir, a definir, à
    compléter, à remplir, fill me, goes here, comes here, replace, replace me, replaced, sostituire,
    coming soon, to come, wip, work in progress, not yet, not signed, unsigned, pending, draft, non ancora,
    da firmare, da sostituire, in arrivo, in attesa, bozza, entwurf, in bearbeitung, kommt noch, ausstehend,
    wird ergänzt
"""
# Verbs as the first word, where `here` is the last one.
_PUT = """
    add put insert enter write type inserire scrivere mettere indicare inserisci scrivi metti
"""
# A reference of nothing but these words names no paper.
_FILLERS = """
    a abc an and analysis analisi analyse analyses as available code contract contracts contrat
    contratto contratti bar beispiel date data datum del della dell der des di die document documento
    dokument du dummy e empty entfällt esempio est example exemple fehlt folgt follow follows foo for
    here hier ici i il in ist it its known keine kein l la le leer missing n na nb nd nessun nessuna
    nessuno nicht nil no none non not noto nota nr null num number numero nummer numéro of offen on one
    or our paper pending prior prot protocollo qui ref reference referenz rif riferimento riservato
    sample sconosciuto segue soon t test the this title to und unbekannt undefined unknown vertrag vuoto
    x y z your yes si sì ok later dopo poi same idem ditto above below see vedi sopra sotto siehe oben
    unten as manca mancante assente sconosciuta unavailable available applicable disponibile applicabile
    previsto verbal orale mündlich yet vertrags aktenzeichen vertragsnummer lo mio suo nostro false true
"""
# Legal forms of companies, which do not tell one company from another.
_LEGAL = """
    ag bv co company corp corporation eirl ek eu ev gbr gesmbh gmbh group gruppo inc incorporated kg
    kgaa limited llc llp ltd nv og ohg oy plc sa sas sapa sarl sc scarl scpa scrl se sl snc spa srl srls
    ss ug und cie società societa coop cooperativa sociale onlus aps
"""

# Blanks of a form that nobody has filled in; a year beside one is printed and says nothing.
_BLANKS = ("__", "...", "xx", "??", "--")

_PHRASES = tuple(f" {phrase} " for phrase in " ".join(_NEVER.split()).split(", "))
_VERBS, _LEGAL_FORMS = frozenset(_PUT.split()), frozenset(_LEGAL.split())
_EMPTY = frozenset(_FILLERS.split()) | _VERBS


def objections(
    section: ControllerSettings, operator: str, today: date
) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    """Iterate over the reasons why a company's calls may not be answered by the operator: each with its place
    below `outsourcing`, and the remedy. None for the operator's own calls."""
    if same(section.name, operator):
        return
    if section.outsourcing is None:
        yield (), *_without_block(section.name, operator)
        return
    yield from _processor(section.outsourcing.processor, operator)
    for paper in ("contract", "analysis"):
        yield from _paper(paper, getattr(section.outsourcing, paper), today)
    yield from _order(section.outsourcing)


def _without_block(name: str, operator: str) -> tuple[Text, Text]:
    message = Text("{name} is served by {operator}, so it needs this block (processor, contract, analysis)")
    if not may_be_one_company(name, operator):
        return message.format(name=name, operator=operator), NOTHING
    message = Text(
        "{name} and the operator, {operator}, are not the same name, but look like the same company"
    )
    fix = Text("write the same name in both", "or, if they are two companies, add this block")
    return message.format(name=name, operator=operator), fix


def _processor(processor: str, operator: str) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    if same(processor, operator):
        return
    message = Text("the processor is {processor}, but {operator} answers the calls (`operator`)")
    fix = (
        Text("these look like the same company: write the same name in both")
        if may_be_one_company(processor, operator)
        else Text("contract and analysis must be with the one that answers")
    )
    yield ("processor",), message.format(processor=processor, operator=operator), fix


def _paper(name: str, section: DocumentSettings, today: date) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    if placeholder(section.reference):
        message = Text("{reference!r} does not say which paper the {paper} is")
        fix = Text("write its number, or where it is filed")
        yield (name, "reference"), message.format(reference=section.reference, paper=name), fix
    if section.date > today:
        message = Text("the {paper} is of a day that is still to come", paper=name)
        yield (name, "date"), message, Text("write the day on which it was made")


def _order(section: OutsourcingSettings) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    """Object to papers of one day: they do not show which was first, and anything unclear counts as
    missing."""
    if section.analysis.date >= section.contract.date:
        message = Text("the analysis is of {analysis}, and so not of a day before the contract ({contract})")
        fix = Text("the law asks for the analysis before the contract is made")
        text = message.format(analysis=section.analysis.date, contract=section.contract.date)
        yield ("analysis", "date"), text, fix


def placeholder(reference: str) -> bool:
    """Return whether a reference is a placeholder: nothing in it says which paper it is."""
    words = _words(reference)
    if any(blank in unicodedata.normalize("NFKC", reference).casefold() for blank in _BLANKS):
        words = [word for word in words if not _year(word)] or words  # printed there beforehand
    if all(map(_is_filler, words)):
        return True
    brackets = reference.strip()[0] + reference.strip()[-1]
    bracketed = brackets in ("<>", "[]", "{}") and not any(map(str.isdigit, reference))
    is_instruction = words[0] in _VERBS and words[-1] in ("here", "qui")
    text = f" {' '.join(words)} "
    return bracketed or is_instruction or any(phrase in text for phrase in _PHRASES)


def _is_filler(word: str) -> bool:
    """Return whether a word is a filler, zeros, or one letter again and again."""
    return (
        word in _FILLERS
        or word in _PUT
        or (not word.isdigit() and len(set(word)) == 1)
        or not word.strip("0")
    )


def _year(word: str) -> bool:
    return len(word) == len("2026") and word.isdigit() and word.startswith(("19", "20"))


def same(first: str, second: str) -> bool:
    """Return whether two names are equal but for capitals, punctuation and spaces."""
    return _plain(first) == _plain(second)


def may_be_one_company(first: str, second: str) -> bool:
    """Return whether two names may be of one company: equal but for the legal form, for a part, or for a
    slip."""
    first_words, second_words = _core(first), _core(second)
    if first_words <= second_words or second_words <= first_words:
        return True
    from difflib import SequenceMatcher  # not for a script

    return SequenceMatcher(None, _plain(first), _plain(second)).ratio() >= ALIKE


def _plain(name: str) -> str:
    return "".join(_words(name))


def _core(name: str) -> set[str]:
    """Return the words of a name without its legal form."""
    words = _words(re.sub(r"(?<=\b\w)\.\s?(?=\w\b)", "", name))  # S.r.l., S. r. l.
    return {word for word in words if word not in _LEGAL_FORMS} or set(words)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\W_]+", folded)
