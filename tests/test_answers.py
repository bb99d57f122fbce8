"""Callers' answers as a ledger remembers them: derived from the records, and gone with them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from choosing import answering
from evidence.ledger import audited, forged, of, signed
from examples import AT, ONE, OTHER, PLAYED
from informativa.ledgers import audit_answers, expiry, restoring
from informativa.ledgers.audit_history import HistoryRow
from informativa.ledgers.erasure import erase
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.loss_notes import LossNotes
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model import Answer, Controller, Event, Reason, Verdict
from informativa.model.choices import AnswerHistory
from informativa.model.errors import LedgerError
from informativa.operations.evidence import auditing
from informativa.process import storage
from informativa.views.documents import facts
from informativa.views.messages import language
from informativa.views.text import audits

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GRANTED, REFUSED, SILENCE = Answer.GRANTED, Answer.REFUSED, Answer.SILENCE


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Return the path of a ledger that does not exist yet."""
    return tmp_path / "acme.sqlite3"


def record(ledger: Path, *events: Event) -> list[int]:
    """Put events on record, each in a transaction of its own; return their numbers."""
    with closing(SqliteStore(str(ledger))) as store:
        return [number for event in events for number in store.append([event])]


def remembered(ledger: Path, pseudonym: bytes = ONE) -> AnswerHistory:
    """Return what the ledger remembers of a caller's answers."""
    with closing(SqliteStore(str(ledger))) as store, store.transaction() as transaction:
        return transaction.answers(pseudonym)


def acts(ledger: Path, pseudonym: bytes = ONE) -> dict[str, tuple[Answer, int]]:
    """Return the words of his acts, each with its record, by choice."""
    return {choice: (act.word, act.record) for choice, act in remembered(ledger, pseudonym).acts.items()}


def rows_left(ledger: Path) -> int:
    """Count the rows of the table, whether they count or not."""
    with closing(sqlite3.connect(ledger)) as connection:
        return int(connection.execute("SELECT count(*) FROM answer").fetchone()[0])


def sound(ledger: Path) -> bool:
    """Sign, and audit."""
    signed(ledger)
    return audited(ledger).is_sound


@pytest.mark.parametrize("kind", [SqliteLedger, GroupCommitLedger])
def test_answer_is_remembered_with_its_record(ledger: Path, kind) -> None:
    """In one transaction, in the service's ledger and in the script's; none if it is rolled back."""

    async def calls() -> None:
        opened = kind(str(ledger))
        await opened.transact(lambda transaction: transaction.append(answering(GRANTED)))

        def broken(transaction) -> None:
            transaction.append(answering(REFUSED, at=AT + DAY))
            raise ArithmeticError

        with pytest.raises((ArithmeticError, LedgerError)):
            await opened.transact(broken)
        opened.close()

    asyncio.run(calls())
    assert acts(ledger) == {"marketing": (GRANTED, 1)}


def test_silence_hides_no_act(ledger: Path) -> None:
    """The last act and the last time without an answer stand side by side."""
    record(ledger, answering(GRANTED), answering(SILENCE, at=AT + DAY))
    history = remembered(ledger)
    assert (history.acts["marketing"].record, history.none["marketing"].record) == (1, 2)


@pytest.mark.parametrize("first", [ONE, OTHER])
def test_changed_key_keeps_the_greatest_answer(ledger: Path, first: bytes) -> None:
    """Whichever of his pseudonyms has the refusal, the new one keeps it, and the old one nothing."""
    second = OTHER if first == ONE else ONE
    record(
        ledger,
        answering(GRANTED, pseudonym=first),
        answering(REFUSED, pseudonym=second, at=AT + 5 * MINUTE),
        answering(GRANTED, pseudonym=first, at=AT + 9 * MINUTE),
        PLAYED_LATER,
    )
    assert acts(ledger, ONE) == {}
    assert acts(ledger, OTHER) == {"marketing": (REFUSED, 2)}
    assert sound(ledger)


PLAYED_LATER = of(1, PLAYED, pseudonym=OTHER, earlier=ONE, at=AT + DAY)


def test_purge_takes_the_answers_of_its_records(ledger: Path) -> None:
    """Also where a change of the key moved them; a later one stays."""
    record(ledger, answering(GRANTED, at=AT - 9 * DAY), answering(REFUSED, choice="survey"), PLAYED_LATER)
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, AT - DAY, AT) == 1
    assert acts(ledger, OTHER) == {"survey": (REFUSED, 2)}
    assert rows_left(ledger) == 1
    assert sound(ledger)


def test_purge_of_a_refusal_uncovers_no_grant(ledger: Path) -> None:
    """A refusal whose record is purged leaves nothing, although a grant that it hid is on record."""
    later = answering(GRANTED, at=AT + 5 * MINUTE, recorded=AT + 6 * MINUTE)
    record(ledger, answering(REFUSED, at=AT), later)
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, AT + MINUTE, AT + DAY) == 1
    assert acts(ledger) == {}
    assert sound(ledger)


def test_purged_change_of_key_ties_no_answer(ledger: Path) -> None:
    """The clock was set back, so that the record that ties two pseudonyms goes before the answer."""
    record(ledger, answering(REFUSED), of(1, PLAYED, pseudonym=OTHER, earlier=ONE, at=AT - 9 * DAY))
    with closing(SqliteStore(str(ledger))) as store:
        assert expiry.purge(store, AT - DAY, AT) == 1
    assert acts(ledger, OTHER) == {}
    assert sound(ledger)


def test_i9_erased_caller_has_answered_nothing(ledger: Path) -> None:
    """His answers go with his records, under all his keys, and no byte of him stays."""
    record(ledger, answering(GRANTED), PLAYED_LATER, answering(REFUSED, pseudonym=b"3" * 32))
    assert erase(ledger, [OTHER], AT + 2 * DAY).records == 2
    assert rows_left(ledger) == 1
    assert ONE[:8] not in ledger.read_bytes()
    assert OTHER[:8] not in ledger.read_bytes()
    assert sound(ledger)


def test_i9_caller_of_whom_an_answer_alone_is_left_is_erased(ledger: Path) -> None:
    """A row that a changed key moved, whose record is gone."""
    record(ledger, answering(GRANTED), PLAYED_LATER)
    forged(ledger, "DELETE FROM event", "DELETE FROM standing")
    erase(ledger, [OTHER], AT + 2 * DAY)
    assert rows_left(ledger) == 0
    assert OTHER[:8] not in ledger.read_bytes()


def test_table_of_answers_is_part_of_the_schema(ledger: Path) -> None:
    """A ledger without it is not as informativa made it."""
    record(ledger, PLAYED)
    forged(ledger, "DROP TABLE answer")
    with closing(SqliteStore(str(ledger))) as store:
        assert store.foreign_schema() == ["table answer"]


def test_restored_ledger_remembers_what_its_records_say(ledger: Path, tmp_path: Path) -> None:
    """A refusal that came after the backup is lost with it, and so is its answer; one that was erased since
    stays erased."""
    record(ledger, answering(GRANTED), answering(GRANTED, pseudonym=OTHER, call="2.1", linked="2.1"))
    signed(ledger)
    copy = tmp_path / "elsewhere/copy.sqlite3"
    copy.parent.mkdir()
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)
    record(ledger, answering(REFUSED, at=AT + DAY))
    erase(ledger, [OTHER], AT + DAY)
    signed(ledger)
    restoring.restore(ledger, copy, AT + 2 * DAY)
    assert acts(ledger) == {"marketing": (GRANTED, 1)}
    assert rows_left(ledger) == 1
    assert sound(ledger)


def test_number_that_changed_hands_has_answered_nothing(ledger: Path) -> None:
    """What somebody else answered before counts for the present caller no more; what is answered in the call
    that finds it does."""
    record(
        ledger,
        answering(GRANTED),
        answering(GRANTED, choice="survey"),
        of(1, PLAYED, pseudonym=ONE, reason=Reason.RECYCLED, at=AT + 400 * DAY),
        answering(REFUSED, at=AT + 400 * DAY),
    )
    assert acts(ledger) == {"marketing": (REFUSED, 4)}
    assert sound(ledger)


def test_other_box_found_that_a_number_changed_hands(ledger: Path) -> None:
    """Then no answer from before counts either, although this ledger has no record that says so."""
    record(ledger, answering(GRANTED))
    with closing(SqliteStore(str(ledger))) as store, store.transaction() as transaction:
        transaction.recycle(ONE, "privacy", AT + 400 * DAY)
    assert acts(ledger) == {}
    assert sound(ledger)


def test_retention_ends_answers_whose_record_stays(ledger: Path) -> None:
    """A row from before the retention goes, also where its record was entered later."""
    record(ledger, answering(GRANTED, at=AT - 9 * DAY, recorded=AT), answering(REFUSED, choice="survey"))
    with closing(SqliteStore(str(ledger))) as store, store.connected() as connection:
        expiry._forget(store, connection, int((AT - DAY).timestamp() * 1_000_000))
    assert acts(ledger) == {"survey": (REFUSED, 2)}


FORGERIES = [
    ("INSERT INTO answer VALUES (x'{other}', 'marketing', 1, 'granted', '1', 'marketing', 0, 99, 0, 0)",
     HistoryRow(99, "", "1", "marketing", "granted")),
    ("INSERT INTO answer VALUES (x'{other}', 'marketing', 1, 'granted', '1', 'marketing', 0, 1, 0, 0)",
     HistoryRow(1, "", "1", "marketing", "granted")),
    ("UPDATE answer SET word = 'granted' WHERE record = 3", HistoryRow(3, "", "1", "marketing", "granted")),
    ("UPDATE answer SET at = at + 1 WHERE record = 3", HistoryRow(3, "", "1", "marketing", "refused")),
    ("UPDATE answer SET rank = 0 WHERE record = 3", HistoryRow(3, "", "1", "marketing", "refused")),
    ("UPDATE answer SET version = '2' WHERE record = 3", HistoryRow(3, "", "2", "marketing", "refused")),
    ("UPDATE answer SET purposes = '' WHERE record = 3", HistoryRow(3, "", "1", "marketing", "refused")),
    ("UPDATE answer SET choice = 'survey' WHERE record = 3", HistoryRow(3, "", "1", "survey", "refused")),
    ("UPDATE answer SET pseudonym = x'{other}' WHERE record = 3",
     HistoryRow(3, "", "1", "marketing", "refused")),
    ("DELETE FROM answer WHERE record = 3", HistoryRow(3, "", "1", "marketing", "refused")),
    ("UPDATE answer SET (word, at, record, rank) ="
     " (SELECT 'granted', at, record, at FROM event WHERE record = 1) WHERE record = 3",
     HistoryRow(1, "", "1", "marketing", "granted")),
    ("UPDATE answer SET word = x'00' WHERE record = 3", HistoryRow(3, "", "1", "marketing", "b'\\x00'")),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "row"), FORGERIES)
def test_i7_forged_answer_is_named(ledger: Path, statement: str, row: HistoryRow) -> None:
    """I7: a grant without a record, or by another's; a refusal that is changed, moved to another caller, or
    taken away so that an older grant counts."""
    record(ledger, of(1), answering(GRANTED, of(2)), answering(REFUSED, of(2), at=AT + DAY))
    signed(ledger)
    forged(ledger, statement.format(other=(b"7" * 32).hex()))
    result = audited(ledger)
    assert not result.is_sound
    assert row in result.history


def test_i7_overruled_grant_does_not_come_back(ledger: Path) -> None:
    """I7: also where a retention was short once, so that callers may have forgotten the refusal, the grant
    before it is not the answer that counts."""
    long_ago = AT - 600 * DAY
    record(ledger, answering(GRANTED, at=long_ago), answering(REFUSED, at=AT - 400 * DAY))
    forged(
        ledger,
        "UPDATE answer SET (word, at, record, rank) ="
        " (SELECT 'granted', at, record, at FROM event WHERE record = 1) WHERE record = 2",
    )
    notes = LossNotes((), (), (), (), forgotten=int((AT - 365 * DAY).timestamp() * 1_000_000))
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        assert [row.answer for row in audit_answers.forged(connection, notes)] == ["granted"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("en", "the answer table says that a caller granted marketing by record 99; the records do not"),
        (
            "it",
            "la tabella delle risposte dice che un chiamante ha concesso marketing secondo",
        ),
    ],
)
def test_forged_answer_in_words(tmp_path: Path, code: str, sentence: str) -> None:
    """For people in two languages, for programs with the choice and the answer; the ledger is changed."""
    acme = Controller("acme", "Acme", b"k" * 32, str(tmp_path / "acme.sqlite3"))
    with closing(storage.store(acme)) as store:
        store.append([PLAYED])
    signed(Path(acme.ledger))
    statement, _row = FORGERIES[0]
    forged(Path(acme.ledger), statement.format(other=(b"7" * 32).hex()))
    result = auditing.audit(acme)
    assert result.verdict is Verdict.CHANGED
    assert any(sentence in text for _wrong, text in audits.findings(result, language(code)))
    row = {"record": 99, "notice": "", "version": "1", "choice": "marketing", "answer": "granted"}
    assert facts(result)["history"] == [row]


def test_i7_edited_answer_of_a_record_is_found(ledger: Path) -> None:
    """I7: a refusal that somebody makes a grant, in the record and in what follows from it."""
    record(ledger, answering(REFUSED))
    signed(ledger)
    forged(
        ledger,
        "UPDATE event SET asked = replace(asked, ' refused ', ' granted ')",
        "UPDATE answer SET word = 'granted', rank = at",
    )
    assert [flaw.flaw for flaw in audited(ledger).flaws] == ["facts-altered"]
