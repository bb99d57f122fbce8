"""Totals: each day's records, counted in a record of their own, so that the numbers outlive a purge."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import independent
from evidence.ledger import audited, forged, of, signed
from examples import NOTDUE, PARTIAL, PLAYED
from informativa.config import load
from informativa.evidence import commitment, stated_facts
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import PurgeNote
from informativa.evidence.receipt import Receipt
from informativa.evidence.settings import EvidenceConfig
from informativa.ledgers import expiry, note_leaves, totals
from informativa.ledgers.sequencer import begin_epoch
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Event, Reason, RecordKind, Status
from informativa.operations.evidence import logs, receipts
from informativa.process import maintenance, storage
from informativa.system.turns import OnceLogged

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger that does not exist yet."""
    return tmp_path / "acme.sqlite3"


@pytest.fixture
def acme(folder: Path) -> Controller:
    """A configured company, whose log states its rule."""
    return load(folder / "informativa.yaml").controllers["acme"]


def recorded(ledger: Path, *events: Event, at: datetime) -> None:
    """Put events on record, as if they happened at that time."""
    with closing(SqliteStore(str(ledger))) as store:
        store.append([replace(event, at=at, recorded=None) for event in events])


def counted(ledger: Path, now: datetime) -> bool:
    """Do what is done each minute; return whether totals were written."""
    with closing(SqliteStore(str(ledger))) as store:
        return totals.keep(store, now, ROME)


def all_totals(ledger: Path) -> list[tuple[int, int, int, str]]:
    """The leaf of each record of totals, and what it states."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        stated = []
        for log in store.logs():
            for leaf, record in store.leaves_of_period(log.first, log.next):
                if record.event.kind is RecordKind.TOTALS:
                    facts = commitment.facts(record.event, log.origin, leaf.leaf - log.first, record.number)
                    assert facts["record"] == facts["to"]
                    text = str(facts.get("totals", ""))
                    stated.append((leaf.leaf - log.first, int(facts["from"]), int(facts["to"]), text))
        return stated


def flaws(ledger: Path) -> set[tuple[int | None, str]]:
    """The flaws that an audit names."""
    return {(flaw.record, str(flaw.flaw)) for flaw in audited(ledger).flaws}


def test_items_are_sorted_and_numbers_are_right(ledger: Path) -> None:
    """One item for each line, notice, status and reason; what has no line has none in its item."""
    paper = replace(PLAYED, status=Status.INFORMED, reason=Reason.TOLD_ELSEWHERE, prompt="", heard=None)
    paper = replace(paper, kind=RecordKind.CONTRACT, call="", line="", reference="contract 7")
    recorded(ledger, of(1), of(2), of(1, NOTDUE), of(3, PARTIAL, line="+390299999999"), of(4, paper), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    assert all_totals(ledger) == [
        (
            5,
            0,
            5,
            "+390212345678/privacy/NOTDUE/already-informed=1 +390212345678/privacy/PLAYED/not-informed=2"
            " +390299999999/privacy/PARTIAL/not-informed=1 /privacy/INFORMED/told-elsewhere=1",
        )
    ]


@pytest.mark.parametrize(
    ("last_minute", "midnight"),
    [
        (datetime(2026, 11, 24, 22, 59, 59, tzinfo=UTC), datetime(2026, 11, 24, 23, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC), datetime(2026, 7, 1, 22, 0, tzinfo=UTC)),
        # Summer time begins in the night to the 29th of March, and ends in that to the 25th of October.
        (datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
        (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),
    ],
)
def test_day_ends_at_midnight_of_the_company(ledger: Path, last_minute: datetime, midnight: datetime) -> None:
    """In winter, in summer, and on the days on which a day has 23 or 25 hours."""
    recorded(ledger, of(1), at=last_minute)
    assert not counted(ledger, last_minute + timedelta(milliseconds=500))
    assert counted(ledger, midnight)
    recorded(ledger, of(2), at=midnight)
    assert not counted(ledger, midnight + timedelta(hours=22))
    assert counted(ledger, midnight + timedelta(hours=25))
    assert [(first, end) for _, first, end, _ in all_totals(ledger)] == [(0, 1), (1, 3)]


@settings(max_examples=25)
@given(days=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6))
def test_each_leaf_is_in_exactly_one(tmp_path_factory: pytest.TempPathFactory, days: list[list[int]]) -> None:
    """The totals follow one another without a gap; those of a day are written once, and none of a day without
    calls."""
    ledger = tmp_path_factory.mktemp("days") / "acme.sqlite3"
    SqliteStore(str(ledger)).close()
    written = 0
    for number, callers in enumerate(days):
        at = NOON + timedelta(days=number)
        recorded(ledger, *map(of, callers), at=at)
        assert not counted(ledger, at)
        written += counted(ledger, at + timedelta(days=1))
        assert not counted(ledger, at + timedelta(days=1, seconds=1))
    assert written == sum(map(bool, days))
    end = 0
    for leaf, first, before, _text in all_totals(ledger):
        assert (first, before) == (end, leaf)
        end = before
    numbers = Counter[str]()
    for *_, text in all_totals(ledger):
        numbers.update(stated_facts.counts_of(text))
    assert numbers.total() == sum(map(len, days))


def test_days_without_calls_or_service_move_nothing_into_a_wrong_day(ledger: Path) -> None:
    """After a quiet day the first call does not end the day in its middle; a clock that was ahead holds
    nothing up."""
    recorded(ledger, of(1), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    recorded(ledger, of(2), at=NOON + timedelta(days=3))
    assert not counted(ledger, NOON + timedelta(days=3, minutes=1))
    assert counted(ledger, NOON + timedelta(days=4))
    assert len(all_totals(ledger)) == 2
    recorded(ledger, of(2), at=NOON + timedelta(days=400))
    assert counted(ledger, NOON + timedelta(days=4, hours=1))
    assert not counted(ledger, NOON + timedelta(days=4, hours=2))


def test_each_log_begins_anew(ledger: Path) -> None:
    """The totals of a log name its own leaves."""
    recorded(ledger, of(1), of(2), at=NOON)
    signed(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        assert totals.keep(store, NOON, ROME, ends=True)
        assert not totals.keep(store, NOON, ROME, ends=True)
    begin_epoch(ledger, NOON)
    recorded(ledger, of(3), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    signed(ledger)
    assert [stated[:3] for stated in all_totals(ledger)] == [(2, 0, 2), (2, 0, 2)]
    assert flaws(ledger) == set()


def test_change_of_the_key_counts_what_is_left(acme: Controller) -> None:
    """Whoever changes the key loses no leaf of the day."""
    with closing(storage.store(acme)) as store:
        store.append([of(1), of(2)])
    logs.change_key(acme, NOON)
    ((leaf, first, end, text),) = all_totals(Path(acme.ledger))
    assert (leaf, first, end) == (3, 0, 3)  # leaf 0 is the rule
    assert text == "+390212345678/privacy/PLAYED/not-informed=2"


def test_numbers_stay_proven_after_a_purge(acme: Controller) -> None:
    """The record of the totals stays, opens, and has a receipt that two verifiers accept."""
    ledger = Path(acme.ledger)
    with closing(storage.store(acme)) as store:
        store.append([replace(of(1), at=NOON), replace(of(2), at=NOON)])
        assert totals.keep(store, NOON + timedelta(days=1), ROME)
        (number,) = (record.number for record in store.records() if record.event.kind is RecordKind.TOTALS)
        expiry.purge(store, NOON + timedelta(days=300), NOON + timedelta(days=300))
        assert [record.number for record in store.records() if record.event.call] == []
    key = signed(ledger)
    data = receipts.of_record(acme, number).receipt.proof.data
    assert Receipt.parse(data).verify([key])
    facts = independent.check(data, str(key))
    assert facts["totals"] == "+390212345678/privacy/PLAYED/not-informed=2"
    assert audited(ledger).is_sound


def test_totals_that_the_records_contradict_are_named(ledger: Path) -> None:
    """Whoever has the key can write false totals that open their leaf; the records say otherwise."""
    recorded(ledger, of(1), of(2), at=NOON)
    for text in (
        stated_facts.totals_text(0, 2, "+390212345678/privacy/PLAYED/not-informed=1"),
        stated_facts.totals_text(0, 3, "+390212345678/privacy/PLAYED/not-informed=2"),
        "nothing",
    ):
        with closing(SqliteStore(str(ledger))) as store:
            store.append([totals.event(RecordKind.TOTALS, NOON, text)])
    signed(ledger)
    assert flaws(ledger) == {(3, "totals"), (4, "totals"), (5, "totals")}


def test_after_a_purge_totals_may_be_higher_and_never_lower(ledger: Path) -> None:
    """What is gone cannot be counted again."""
    recorded(ledger, of(1), at=NOON - timedelta(days=100))
    recorded(ledger, of(2), of(3), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    with closing(SqliteStore(str(ledger))) as store:
        expiry.purge(store, NOON - timedelta(days=1), NOON)
    signed(ledger)
    assert flaws(ledger) == set()
    recorded(ledger, of(2), of(3), at=NOON + timedelta(days=1))
    low = "+390212345678/privacy/PLAYED/not-informed=1"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([totals.event(RecordKind.TOTALS, NOON, stated_facts.totals_text(3, 7, low))])
    signed(ledger)
    assert flaws(ledger) == {(8, "totals")}


def test_altered_record_alone_is_named(ledger: Path) -> None:
    """Its totals are not blamed for it; but a changed text of totals is."""
    recorded(ledger, of(1), of(2), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    signed(ledger)
    forged(ledger, "UPDATE event SET line = '+390200000000' WHERE record = 1")
    assert flaws(ledger) == {(1, "facts-altered")}
    forged(ledger, "UPDATE event SET line = '+390212345678' WHERE record = 1")
    forged(ledger, "UPDATE event SET reference = replace(reference, '=2', '=1') WHERE record = 3")
    assert flaws(ledger) == {(3, "facts-altered"), (3, "totals")}


def test_erased_records_still_count(ledger: Path) -> None:
    """An erasure leaves line, notice, status and reason."""
    from informativa.ledgers.erasure import erase

    recorded(ledger, of(1), of(2), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    erase(ledger, [of(1).pseudonym], NOON)  # type: ignore[list-item]
    signed(ledger)
    assert flaws(ledger) == set()


@given(group=st.tuples(NAMES, NAMES, NAMES, NAMES), other=st.tuples(NAMES, NAMES, NAMES, NAMES))
def test_odd_names_stay_unambiguous(group: stated_facts.Group, other: stated_facts.Group) -> None:
    """Whatever characters are in a name: one item stands for one group."""
    text = stated_facts.totals({group: 3, other: 5})
    assert len(stated_facts.counts_of(text)) == len({group, other})
    assert text.isascii()
    assert text.count(" ") == len({group, other}) - 1
    event = totals.event(RecordKind.TOTALS, NOON, stated_facts.totals_text(0, 9, text))
    assert commitment.facts(event, "example/log/1", 9, 10)["totals"] == text
    assert "reference" not in commitment.person(event, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "leaves from 00 to before 3",
        "leaves from 0 to before 3: ",
        "leaves from 0 to before 3:x",
        "leaves from 0 to before 9999999999999999",
        "leaves from \u0660 to before 3",
    ],
)
def test_text_of_another_form_leads_to_a_person(text: str) -> None:
    """So that no two texts have the same commitments."""
    event = totals.event(RecordKind.TOTALS, NOON, text)
    assert "to" not in commitment.facts(event, "example/log/1", 9, 10)
    assert commitment.person(event, None).get("reference", "") == text


def test_service_writes_them_before_it_signs(acme: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day after, once; a company whose log states no rule has none."""
    with closing(storage.store(acme)) as store:
        store.append([of(1)])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    clock = type("Clock", (), {"now": lambda _zone: tomorrow})
    monkeypatch.setattr(maintenance, "datetime", clock)
    for _ in range(2):
        assert maintenance._sign(replace(acme, rule=None), EvidenceConfig(), OnceLogged("")) is not None
    assert kinds(acme) == ["rule", "phone"]
    for _ in range(2):
        signed_now = maintenance._sign(acme, EvidenceConfig(), OnceLogged(""))
        assert signed_now is not None
        assert signed_now.size == len(kinds(acme))
    assert kinds(acme) == ["rule", "phone", "totals"]


def kinds(controller: Controller) -> list[str]:
    """The kinds of all records, in order."""
    with closing(storage.store(controller, read_only=True)) as store:
        return [str(record.event.kind) for record in store.records()]


def test_newest_one_is_found_by_its_number(ledger: Path) -> None:
    """It is looked for every minute, in a ledger of millions."""
    recorded(ledger, of(1), at=NOON)
    with closing(SqliteStore(str(ledger))) as store, store.connected() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {totals._NEWEST}", ("totals",)).fetchall()
    assert any("event USING INTEGER PRIMARY KEY" in row[3] for row in plan), plan
    assert not any("SCAN" in row[3] or "TEMP B-TREE" in row[3] for row in plan), plan


def test_purge_by_a_note_leaves_them(ledger: Path) -> None:
    """A note of a purge names all leaves before one; totals among them stay, and are no leaf that waits."""
    recorded(ledger, of(1), of(2), at=NOON)
    assert counted(ledger, NOON + timedelta(days=1))
    with closing(SqliteStore(str(ledger))) as store:
        log = store.log()
        note = PurgeNote(of=log.origin, below=3, cutoff=NOON + timedelta(hours=1), rule=0)
        with store.transaction() as transaction, store.connected() as connection:
            note_leaves.append(transaction, connection, note, NOON + timedelta(days=1), NoteSource.SERVICE)
        signed(ledger)
        waiting = audited(ledger)
        assert (waiting.is_sound, waiting.counted.waiting, waiting.counted.whole) == (True, 2, 2)
        with store.transaction() as transaction:
            assert [transaction.purge(number) for number in (1, 2)] == [True, True]
            transaction.close_leaves([1, 2])
    purged = audited(ledger)
    assert (purged.is_sound, purged.counted.purged, purged.counted.whole) == (True, 2, 2), purged
