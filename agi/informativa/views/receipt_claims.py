"""The sentences of a receipt's page. Each is a template and where each of its values comes from.

`page_words` makes the values, for the page and for `evidence verify`; so does the script in the page, out of
the proof alone (templates/receipt/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..evidence.receipt import Person, Receipt
from ..model import Asks, Reason, RecordKind, Status
from ..model.text import Text
from ..operations.evidence.page_words import Source
from ..operations.evidence.receipt_page import ReceiptPage

_ABOUT_RECORDS = {RecordKind.ERASURE, RecordKind.PURGE, RecordKind.TOTALS, RecordKind.ACCESS}


@dataclass(frozen=True)
class Claim:
    """One sentence, its name in the page, the sources of its values, and the further facts without which the
    page does not have it."""

    name: str
    text: Text
    sources: Mapping[str, Source]
    needs: frozenset[str] = frozenset()

    def fits(self, values: Mapping[str, str | int]) -> bool:
        """Tell if a record has all that it claims."""
        of_record = {name for how, name in self.sources.values() if how != "given"}
        return of_record | self.needs <= values.keys()


def _claim(name: str, text: Text, *needs: str, **sources: Source) -> Claim:
    return Claim(name, text, sources, frozenset(needs))


def _fact(name: str) -> Source:
    """A fact as it is."""
    return "fact", name


def _code(name: str) -> Source:
    """The meaning of a code, for the fact of that name."""
    return "code", name


_TITLE = _claim("title", Text("Receipt of record {number}"), number=_fact("number"))
_CALLED = (
    _claim("line", Text("Somebody called the number {line}."), line=_fact("line")),
    _claim(
        "notice",
        Text("The notice in question: {notice}, version {version}."),
        notice=("names", "notice"),
        version=_fact("version"),
    ),
)
_RECORDED = _claim(
    "recorded",
    Text("Put on record: {local}; {utc} UTC."),
    local=("local", "recorded"),
    utc=("utc", "recorded"),
)
_PLAYBACK = (
    _claim("language", Text("The language was {language}."), language=_code("language")),
    _claim("wanted", Text("The language that should have been played is {wanted}."), wanted=_code("wanted")),
    _claim("purposes", Text("It tells of these purposes: {purposes}."), purposes=("names", "purposes")),
    _claim(
        "heard",
        Text("Of the {length} seconds of the recording {heard} were heard: {ending}."),
        "rate",
        length=("seconds", "length"),
        heard=("seconds", "heard"),
        ending=_code("ending"),
    ),
)
_STATED = (
    _claim(
        "counted",
        Text(
            "It counts the records of calls and other deliveries among the entries of the signed log from"
            " {first} to before {end}."
        ),
        first=_fact("from"),
        end=_fact("to"),
    ),
    _claim(
        "totals",
        Text("By number called, notice, outcome and reason there are: {totals}"),
        totals=_fact("totals"),
    ),
    _claim(
        "head",
        Text("That list ever had {rows} entries. The hash of the newest is {head}."),
        rows=_fact("rows"),
        head=_fact("head"),
    ),
)
_REASON = _claim("reason", Text("The reason: {reason}."), reason=_code("reason"))
_CONDITIONS = (
    _claim("supplement", Text("Only what was new was told, to somebody who knew the rest."), "supplement"),
    _claim(
        "counts", Text("By a setting of the company it informs nobody, although it was played."), "counts"
    ),
    _claim(
        "vouched",
        Text("Who vouches that the number shown was the caller's: {vouched}."),
        vouched=_code("vouched"),
    ),
)
_NOBODY = _claim("nobody", Text("It does not say about whom the other records are."))
_ERASED = _claim("erased", Text("Whom it was about was erased; nothing in this receipt leads there."))
_UNKNOWN = _claim("unknown", Text("Nobody recognised the caller, so the record leads to no number."))
_KNOWN = _claim(
    "known", Text("It is about the number that you know: type it under “Check this receipt” to see that.")
)
_HIDDEN = _claim(
    "hidden",
    Text(
        "The caller's number is not in this receipt. In the company's records the pseudonym"
        " {pseudonym}… stands for it, which nobody else can turn back into a number."
    ),
    pseudonym=("short", "pseudonym"),
)
_PERSON = (
    _claim("reference", Text("What shows it elsewhere: {reference}"), reference=("person", "reference")),
    _claim(
        "basis",
        Text("What the caller had already is shown by record {record} of the same ledger."),
        record=("person", "basis"),
    ),
    _claim(
        "elsewhere",
        Text("What the caller had already is shown by record {record} of another box."),
        record=("person", "elsewhere"),
    ),
    _claim("key", Text("The caller pressed the key {key}."), key=("person", "key")),
)
_QUESTION = (
    _CALLED[0],
    _claim(
        "choice",
        Text("The question: {choice}, version {version}."),
        choice=("names", "choice"),
        version=_fact("version"),
    ),
)
_ANSWER = (
    _claim(
        "options",
        Text("These keys were offered: {options}."),
        options=_code("options"),
    ),
    _claim("tries", Text("How often it was asked: {tries}."), "options", tries=_fact("tries")),
    _claim(
        "waited",
        Text("From the end of the question to the key: {waited} milliseconds."),
        waited=_fact("waited"),
    ),
)
_CONSENT = (
    _claim("purpose", Text("The purpose of the consent: {purposes}."), purposes=("names", "purposes")),
    _claim(
        "silence",
        Text(
            "Silence is no consent, nor is hanging up or another key: only the key for it is, pressed after"
            " the whole question."
        ),
        "options",
    ),
)
_TOLD_PURPOSE = (
    _claim(
        "basis",
        Text("The notice that told its purpose is shown by record {record} of the same ledger."),
        record=("person", "basis"),
    ),
    _claim(
        "elsewhere",
        Text("The notice that told its purpose is shown by record {record} of another box."),
        record=("person", "elsewhere"),
    ),
)
_RECORDING = _claim(
    "recording",
    Text("It is the recording that the record names: its digest is {digest}."),
    digest=_fact("recording"),
)


def claims_by_section(page: ReceiptPage) -> Mapping[str, Sequence[Claim]]:
    """Return all that a page claims, by where it stands there."""
    return {
        "title": [_TITLE],
        "summary": [_summary(page)],
        "what": _what(page),
        "whom": _whom(page.receipt),
        "sound": [_RECORDING] if page.sound is not None and page.sound.same else [],
    }


def _summary(page: ReceiptPage) -> Claim:
    """The whole record in one sentence, for somebody who reads nothing else of the page."""
    facts = page.receipt.facts
    if _is_of_records(facts):
        text, more = Text("On {at} {company} put this on record: {what}."), {"what": _code("kind")}
    elif is_of_choice(facts):
        text, more = _summary_of_choice(facts)
    elif facts["kind"] == RecordKind.PHONE:
        text = Text("A call to {company} on {at}, as the company recorded it: {status}.")
        more = {"status": _code("status")}
    else:
        text = Text(
            "{company} put on record that on {at} a caller was given: {notice}, version {version}, {how}."
        )
        more = {"notice": ("names", "notice"), "version": _fact("version"), "how": _code("kind")}
    return _claim("summary", text, company=("given", page.company), at=("local", "happened"), **more)


def _summary_of_choice(facts: Mapping[str, str | int]) -> tuple[Text, dict[str, Source]]:
    """The sentence of somebody who was asked, with the sources of its further values."""
    sources = {"asks": _code("asks"), "answer": _code("answer")}
    if facts["status"] == Status.NOTASKED:
        text = Text(
            "A call to {company} on {at}, as the company recorded it: the caller was to be asked {asks};"
            " {answer}."
        )
    elif facts["kind"] == RecordKind.PHONE:
        text = Text(
            "A call to {company} on {at}, as the company recorded it: the caller was asked {asks}; {answer}."
        )
    else:
        text = Text("{company} put on record that on {at} a caller was asked {asks}, {how}; {answer}.")
        sources["how"] = _code("kind")
    return text, sources


def _what(page: ReceiptPage) -> list[Claim]:
    """Return the claims of what happened, as far as the summary leaves it out."""
    facts, of_records = page.receipt.facts, _is_of_records(page.receipt.facts)
    company = _claim(
        "company", Text("{company} is the controller of these data."), company=("given", page.company)
    )
    happened = _claim(
        "happened",
        Text("When: {local} ({zone}); {utc} UTC."),
        local=("local", "happened"),
        zone=("given", str(page.zone)),
        utc=("utc", "happened"),
    )
    claims = [
        company,
        *_question(facts),
        happened,
        *([_RECORDED] if facts["recorded"] != facts["happened"] else ()),
        *(_STATED if of_records else _answer(facts) if is_of_choice(facts) else _PLAYBACK),
        *([_REASON] if facts["reason"] != Reason.TOLD_ELSEWHERE else ()),
        *_CONDITIONS,
    ]
    return [claim for claim in claims if claim.fits(facts)]


def _question(facts: Mapping[str, str | int]) -> Sequence[Claim]:
    """Return the claims of the number that was called, and of what was to be told or asked there."""
    if is_of_choice(facts):
        return _QUESTION
    return _CALLED if not _is_of_records(facts) and facts["kind"] == RecordKind.PHONE else ()


def _answer(facts: Mapping[str, str | int]) -> list[Claim]:
    """Return the claims of a question and of its answer."""
    answer = [claim for claim in _ANSWER if claim.name != "waited" or facts.get("waited")]
    playback = [claim for claim in _PLAYBACK if claim.name != "purposes"]
    return [*(_CONSENT if facts["asks"] == Asks.CONSENT else ()), *answer, *playback]


def _whom(receipt: Receipt) -> list[Claim]:
    """Return the claims of the caller, as far as the receipt shows who it was."""
    if _is_of_records(receipt.facts):
        return [_NOBODY]
    if not isinstance(receipt.who, Person):
        return [_ERASED]
    person = receipt.who.values
    known = _HIDDEN if receipt.opening_key is None else _KNOWN
    first = known if "pseudonym" in person else _UNKNOWN
    claims = [*_TOLD_PURPOSE, *_PERSON] if is_of_choice(receipt.facts) else _PERSON
    by_name = {claim.name: claim for claim in reversed(claims)}
    return [first, *(by_name[claim.name] for claim in _PERSON if claim.fits(person))]


def is_of_choice(facts: Mapping[str, str | int]) -> bool:
    """Return whether the record is about a choice that was put to a caller."""
    return "asks" in facts


def _is_of_records(facts: Mapping[str, str | int]) -> bool:
    """Return whether the record is about other records, which were erased, purged, counted or looked at, and
    about no delivery."""
    return facts["kind"] in _ABOUT_RECORDS
