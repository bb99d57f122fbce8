"""The law's demands on a call, as a table: one row a case, on the notices and questions that are shipped.

A row reads: by this line of the law, in this situation, on a line that tells and asks this, the caller who
does this hears this; this is on record, and the dialplan is told this. L16 is consent (GDPR 4(11), 7; Codice
privacy 130), L20 the AI Act (art. 50), L21 art. 24-bis(5) DL 83/2012, L22 recorded lines (MiFID II 16(7) and,
where the caller may decide, GDPR 6, 21 and § 201 StGB).

What a caller does is `QUESTION: KEY when`: `in` the question, `after` it, `at once` (less than 0.3 s after
its end), or `hangs up in`, `hangs up after`. Keys: 2 an operator in the EU, 8 a person, 4 yes and 5 no to
offers, 9 yes and 7 no to the recording.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from configurations import problems, with_choices
from doubles import (
    MISSING,
    BrokenLedger,
    MemoryLedger,
    ScriptedSession,
    SteppingClock,
    hung_up,
    incoming,
    key,
    line,
)
from handling import choices_of, handle, services
from informativa.model import (
    ALWAYS,
    Answer,
    Asks,
    Choice,
    Event,
    KeyPress,
    Length,
    Line,
    Notice,
    Period,
    PlannedChoice,
    Playback,
    Prompt,
    Step,
    Version,
    Vouched,
)
from informativa.model.choices import VOUCHED_AT_LEAST
from informativa.operations.packages.table import PLAN_ORDER
from informativa.operations.prompts.parts import SpokenPart, place_of
from informativa.prompts import texts
from informativa.system import shipped

DIGITS = {
    Answer.EU: "2", Answer.HUMAN: "8", Answer.GRANTED: "4", Answer.REFUSED: "5", Answer.RECORDED: "9",
    Answer.NOT_RECORDED: "7",
}  # fmt: skip
PARTS = {
    "ai": SpokenPart.AI, "human": SpokenPart.HUMAN, "country": SpokenPart.COUNTRY_OUTSIDE_EU,
    "abroad": SpokenPart.ABROAD, "orders": SpokenPart.RECORDING_ORDERS, "marketing": SpokenPart.MARKETING,
    "recorded": SpokenPart.RECORDING, "recorded-consent": SpokenPart.RECORDING_CONSENT,
}  # fmt: skip
LANGUAGES = ("it", "en", "de", "fr", "es")


@dataclass(frozen=True)
class Row:
    """One case: the line of the law, the situation, what the line tells and asks in the order of the shipped
    plan, what the caller does, and what must come of it."""

    law: str
    case: str
    plan: str
    does: str = ""
    hears: str = ""
    recorded: str = ""
    dialplan: str = ""
    number: str = "+393331234567"
    silence: Answer = Answer.SILENCE
    before: str | None = None  # what the same caller did a day before; `None` for a first call
    transfer: bool = False  # `before` is of the same conversation
    ledger: type[MemoryLedger] = MemoryLedger


TABLE = [
    # L20: the AI Act
    Row("L20", "an AI answers: told first, before all else", "privacy ai",
        hears="ai privacy", recorded="ai:PLAYED privacy:PLAYED", dialplan="PLAYED"),
    Row("L20", "told on every call, whoever was told before", "ai privacy", before="",
        hears="ai", recorded="ai:PLAYED privacy:NOTDUE", dialplan="PLAYED"),
    Row("L20", "who hangs up in it was not told: no machine may speak", "ai privacy", "ai: hangs up in",
        hears="ai", recorded="ai:PARTIAL", dialplan="PARTIAL"),
    Row("L20", "who wants a person says so by key, in the question", "ai human privacy", "human: 8 in",
        hears="ai human privacy", recorded="ai:PLAYED human=human privacy:PLAYED",
        dialplan="PLAYED human:human"),
    Row("L20", "who presses nothing goes on with the machine", "ai human privacy",
        hears="ai human privacy", recorded="ai:PLAYED human=silence privacy:PLAYED",
        dialplan="PLAYED human:silence"),
    Row("L20", "a number that is withheld makes no difference", "ai human", "human: 8 after", number="",
        hears="ai human", recorded="ai:PLAYED human=human", dialplan="PLAYED human:human"),
    Row("L20", "the recording of the notice is missing: a person must answer", "ai privacy", "ai: is missing",
        hears="ai privacy", recorded="ai:FAILED privacy:PLAYED", dialplan="FAILED"),
    # L21: operators outside the European Union
    Row("L21", "told the country, then asked, before the privacy notice", "privacy country abroad",
        hears="country abroad privacy", recorded="country:PLAYED abroad=silence privacy:PLAYED",
        dialplan="PLAYED abroad:silence"),
    Row("L21", "answered from the EU within the same call, by one key in the question", "country abroad",
        "abroad: 2 in", hears="country abroad", recorded="country:PLAYED abroad=eu",
        dialplan="PLAYED abroad:eu"),
    Row("L21", "the key counts at once, too: it takes nothing from him", "country abroad",
        "abroad: 2 at once", hears="country abroad", recorded="country:PLAYED abroad=eu",
        dialplan="PLAYED abroad:eu"),
    Row("L21", "the next call tells and asks again", "country abroad", before="abroad: 2 in",
        hears="country abroad", recorded="country:PLAYED abroad=silence", dialplan="PLAYED abroad:silence"),
    Row("L21", "who is put through is not asked again, and his answer goes with him", "country abroad",
        before="abroad: 2 in", transfer=True, hears="", recorded="country:NOTDUE",
        dialplan="NOTDUE abroad:eu"),
    Row("L21", "with a ledger that fails he is answered from the EU all the same", "country abroad",
        "abroad: 2 in", ledger=BrokenLedger, hears="country abroad", recorded="",
        dialplan="FALLBACK abroad:eu"),
    # L22: lines that must be recorded, and lines that may be
    Row("L22", "orders: told before the service that it is recorded", "orders privacy",
        hears="recording-orders privacy", recorded="recording-orders:PLAYED privacy:PLAYED",
        dialplan="PLAYED"),
    Row("L22", "orders: once is enough", "orders privacy", before="",
        hears="", recorded="recording-orders:NOTDUE privacy:NOTDUE", dialplan="NOTDUE"),
    Row("L22", "may be refused: a no by key, in the question", "recorded privacy", "recorded: 7 in",
        silence=Answer.RECORDED, hears="recorded privacy", recorded="recorded=not-recorded privacy:PLAYED",
        dialplan="PLAYED recorded:not-recorded"),
    Row("L22", "may be refused: silence means what counsel decided; the record says silence",
        "recorded privacy", silence=Answer.RECORDED, hears="recorded privacy",
        recorded="recorded=silence privacy:PLAYED", dialplan="PLAYED recorded:recorded"),
    Row("L22", "may be refused: the next call asks again", "recorded privacy", before="recorded: 7 in",
        silence=Answer.RECORDED, hears="recorded", recorded="privacy:NOTDUE recorded=silence",
        dialplan="NOTDUE recorded:recorded"),
    Row("L22", "asked for a yes: a yes after the whole question", "recorded-consent privacy",
        "recorded: 9 after", silence=Answer.NOT_RECORDED, hears="recorded privacy",
        recorded="recorded=recorded privacy:PLAYED", dialplan="PLAYED recorded:recorded"),
    Row("L22", "asked for a yes: silence is none", "recorded-consent privacy", silence=Answer.NOT_RECORDED,
        hears="recorded privacy", recorded="recorded=silence privacy:PLAYED",
        dialplan="PLAYED recorded:not-recorded"),
    Row("L22", "asked for a yes: a yes in the question does not count, and he is asked again",
        "recorded-consent privacy", "recorded: 9 in", silence=Answer.NOT_RECORDED,
        hears="recorded recorded privacy", recorded="recorded=early privacy:PLAYED",
        dialplan="PLAYED recorded:unclear"),
    Row("L22", "asked for a yes: one that cannot be put on record is void", "recorded-consent privacy",
        "recorded: 9 after", silence=Answer.NOT_RECORDED, ledger=BrokenLedger, hears="recorded privacy",
        recorded="", dialplan="FALLBACK recorded:not-recorded"),
    # L16: consent to offers
    Row("L16", "asked by itself, after the notice that tells the purpose; a yes after the whole question",
        "marketing privacy", "marketing: 4 after", hears="privacy marketing",
        recorded="privacy:PLAYED marketing=granted", dialplan="PLAYED marketing:granted"),
    Row("L16", "silence is no consent", "privacy marketing", hears="privacy marketing",
        recorded="privacy:PLAYED marketing=silence", dialplan="PLAYED marketing:silence"),
    Row("L16", "hanging up is no consent", "privacy marketing", "marketing: hangs up after",
        hears="privacy marketing", recorded="privacy:PLAYED marketing=hung-up",
        dialplan="PLAYED marketing:hung-up"),
    Row("L16", "a yes before he heard all is no consent", "privacy marketing", "marketing: 4 at once",
        hears="privacy marketing marketing", recorded="privacy:PLAYED marketing=early",
        dialplan="PLAYED marketing:unclear"),
    Row("L16", "a no counts whenever it comes, and changes nothing of the call", "privacy marketing",
        "marketing: 5 in", hears="privacy marketing", recorded="privacy:PLAYED marketing=refused",
        dialplan="PLAYED marketing:refused"),
    Row("L16", "who refused is left in peace", "privacy marketing", before="marketing: 5 in",
        recorded="privacy:NOTDUE", dialplan="NOTDUE marketing:refused"),
    Row("L16", "a consent that was given holds, and is not asked for again", "privacy marketing",
        before="marketing: 4 after", recorded="privacy:NOTDUE", dialplan="NOTDUE marketing:granted"),
    Row("L16", "nobody unrecognised is asked: nobody could prove whose consent it is", "privacy marketing",
        number="", hears="privacy", recorded="privacy:PLAYED", dialplan="PLAYED marketing:not-asked"),
    Row("L16", "who did not hear the notice to its end is not asked", "privacy marketing",
        "privacy: is missing", hears="privacy", recorded="privacy:FAILED",
        dialplan="FAILED marketing:not-asked"),
    Row("L16", "a yes that cannot be put on record is void: he is not even asked", "privacy marketing",
        ledger=BrokenLedger, hears="privacy", recorded="", dialplan="FALLBACK marketing:not-asked"),
]  # fmt: skip


@dataclass
class Caller(ScriptedSession):
    """A call of somebody who does what a row says, by the question that he hears."""

    does: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        name, _, self._act = self.does.partition(": ")
        self._about, self._hears = name, ""

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Play a prompt, in which he may act."""
        self._hears = prompt.path
        digit = self._act[0] if self._act else ""
        acts = {"hangs up in": hung_up(1), "is missing": MISSING, f"{digit} in": key(digit or "0", 1.0)}
        if self._hears == self._about and self._act in acts:
            self.playbacks, self._coming = [], iter([acts[self._act]])
        return await super().play(prompt, keys, answer=answer)

    async def key(self, seconds: float) -> KeyPress:
        """Wait for a key."""
        acts = {"after": 1.0, "at once": 0.1}
        digit, _, moment = self._act.partition(" ")
        if self._hears == self._about and self._act == "hangs up after":
            return KeyPress("", 1.0, hung_up=True)
        if self._hears == self._about and moment in acts:
            return KeyPress(digit, acts[moment])
        return KeyPress("", seconds)


def _version(name: str, *purposes: str) -> Version:
    return Version("1", frozenset(purposes), False, {"it": Prompt(name, (Length(64_000, 8000),))}, {})


def _line(row: Row) -> Line:
    """Build a line whose plan is that of the shipped notices, in the shipped order."""
    privacy = Notice("privacy", (_version("privacy", "service", "marketing"),))
    steps, choices = list[Step](), list[PlannedChoice]()
    places = [(place_of(PARTS[name]) if name in PARTS else None) for name in row.plan.split()]
    for place in sorted(places, key=lambda place: PLAN_ORDER[place.id if place else "privacy"]):
        if place is None:
            steps.append(Step(privacy))
        elif place.asks:
            asks = Asks(place.asks)
            keys = {Answer(option): DIGITS[Answer(option)] for option in place.keys.values()}
            if "recorded" in row.plan.split():
                keys.pop(Answer.RECORDED, None)
            purposes = ("marketing",) if asks is Asks.CONSENT else ()
            choice = Choice(
                Notice(place.id, (_version(place.id, *purposes),)), asks, keys, silence=row.silence
            )
            if purposes:
                of_consent = {"purpose": "marketing", "holds": Period(24)}
                choice = replace(choice, vouched=VOUCHED_AT_LEAST[Vouched.NOBODY], **of_consent)
            choices.append(PlannedChoice(choice, len(steps)))
        else:
            often = ALWAYS if place.when == "always" else None
            steps.append(Step(Notice(place.id, (_version(place.id, "service"),)), often))
    return line(*steps or [Step(privacy)], choices=tuple(choices))


def _on_record(event: Event) -> str:
    return f"{event.asked.choice}={event.asked.answer}" if event.asked else f"{event.notice}:{event.status}"


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.law} {row.case}" for row in TABLE])
def test_row(row: Row) -> None:
    """The call goes as the row says: what is heard, what is on record, what the dialplan is told."""
    own, ledger, heard = _line(row), row.ledger(), ""
    if row.before is not None:
        earlier = Caller(incoming(row.number), does=row.before)
        handle(earlier, services(own, ledger))
        heard = earlier.variables["__INFORMATIVA_HEARD"] if row.transfer else ""
    count = len([*ledger.records()])
    ids = {} if row.transfer else {"id": "1700000009.1", "linked": "1700000009.1"}
    session = Caller(incoming(row.number, options={"heard": heard} if heard else {}, **ids), does=row.does)
    clock = SteppingClock(datetime(2026, 11, 25, 12, tzinfo=UTC) + timedelta(days=1))
    handle(session, services(own, ledger, clock=clock))
    assert " ".join(path for path, _keys in session.played) == row.hears
    events = [record.event for record in ledger.records()][count:]
    assert " ".join(map(_on_record, events)) == row.recorded
    outcome = (session.variables["INFORMATIVA_STATUS"], choices_of(session))
    assert " ".join(filter(None, outcome)) == row.dialplan


FORBIDDEN = [
    ("L16 silence or a notice is taken for consent: the purpose was never told", "purpose: marketing",
     "purpose: profiling", "no notice before it tells of the purpose profiling"),
    ("L16 the service depends on a consent", "purpose: marketing", "purpose: service",
     "the service is given without a consent to it"),
    ("L16 a consent that cannot be withdrawn by a call", '        withdraw_at: "+390212345678"\n', "",
     "to withdraw must be as easy as to give"),
    ("L16 a consent that outlives its proof", "holds: 24 months", "holds: 6 years",
     "no consent outlives the record that proves it"),
    ("L16 one key for a yes and for something else", 'granted: "4"', 'granted: "2"', "give the grant a key"),
    ("L21 a choice of operator for callers who were not told the country",
     "      - {notice: country, when: always}\n", "", "who does not know where he is answered from"),
    ("L21 a country that only some calls are told of", "{notice: country, when: always}",
     "{notice: country, when: always, countries: [AL]}", "no notice is for all other countries"),
    ("L22 nobody decided what silence means", "        silence: recorded\n", "", "ask counsel"),
    ("L22 silence is taken for the yes that a key is there for", 'not-recorded: "7"',
     'not-recorded: "7", recorded: "9"', "silence is no yes"),
    ("L22 the recording of orders can be refused", "{notice: country, when: always}",
     "{notice: recording-orders}", "each call must be recorded, so nobody may refuse it"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"), [row[1:] for row in FORBIDDEN], ids=[row[0] for row in FORBIDDEN]
)
def test_forbidden(folder: Path, old: str, new: str, message: str) -> None:
    """A configuration that the law forbids is refused, with the reason."""
    file = with_choices(folder)
    notice = "recording-orders" if "recording-orders" in new else "country"
    text = file.read_text().replace("      country:\n", f"      {notice}:\n")
    assert old in text
    file.write_text(text.replace(old, new, 1))
    sentences = problems(file)
    assert any(message in sentence for sentence in sentences), sentences


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_that_the_shipped_texts_name(language: str) -> None:
    """In each language the texts ask for the keys that the law gives: none may refuse the recording of
    orders, one leads into the EU or to a person, offers take a yes and a no; the German question about
    recording asks for a yes, as § 201 StGB wants it, the others for a no."""
    folder = shipped.folder("texts")
    named = {
        part: texts.template(folder, language, part).placeholders & texts.KEY_PLACEHOLDERS
        for part in PARTS.values()
    }
    assert named == {
        SpokenPart.AI: set(),
        SpokenPart.HUMAN: {"human"},
        SpokenPart.COUNTRY_OUTSIDE_EU: set(),
        SpokenPart.ABROAD: {"eu"},
        SpokenPart.RECORDING_ORDERS: set(),
        SpokenPart.MARKETING: {"yes", "no"},
        SpokenPart.RECORDING: {"yes"} if language == "de" else {"no"},
        SpokenPart.RECORDING_CONSENT: {"yes", "no"},
    }
