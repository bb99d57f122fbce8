"""Many records at once of what callers were told elsewhere, held against the same one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from informativa.call.caller import pseudonym
from informativa.evidence import commitment
from informativa.evidence.commitment import bind
from informativa.ledgers import bulk
from informativa.ledgers.bulk import PreparedRecord
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, Reason, RecordKind, Status

KEY, OLD_KEY = bytes(32), bytes([1]) * 32
DAY = datetime(2026, 1, 31, tzinfo=UTC)
NOW = datetime(2026, 11, 26, 8, 30, 15, 250, tzinfo=UTC)


def informed(number: int, *, reference: str = "", version: str = "2026-01", days: int = 0) -> Event:
    """Somebody was told by the website."""
    caller = Identified(f"+39333{number:07}")
    return Event(
        at=DAY + timedelta(days=days),
        call="",
        line="",
        pseudonym=pseudonym(caller, KEY),
        notice="privacy",
        version=version,
        language="",
        purposes=frozenset({"service", "marketing"} if version == "2026-01" else {"service"}),
        status=Status.INFORMED,
        reason=Reason.TOLD_ELSEWHERE,
        kind=RecordKind.WEBSITE,
        reference=reference or f"form {number}",
        recorded=NOW,
        binding=bind(caller, KEY),
    )


def called(number: int) -> Event:
    """He called later and heard it."""
    at = DAY + timedelta(days=90)
    heard = {
        "status": Status.PLAYED,
        "reason": Reason.NOT_INFORMED,
        "kind": RecordKind.PHONE,
        "reference": "",
    }
    return replace(informed(number), at=at, recorded=at, call=f"1.{number}", line="+3906", **heard)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty ledger."""
    opened = SqliteStore(str(tmp_path / "acme.sqlite3"))
    yield opened
    opened.close()


def ready(origin: str, event: Event, earlier: tuple[bytes, ...] = ()) -> PreparedRecord:
    """For the log of that origin."""
    assert event.pseudonym
    assert event.binding
    common = bulk.common(replace(event, pseudonym=None, reference="", binding=None), origin)
    return common.ready(event.pseudonym, event.reference, event.binding, earlier)


def record(store: SqliteStore, events: list[Event], earlier: tuple[bytes, ...] = ()) -> int:
    """At once; how many were new."""
    origin = store.log().origin
    return bulk.append_new(store, [ready(origin, event, earlier) for event in events])


def contents(store: SqliteStore) -> dict[str, set[tuple[object, ...]]]:
    """All tables that records lead to, without numbers, which are given in another order."""
    selections = {
        "event": "SELECT at, pseudonym, version, purposes, status, kind, reference, recorded FROM event",
        "standing": "SELECT pseudonym, version, whole, purposes, at, seen FROM standing",
        "tally": "SELECT * FROM tally",
        "known": "SELECT * FROM known",
    }
    with store.connected() as connection:
        return {name: set(connection.execute(sql)) for name, sql in selections.items()}


def test_same_as_one_by_one(tmp_path: Path, store: SqliteStore) -> None:
    """Rows of new callers, of some who had called, of some with several papers and versions, rows that come
    twice, and references that JSON escapes leave the same records, histories and counters."""
    chance = random.Random(1)
    events = [
        informed(
            chance.randrange(400),
            reference=chance.choice(("", "", 'book "a"', "list\\2", "perché")),
            version=chance.choice(("2026-01", "2025-01")),
            days=chance.choice((0, 0, 1, 120)),
        )
        for _ in range(1500)
    ]
    single = SqliteStore(str(tmp_path / "single.sqlite3"))
    added = []
    for ledger in (store, single):
        ledger.append([called(number) for number in range(0, 400, 7)])
    for at in range(0, 1500, 500):
        page = events[at : at + 500]
        added.append((record(store, page), single.append_new([(event, ()) for event in page])))
    actual, expected = contents(store), contents(single)
    single.close()
    assert [one for one, _ in added] == [one for _, one in added]
    assert 500 > added[0][0] > added[2][0] > 100
    assert actual["event"] == expected["event"]
    assert actual["tally"] == expected["tally"]
    assert actual["known"] == expected["known"]
    assert {row[:3] for row in actual["standing"]} == {row[:3] for row in expected["standing"]}


def test_each_record_opens_its_leaf(store: SqliteStore) -> None:
    """Leaves are gapless, also after records of calls and where a page takes three statements, and each holds
    what its record commits to."""
    store.append([called(1), called(2)])
    record(store, [informed(number) for number in range(1, 130)])
    store.append([called(140)])
    record(store, [informed(number, reference='"') for number in range(150, 153)])
    opened = store.leaves_of_period(0, 200)
    assert [(leaf.leaf, record.number) for leaf, record in opened] == [(n, n + 1) for n in range(135)]
    for leaf, one in opened:
        assert leaf.salt_what is not None
        assert leaf.salt_who is not None
        facts = commitment.facts(one.event, store.log().origin, leaf.leaf, one.number)
        assert commitment.what(facts, leaf.salt_what) == leaf.commitments.what
        person = commitment.person(one.event, leaf.binding, leaf.opening)
        assert commitment.who(person, leaf.salt_who) == leaf.commitments.who
    assert len({leaf.salt_what for leaf, _ in opened} | {leaf.salt_who for leaf, _ in opened}) == 270


def test_binding_is_to_the_number(store: SqliteStore) -> None:
    """The company's key opens each for the caller's own number."""
    record(store, [informed(7)])
    leaf = store.leaf(1)
    assert leaf is not None
    assert leaf.salt_who is not None
    opening = commitment.opening_key(KEY, leaf.salt_who)
    assert leaf.binding == commitment.binding(opening, Identified("+393330000007"))


def test_known_under_an_earlier_key(store: SqliteStore) -> None:
    """What is on record under an earlier pseudonym is not recorded once more."""
    before = pseudonym(Identified("+393330000007"), OLD_KEY)
    store.append([replace(informed(7), pseudonym=before)])
    assert record(store, [informed(7)], (before,)) == 0
    assert record(store, [informed(8)], (before,)) == 1
    assert record(store, [informed(7)]) == 1


def test_more_callers_than_one_statement_looks_for(store: SqliteStore) -> None:
    """What each of a thousand knew is as it was, and the same rows are not recorded once more: those at the
    borders of what one statement takes are found, too."""
    store.append([called(number) for number in range(1001)])
    page = [informed(number) for number in range(1001)]
    assert record(store, page) == 1001
    assert record(store, page) == 0
    when = int((DAY + timedelta(days=90)).timestamp()) * 10**6
    with store.connected() as connection:
        rows = connection.execute("SELECT whole, count(*) FROM standing GROUP BY whole").fetchall()
    assert rows == [(when, 1001)]


def test_ready_for_another_log(store: SqliteStore) -> None:
    """A log that began meanwhile gets leaves of its own name."""
    page = [ready("another/log/1", informed(number)) for number in range(3)]
    assert bulk.append_new(store, page) == 3
    ((leaf, one), *_) = store.leaves_of_period(0, 1)
    assert leaf.salt_what is not None
    facts = commitment.facts(one.event, store.log().origin, 0, 1)
    assert commitment.what(facts, leaf.salt_what) == leaf.commitments.what


def test_nothing_of_a_page_that_fails(store: SqliteStore) -> None:
    """A page is recorded as a whole or not at all."""
    good, bad = (ready(store.log().origin, informed(number)) for number in (1, 2))
    with pytest.raises(Exception, match="refused a record"):
        bulk.append_new(store, [good, bad._replace(who=b"short")])
    assert store.count() == 0
    assert bulk.append_new(store, [good]) == 1


def test_only_what_was_told_elsewhere() -> None:
    """A call is not made ready so: its tally and basis need more."""
    with pytest.raises(ValueError, match="told elsewhere"):
        bulk.common(called(1), "log")
