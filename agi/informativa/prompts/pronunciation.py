"""Spoken words for written signs: companies' forms, addresses, telephone numbers, keys.

An engine that reads "S.p.A." as three sentences, or "acme.it" as one strange word, makes a notice that
nobody understands. After this only words are left, and punctuation that makes a pause; and their letters say
how long a reader takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FASTEST, SLOWEST = 21.0, 9.0  # letters a second, pauses included
"""The pace of readers. The shipped notices are spoken at 13.6 to 15.8 letters a second in all five languages,
once signs are put into words; whoever is not within half as fast again either way reads another text."""
SLOW_READERS_PAUSE = 1.0  # seconds that a slow reader may spend more, however short the text


class ReadingTime(NamedTuple):
    """The seconds that a text takes: of the fastest reader, and of the slowest."""

    shortest: float
    longest: float


@dataclass(frozen=True)
class Spelling:
    """The names of letters (a to z), digits (0 to 9) and signs in one language.

    `countries` says whether the country at the end of an address is spelled ("dot d e") or read ("punto it").
    """

    letters: str
    digits: str
    signs: Mapping[str, str]
    also: str  # for &
    words: Mapping[str, str] = field(default_factory=dict)
    countries: bool = False

    def spelled(self, text: str) -> str:
        """Return the names of the letters, digits and signs of a text."""
        names = dict(zip("abcdefghijklmnopqrstuvwxyz", self.letters.split(), strict=True))
        names |= dict(zip("0123456789", self.digits.split(), strict=True))
        names |= self.signs
        return " ".join(names[sign] for sign in text.lower() if sign in names)


SPELLINGS = {
    "it": Spelling(
        letters="a bi ci di e effe gi acca i i-lunga cappa elle emme enne o pi cu erre esse ti u vu"
        " doppia-vu ics ipsilon zeta",
        digits="zero uno due tre quattro cinque sei sette otto nove",
        signs={
            ".": "punto",
            "@": "chiocciola",
            "-": "trattino",
            "_": "trattino basso",
            "/": "barra",
            "+": "più",
            "*": "asterisco",
            "#": "cancelletto",
        },
        also="e",
        words={"art.": "articolo", "n.": "numero", "GDPR": "gi di pi erre", "UE": "Unione europea"},
    ),
    "en": Spelling(
        letters="ay bee cee dee ee eff gee aitch eye jay kay el em en oh pee queue ar ess tee you vee"
        " double-you ex why zed",
        digits="zero one two three four five six seven eight nine",
        signs={
            ".": "dot",
            "@": "at",
            "-": "dash",
            "_": "underscore",
            "/": "slash",
            "+": "plus",
            "*": "star",
            "#": "hash",
        },
        also="and",
        words={"art.": "article", "no.": "number", "GDPR": "gee dee pee ar", "EU": "European Union"},
    ),
    "de": Spelling(
        letters="ah be ce de e eff ge ha i jott ka ell emm enn o pe ku err ess te u vau we ix ypsilon zett",
        digits="null eins zwei drei vier fünf sechs sieben acht neun",
        signs={
            ".": "Punkt",
            "@": "ät",
            "-": "Bindestrich",
            "_": "Unterstrich",
            "/": "Schrägstrich",
            "+": "plus",
            "*": "Stern",
            "#": "Raute",
        },
        also="und",
        words={
            "Art.": "Artikel",
            "Nr.": "Nummer",
            "z.B.": "zum Beispiel",
            "z. B.": "zum Beispiel",
            "DSGVO": "Datenschutz-Grundverordnung",
            "EU": "Europäischen Union",
        },
        countries=True,
    ),
    "fr": Spelling(
        letters="a bé cé dé e effe gé hache i ji ka elle emme enne o pé ku erre esse té u vé double-vé"
        " ixe i-grec zède",
        digits="zéro un deux trois quatre cinq six sept huit neuf",
        signs={
            ".": "point",
            "@": "arobase",
            "-": "tiret",
            "_": "tiret bas",
            "/": "barre",
            "+": "plus",
            "*": "étoile",
            "#": "dièse",
        },
        also="et",
        words={"art.": "article", "RGPD": "erre gé pé dé", "UE": "Union européenne"},
        countries=True,
    ),
    "es": Spelling(
        letters="a be ce de e efe ge hache i jota ka ele eme ene o pe cu erre ese te u uve uve-doble equis"
        " i-griega zeta",
        digits="cero uno dos tres cuatro cinco seis siete ocho nueve",
        signs={
            ".": "punto",
            "@": "arroba",
            "-": "guion",
            "_": "guion bajo",
            "/": "barra",
            "+": "más",
            "*": "asterisco",
            "#": "almohadilla",
        },
        also="y",
        words={"art.": "artículo", "RGPD": "erre ge pe de", "UE": "Unión Europea"},
    ),
}

# Companies' forms: spelled ones, and those that are words. The longer first: S.r.l.s., then S.r.l.
_SPELLED_FORMS = (
    *("S.r.l.s.", "S.r.l.", "S.p.A.", "S.n.c.", "S.a.s.", "S.a.p.a.", "S.A.R.L.", "S.A.S.", "S.L.U.", "S.L."),
    *("S.A.", "GmbH", "mbH", "AG", "KG", "KGaA", "OHG", "UG", "e.K.", "eG", "SpA", "Srls", "Srl", "Snc"),
    *("SARL", "SASU", "SAS", "SA", "SL", "SLU", "SE", "PLC", "plc", "LLC", "LLP", "B.V.", "N.V.", "BV", "NV"),
)
_SAID_FORMS = {
    "Ltd.": "Limited",
    "Ltd": "Limited",
    "Inc.": "Incorporated",
    "Corp.": "Corporation",
    "Co.": "Co",
}

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:[a-z]{2,}|[A-Z]{2,})\b"
_MAIL = re.compile(rf"\b[\w.+-]+@{_HOST}")
_SITE = re.compile(rf"(?:https?://)?\b{_HOST}(?:/[\w~/-]*(?:\.\w+)*)?")
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d[\d ()/.-]{4,}\d\b")
_BARE = {"’": "'", "‘": "'", " – ": ", ", " — ": ", ", " - ": ", ", "…": ".", "\u00a0": " "}  # noqa: RUF001
_BARE |= dict.fromkeys('“”„"«»¿¡', "")  # a voice may name these signs


def spell_out(text: str, language: str) -> str:
    """Return the text in words, for a language of `SPELLINGS`."""
    spelling = SPELLINGS[language]
    for sign, plain in _BARE.items():
        text = text.replace(sign, plain)
    rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
        (_MAIL, lambda match: _address(match[0], spelling)),
        (_SITE, lambda match: _address(match[0].partition("://")[2] or match[0], spelling)),
        (_either(_SPELLED_FORMS), lambda match: spelling.spelled(re.sub(r"\W", "", match[0])) + _stop(match)),
        (_either(_SAID_FORMS), lambda match: _SAID_FORMS[match[0]] + _stop(match)),
        (_either(spelling.words), lambda match: spelling.words[match[0]]),
        (_PHONE, lambda match: _number(match[0], spelling)),
        (re.compile(r"\s*&\s*"), lambda _: f" {spelling.also} "),
        (re.compile(r"[*#]"), lambda match: spelling.signs[match[0]]),
    )
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def reading_time(text: str, language: str) -> ReadingTime:
    """Return the time that a text takes in a language such as it or de_DE."""
    base = language.partition("_")[0]
    words = spell_out(text, base) if base in SPELLINGS else text
    letters = sum(map(str.isalpha, words))
    return ReadingTime(letters / FASTEST, letters / SLOWEST + SLOW_READERS_PAUSE)


def without_form(name: str) -> str:
    """Return a company's name without its form: Acme S.p.A. is "Acme"."""
    return _either((*_SPELLED_FORMS, *_SAID_FORMS)).sub("", name).strip(" ,") or name


def key(pressed: str, language: str) -> str:
    """Return the name of a key of the telephone: `1` is "uno", `#` is "cancelletto"."""
    return SPELLINGS[language].spelled(pressed)


def _either(words: Mapping[str, str] | tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, longest))})(?!\w)")


def _stop(match: re.Match[str]) -> str:
    """Return the full stop of a sentence that ends with an abbreviation's own."""
    return "." if match[0].endswith(".") and not match.string[match.end() :].strip() else ""


def _address(text: str, spelling: Spelling) -> str:
    """Spell an address: `acme.it` is "acme punto it". Words stay words; single letters, digits and signs are
    named."""
    parts = re.findall(r"[^\W\d_]+|[\W\d_]", text.removeprefix("www.").rstrip("/"))
    last = max((at for at, part in enumerate(parts) if part == "."), default=-1) + 1
    if "/" in parts:  # the country stands before the path
        last = max((at for at, part in enumerate(parts[: parts.index("/")]) if part == "."), default=-1) + 1
    words = (
        spelling.spelled(part)
        if len(part) == 1 or (at == last and len(part) == 2 and spelling.countries)
        else part.lower()
        for at, part in enumerate(parts)
    )
    return " ".join(words)


def _number(text: str, spelling: Spelling) -> str:
    """Spell a telephone number digit by digit, with a pause at each sign between; long groups in threes."""
    groups = [
        group if len(group) <= 4 else " ".join(re.findall(r"\d{1,3}", group))
        for group in re.findall(r"\d+", text)
    ]
    plus = f"{spelling.signs['+']} " if text.startswith("+") else ""
    return plus + ", ".join(spelling.spelled(group) for group in " ".join(groups).split())
