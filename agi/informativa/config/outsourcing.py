"""What a company needs before another one answers its calls, and whether a paper that is named is one.

Garante 2007: nothing is outsourced without an analysis made before the contract. A reference that names no
paper, a day that is still to come, an analysis that was not there before the contract, a processor who is not
the one that answers: each is no analysis. What is unclear counts as not there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from ..text import NOTHING, Text

if TYPE_CHECKING:
    from .schema import ControllerSettings, DocumentSettings, OutsourcingSettings

ALIKE = 0.85  # how much two names have in common that may be of one company

# One of these anywhere, and the rest says nothing either. (No pattern: a script would have to compile it.)
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
# First, where `here` is last.
_PUT = """
    add put insert enter write type inserire scrivere mettere indicare inserisci scrivi metti
"""
# Nothing but these: which paper it is does not stand there.
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
# Of what form a company is, not which.
_LEGAL = """
    ag bv co company corp corporation eirl ek eu ev gbr gesmbh gmbh group gruppo inc incorporated kg
    kgaa limited llc llp ltd nv og ohg oy plc sa sas sapa sarl sc scarl scpa scrl se sl snc spa srl srls
    ss ug und cie società societa coop cooperativa sociale onlus aps
"""

# What is left to be written in; the year beside it says nothing.
_BLANKS = ("__", "...", "xx", "??", "--")

_PHRASES = tuple(f" {phrase} " for phrase in " ".join(_NEVER.split()).split(", "))
_VERBS, _LEGAL_FORMS = frozenset(_PUT.split()), frozenset(_LEGAL.split())
_EMPTY = frozenset(_FILLERS.split()) | _VERBS


def objections(
    given: ControllerSettings, operator: str, today: date
) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    """Why a company's calls may not be answered by the operator: each with its place below `outsourcing`, and
    what to do. Nothing for the operator's own calls."""
    if same(given.name, operator):
        return
    if given.outsourcing is None:
        yield (), *_without_block(given.name, operator)
        return
    yield from _processor(given.outsourcing.processor, operator)
    for paper in ("contract", "analysis"):
        yield from _paper(paper, getattr(given.outsourcing, paper), today)
    yield from _order(given.outsourcing)


def _without_block(name: str, operator: str) -> tuple[Text, Text]:
    message = Text("{name} is served by {operator}, so it needs this block (processor, contract, analysis)")
    if not alike(name, operator):
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
        if alike(processor, operator)
        else Text("contract and analysis must be with the one that answers")
    )
    yield ("processor",), message.format(processor=processor, operator=operator), fix


def _paper(name: str, given: DocumentSettings, today: date) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    if placeholder(given.reference):
        message = Text("{reference!r} does not say which paper the {paper} is")
        fix = Text("write its number, or where it is filed")
        yield (name, "reference"), message.format(reference=given.reference, paper=name), fix
    if given.date > today:
        message = Text("the {paper} is of a day that is still to come", paper=name)
        yield (name, "date"), message, Text("write the day on which it was made")


def _order(given: OutsourcingSettings) -> Iterator[tuple[tuple[str, ...], Text, Text]]:
    """Papers of one day do not show which was first: unclear is not there."""
    if given.analysis.date >= given.contract.date:
        message = Text("the analysis is of {analysis}, and so not of a day before the contract ({contract})")
        fix = Text("the law asks for the analysis before the contract is made")
        said = message.format(analysis=given.analysis.date, contract=given.contract.date)
        yield ("analysis", "date"), said, fix


def placeholder(reference: str) -> bool:
    """Whether a reference stands for one still to be written: nothing in it says which paper it is."""
    words = _words(reference)
    if any(blank in unicodedata.normalize("NFKC", reference).casefold() for blank in _BLANKS):
        words = [word for word in words if not _year(word)] or words  # printed there beforehand
    if all(map(_says_nothing, words)):
        return True
    ends = reference.strip()[0] + reference.strip()[-1]
    bracketed = ends in ("<>", "[]", "{}") and not any(map(str.isdigit, reference))
    told_to = words[0] in _VERBS and words[-1] in ("here", "qui")
    text = f" {' '.join(words)} "
    return bracketed or told_to or any(phrase in text for phrase in _PHRASES)


def _says_nothing(word: str) -> bool:
    """A filler, zeros, or one letter again and again."""
    return (
        word in _FILLERS
        or word in _PUT
        or (not word.isdigit() and len(set(word)) == 1)
        or not word.strip("0")
    )


def _year(word: str) -> bool:
    return len(word) == len("2026") and word.isdigit() and word.startswith(("19", "20"))


def same(one: str, other: str) -> bool:
    """Whether two names are one but for capitals, punctuation and spaces."""
    return _plain(one) == _plain(other)


def alike(one: str, other: str) -> bool:
    """Whether two names may be of one company: the same but for the legal form, for a part, or for a slip."""
    first, second = _core(one), _core(other)
    if first <= second or second <= first:
        return True
    from difflib import SequenceMatcher  # not for a script

    return SequenceMatcher(None, _plain(one), _plain(other)).ratio() >= ALIKE


def _plain(name: str) -> str:
    return "".join(_words(name))


def _core(name: str) -> set[str]:
    """The words of a name without its legal form."""
    words = _words(re.sub(r"(?<=\b\w)\.\s?(?=\w\b)", "", name))  # S.r.l., S. r. l.
    return {word for word in words if word not in _LEGAL_FORMS} or set(words)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\W_]+", folded)
