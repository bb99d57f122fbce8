"""The sentences of a receipt's page. Each is a template and where each of its values comes from.

The script in the page (templates/receipt/) makes the same sentences out of the proof alone and compares them
with those that stand in the page, so what is done here with a value is done there in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from ...evidence.receipt import Person, Receipt
from ...model import Reason, RecordKind
from ...model.text import Text
from ...operations.evidence.receipt_page import ReceiptPage
from ..messages import Language
from ..record_words import CODES, MOMENT, MONTHS, TENTHS, named
from .markup import Html, element, foreign, joined

Source = tuple[str, str]
"""The way to make a value, and its fact (or the value itself): see `Values`."""

_PLACE = re.compile(r"\{(\w+)\}")
_SHOWN = 8  # characters of a pseudonym: enough to tell two records of one caller in one ledger
_ABOUT_RECORDS = {RecordKind.ERASURE, RecordKind.PURGE}


@dataclass(frozen=True)
class Claim:
    """One sentence, its name in the page, and the sources of its values."""

    name: str
    text: Text
    sources: Mapping[str, Source]


def claim(name: str, text: Text, **sources: Source) -> Claim:
    """One sentence."""
    return Claim(name, text, sources)


def fact(name: str) -> Source:
    """A fact as it is."""
    return "fact", name


def code(name: str) -> Source:
    """Return the source of a code's meaning, for the fact of that name."""
    return "code", name


def title() -> Claim:
    """Return the claim of the page's title."""
    return claim("title", Text("Receipt of record {number}"), number=fact("number"))


def summary(page: ReceiptPage) -> Claim:
    """The whole record in one sentence, for somebody who reads nothing else of the page."""
    facts, kind = page.receipt.facts, _given(page.receipt.facts)
    if _of_records(facts):
        text, more = Text("On {at} {company} put this on record: {what}."), {"what": code(kind)}
    elif facts[kind] == RecordKind.PHONE:
        text = Text("A call to {company} on {at}, as the company recorded it: {status}.")
        more = {"status": code("status")}
    else:
        text = Text(
            "{company} put on record that on {at} a caller was given: {notice}, version {version}, {how}."
        )
        more = {"notice": ("names", "notice"), "version": fact("version"), "how": code(kind)}
    return claim("summary", text, company=("given", page.company), at=("local", "happened"), **more)


def about_what(page: ReceiptPage) -> Iterator[Claim]:
    """Claim what happened, as far as the summary leaves it out."""
    facts = page.receipt.facts
    yield claim(
        "company", Text("{company} is the controller of these data."), company=("given", page.company)
    )
    if not _of_records(facts) and facts[_given(facts)] == RecordKind.PHONE:
        yield from _called(facts)
    yield from _times(page)
    if not _of_records(facts):
        yield from _playback(facts)
    if facts["reason"] != Reason.TOLD_ELSEWHERE:
        yield claim("reason", Text("The reason: {reason}."), reason=code("reason"))
    yield from _conditions(facts)


def about_whom(receipt: Receipt) -> Iterator[Claim]:
    """Yield the claims of the caller, as far as the receipt shows who it was."""
    if _of_records(receipt.facts):
        yield claim("nobody", Text("It does not say about whom the other records are."))
        return
    if not isinstance(receipt.who, Person):
        yield claim("erased", Text("Whom it was about was erased; nothing in this receipt leads there."))
        return
    person = receipt.who.values
    if "pseudonym" not in person:
        yield claim("unknown", Text("Nobody recognised the caller, so the record leads to no number."))
    elif receipt.opening_key is not None:
        yield claim(
            "known",
            Text("It is about the number that you know: type it under “Check this receipt” to see that."),
        )
    else:
        yield claim(
            "hidden",
            Text(
                "The caller's number is not in this receipt. In the company's records the pseudonym"
                " {pseudonym}… stands for it, which nobody else can turn back into a number."
            ),
            pseudonym=("short", "pseudonym"),
        )
    if "reference" in person:
        yield claim(
            "reference", Text("What shows it elsewhere: {reference}"), reference=("person", "reference")
        )
    if "basis" in person:
        yield claim(
            "basis",
            Text("What the caller had already is shown by record {record} of the same ledger."),
            record=("person", "basis"),
        )
    if "elsewhere" in person:
        yield claim(
            "elsewhere",
            Text("What the caller had already is shown by record {record} of another box."),
            record=("person", "elsewhere"),
        )
    if "key" in person:
        yield claim("key", Text("The caller pressed the key {key}."), key=("person", "key"))


def about_sound(page: ReceiptPage) -> Iterator[Claim]:
    """Yield the claim that the sound is the recording of the record, if it is."""
    if page.sound is not None and page.sound.same:
        yield claim(
            "recording",
            Text("It is the recording that the record names: its digest is {digest}."),
            digest=fact("recording"),
        )


def _given(facts: Mapping[str, str | int]) -> str:
    """Return the name of the fact that says how the notice was given."""
    return "was" if "was" in facts else "kind"


def _of_records(facts: Mapping[str, str | int]) -> bool:
    """Return whether the record is about other records that were erased or purged, and about no delivery."""
    return facts.get("was", facts["kind"]) in _ABOUT_RECORDS


def _called(facts: Mapping[str, str | int]) -> Iterator[Claim]:
    if "line" in facts:
        yield claim("line", Text("Somebody called the number {line}."), line=fact("line"))
    if "notice" in facts and "version" in facts:
        yield claim(
            "notice",
            Text("The notice in question: {notice}, version {version}."),
            notice=("names", "notice"),
            version=fact("version"),
        )


def _times(page: ReceiptPage) -> Iterator[Claim]:
    yield claim(
        "happened",
        Text("When: {local} ({zone}); {utc} UTC."),
        local=("local", "happened"),
        zone=("given", str(page.zone)),
        utc=("utc", "happened"),
    )
    if page.receipt.facts["recorded"] != page.receipt.facts["happened"]:
        yield claim(
            "recorded",
            Text("Put on record: {local}; {utc} UTC."),
            local=("local", "recorded"),
            utc=("utc", "recorded"),
        )


def _playback(facts: Mapping[str, str | int]) -> Iterator[Claim]:
    if "language" in facts:
        yield claim("language", Text("The language was {language}."), language=code("language"))
    if "wanted" in facts:
        yield claim(
            "wanted", Text("The language that should have been played is {wanted}."), wanted=code("wanted")
        )
    if "purposes" in facts:
        yield claim(
            "purposes", Text("It tells of these purposes: {purposes}."), purposes=("names", "purposes")
        )
    if {"heard", "length", "rate", "ending"} <= set(facts):
        yield claim(
            "heard",
            Text("Of the {length} seconds of the recording {heard} were heard: {ending}."),
            length=("seconds", "length"),
            heard=("seconds", "heard"),
            ending=code("ending"),
        )


def _conditions(facts: Mapping[str, str | int]) -> Iterator[Claim]:
    if "supplement" in facts:
        yield claim("supplement", Text("Only what was new was told, to somebody who knew the rest."))
    if "counts" in facts:
        yield claim("counts", Text("By a setting of the company it informs nobody, although it was played."))
    if "vouched" in facts:
        yield claim(
            "vouched",
            Text("Who vouches that the number shown was the caller's: {vouched}."),
            vouched=code("vouched"),
        )
    if facts["kind"] == "migrated":
        yield claim(
            "migrated",
            Text(
                "The record is older than the signed log: that it existed is proven only since it was"
                " entered."
            ),
        )


class Values:
    """Makes the values of sentences, for one receipt and one reader."""

    def __init__(self, page: ReceiptPage, say: Language) -> None:
        self._facts, person = page.receipt.facts, page.receipt.who
        self._person = person.values if isinstance(person, Person) else {}
        self._zone, self._names, self._say = page.zone, page.names, say
        self._makers: Mapping[str, Callable[[str], str]] = {
            "given": lambda text: text,
            "fact": lambda name: str(self._facts[name]),
            "person": lambda name: str(self._person[name]),
            "short": lambda name: str(self._person[name])[:_SHOWN],
            "code": self._code,
            "names": self._named,
            "seconds": self._seconds,
            "local": lambda name: self._moment(name, self._zone),
            "utc": lambda name: self._moment(name, UTC),
        }

    def sentence(self, claim: Claim) -> Html:
        """Return the sentence of a claim, with its values marked."""
        parts: list[Html] = []
        template, end = self._say.gettext(claim.text.template), 0
        for placeholder in _PLACE.finditer(template):
            maker, argument = claim.sources[placeholder[1]]
            value = element("b", foreign(self._makers[maker](argument)))
            parts += [joined(template[end : placeholder.start()]), value]
            end = placeholder.end()
        return joined(*parts, template[end:])

    def _code(self, name: str) -> str:
        meanings, value = CODES[name], str(self._facts[name])
        return self._say(meanings[value]) if value in meanings else value

    def _named(self, name: str) -> str:
        return ", ".join(
            named(notice_id, self._names, self._say) for notice_id in str(self._facts[name]).split(" ")
        )

    def _seconds(self, name: str) -> str:
        """To the nearest tenth, a half up: in whole numbers, so that the script has the same."""
        samples, rate = int(self._facts[name]), int(self._facts["rate"])
        tenths = (20 * samples + rate) // (2 * rate) if rate > 0 else 0
        return self._say(TENTHS.template, whole=tenths // 10, tenth=tenths % 10)

    def _moment(self, name: str, zone: tzinfo) -> str:
        text = str(self._facts[name])
        try:
            at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(zone)
        except (OverflowError, ValueError):  # the 31st of February, which the proof may say
            return text
        return self._say(
            MOMENT.template,
            day=at.day,
            month=self._say(MONTHS[at.month - 1]),
            year=at.year,
            time=f"{at:%H:%M}",
        )
