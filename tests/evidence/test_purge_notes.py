"""Purges by prefix: the note first, then the records, and nobody chooses one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choosing import answering
from evidence.ledger import audited
from evidence.monitored import APPROVER, RULE
from evidence.purging import BY, DAY, OWN_WORD, START, WITNESSED, Company, KilledError, killing
from informativa.evidence import note_standing, purging
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder, SignedLeaves
from informativa.evidence.note import Signer
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.notes import LogNote, NewLogNote, PurgeNote, RuleNote
from informativa.evidence.read_log import ReadEntry
from informativa.ledgers import expiry, leaves, note_leaves, purge_plan, totals
from informativa.ledgers.sequencer import sequence
from informativa.model import Answer, RecordKind
from informativa.model.plan import Period
from informativa.operations.evidence import audited_notes
from informativa.operations.evidence import verdict as verdicts
from lab.chance import by_day


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """One without witnesses, with a retention of 60 days."""
    made = Company(tmp_path / "acme.sqlite3")
    yield made
    made.store.close()


@pytest.fixture
def witnessed(tmp_path: Path) -> Iterator[Company]:
    """The same with a witness."""
    made = Company(tmp_path / "witnessed.sqlite3", WITNESSED)
    yield made
    made.store.close()


def test_the_first_leaves_go_and_a_note_says_so(company: Company) -> None:
    """The rule stays, and so does the note; the next purge of the same day writes nothing."""
    company.days(100)
    assert company.purge() == 39  # recorded before the minute 60 days ago; the rule is leaf 0
    (note,) = company.notes()
    assert note == PurgeNote("example.org/informativa/acme/box/1", 40, START + 40 * DAY, 0)
    assert company.calls()[0] == 41
    assert company.purge() == 0
    assert company.notes() == [note]
    assert company.require_sound().purged == 39
    company.days(1)
    assert company.purge() == 1
    assert [note.below for note in company.notes()] == [40, 41]
    assert company.require_sound().purged == 40


def test_what_happened_long_ago_and_was_recorded_today_stays(company: Company) -> None:
    """But it informs its caller as long as if it had been recorded then."""
    company.days(70)
    caller = company.call(at=company.now - 100 * DAY, recorded=company.now)
    company.days(1)
    assert company.store.history(caller)
    company.purge()
    assert company.store.history(caller) == {}
    assert any(record.event.pseudonym == caller for record in company.store.records())
    company.require_sound()
    company.days(60)
    company.purge()
    assert not any(record.event.pseudonym == caller for record in company.store.records())
    company.require_sound()


def test_an_answer_of_long_ago_that_was_recorded_today_counts_no_more(company: Company) -> None:
    """Its record stays, as it would if it had been recorded then; the answer to another choice stays too."""
    company.days(70)
    early = answering(Answer.GRANTED, at=company.now - 100 * DAY, recorded=company.now)
    company.store.append([early, answering(Answer.REFUSED, choice="survey", at=company.now)])
    company.purge()
    with company.store.connected() as connection:
        remaining = connection.execute("SELECT choice FROM answer").fetchall()
    assert remaining == [("survey",)]
    assert [record.event.asked.choice for record in company.store.records() if record.event.asked] == [
        "marketing",
        "survey",
    ]
    company.require_sound()


def test_an_old_whole_notice_counts_no_more_after_a_newer_supplement(company: Company) -> None:
    """As it was when the record of the whole notice was deleted."""
    caller = company.call(at=company.now - 100 * DAY)
    company.days(1)
    company.call(pseudonym=caller, supplement=True)
    assert company.store.history(caller)["privacy"].last_complete is not None
    company.purge()
    assert company.store.history(caller)["privacy"].last_complete is None
    company.require_sound()


def test_a_later_leaf_with_an_early_time_waits_for_those_before_it(company: Company) -> None:
    """Nobody can have one record deleted by its time alone."""
    company.days(10)
    company.call(at=START, recorded=START - 900 * DAY)
    company.days(55)
    assert company.purge() == 4
    assert company.calls()[0] == 6
    company.require_sound()


def test_a_rule_set_for_an_hour_deletes_nothing(company: Company) -> None:
    """Neither while it waits, nor within seven days from when it is in effect; the reason is told."""
    company.days(40)
    company.state(replace(OWN_WORD, retention=Period(days=8)))
    for _ in range(13):
        plan = company.plan()
        assert (purge_plan.count(company.store, plan), str(plan.why_less)) == (
            0,
            "Until 2024-02-24 the retention of before counts, because it was shortened.",
        )
        company.days(1)
    company.days(1)
    assert not company.plan().why_less
    assert company.purge() > 40
    company.require_sound()


def test_a_rule_that_is_dated_back_counts_from_when_a_witness_signed_it(witnessed: Company) -> None:
    """Its own time may be any after that of the note before it; so is it judged by others, too."""
    witnessed.days(40, sign=True)
    witnessed.store.keep_rule(replace(WITNESSED, retention=Period(days=8)), START, BY)
    witnessed.days(1, sign=True)
    note = PurgeNote(
        witnessed.store.log().origin, 20, witnessed.now - 9 * DAY, witnessed.store.log().size - 2
    )
    with witnessed.store.connected() as connection:
        read = note_leaves.read_log(
            connection, witnessed.store.log(), Signer(witnessed.store.log().origin, bytes(32)).verifier
        )
    forged = LogNote(read.key.name, read.size, witnessed.now, BY, note)
    logs = {
        note.of: replace(read, size=read.size + 1, entries=[*read.entries, ReadEntry(forged.leaf, forged)])
    }
    published = LogFolder(witnessed.ledger).published(1)
    leaf_times = SignedLeaves(published, published.key())  # type: ignore[arg-type]
    for signed_at, expected in (
        (lambda *_: None, NoteVerdict.HOLDS),
        (lambda _log, *leaf: leaf_times.signed_at(*leaf), NoteVerdict.FLAWED),
    ):
        judged = note_standing.standings(logs, (), lambda *_: 0, signed_at)  # type: ignore[arg-type]
        assert judged[note.of][-1].standing is expected
    for _ in range(13):
        assert witnessed.purge() == 0
        witnessed.days(1, sign=True)
    witnessed.days(1, sign=True)
    assert witnessed.purge() > 30
    witnessed.require_sound()


def test_a_shorter_rule_that_was_taken_back_deletes_nothing(company: Company) -> None:
    """As if nothing had been said."""
    company.days(40)
    company.state(replace(OWN_WORD, retention=Period(days=8)))
    company.now += timedelta(hours=1)
    company.state(OWN_WORD)
    for _ in range(15):
        company.days(1)
        assert company.purge() == 0
    company.require_sound()


def test_without_an_end_nothing_goes(company: Company) -> None:
    """And for seven days after there is one again, nothing either."""
    company.days(100)
    company.state(replace(OWN_WORD, retention=None))
    assert (company.purge(), str(company.plan().why_less)) == (0, "")


def test_a_rule_that_waits_for_its_approval(tmp_path: Path) -> None:
    """The one before counts on, with no day named."""
    approved = replace(OWN_WORD, approver=RULE.approver)
    with closing(Company(tmp_path / "acme.sqlite3", approved).store) as store:
        company = Company.__new__(Company)
        company.ledger, company.store, company.now = store.file, store, START
        company.days(40)
        company.state(replace(approved, retention=Period(days=8)))
        company.days(19)
        assert str(company.plan().why_less) == "The shorter retention waits for its approval."
        assert company.purge() == 0


def test_a_count_before_the_rule_is_written_is_that_of_the_purge(tmp_path: Path) -> None:
    """What `informativa purge` says without --yes."""
    with closing(Company(tmp_path / "acme.sqlite3", None).store) as store:
        company = Company.__new__(Company)
        company.ledger, company.store, company.now = store.file, store, START
        company.days(70)
        assert purge_plan.read(store, company.now) is None
        plan = purge_plan.read(store, company.now, OWN_WORD)
        assert plan is not None
        assert purge_plan.count(store, plan) == 9
        company.state(OWN_WORD)
        assert company.purge() == 9
        company.require_sound()


def test_checkpoints_that_are_sparse_only_delay(witnessed: Company) -> None:
    """Up to the largest that the witness had signed by then."""
    sizes = {}
    for day in range(1, 91):
        witnessed.days(1, sign=day % 20 == 0 or day == 90)
        if day % 20 == 0:
            sizes[day] = witnessed.store.log().size
    assert witnessed.purge() == 20
    assert [note.below for note in witnessed.notes()] == [sizes[20]]
    witnessed.days(9, sign=True)
    assert witnessed.purge() == 0
    witnessed.days(1, sign=True)
    assert witnessed.purge() == 20
    assert [note.below for note in witnessed.notes()] == [sizes[20], sizes[40]]
    witnessed.require_sound()


def test_nothing_goes_without_a_fresh_cosignature(witnessed: Company) -> None:
    """A day old, or of a time to come: then the clock cannot be trusted."""
    witnessed.now += 61 * DAY
    assert str(witnessed.plan().why_less) == "Nothing is deleted now: no witness has signed the log yet."
    witnessed.now = START
    witnessed.days(70, sign=True)
    last = witnessed.now
    for step, flaw in (
        (timedelta(hours=25), "the newest signature of a witness is of 2024-03-11 12:00 UTC."),
        (
            -timedelta(minutes=11),
            "the clock is behind that of a witness, who signed at 2024-03-11 12:00 UTC.",
        ),
    ):
        witnessed.now = last + step
        assert str(witnessed.plan().why_less) == f"Nothing is deleted now: {flaw}"
        assert witnessed.purge() == 0
    witnessed.now = last - timedelta(minutes=9)
    assert witnessed.purge() > 0
    assert witnessed.notes()
    witnessed.require_sound()


def test_several_epochs(witnessed: Company) -> None:
    """Each log has a note of its own in the newest, and an earlier one is purged to its end."""
    witnessed.days(30, sign=True)
    first = witnessed.store.log()
    data = LogFolder(witnessed.ledger).published(1).checkpoint()
    assert data is not None
    ended = NewLogNote((Checkpoint.unverified(data),))
    with witnessed.store.transaction() as transaction, witnessed.store.connected() as connection:
        leaves.begin_another(connection, first)
        transaction.forget_log()
        for content in (ended, WITNESSED):
            note_leaves.append(transaction, connection, content, witnessed.now, BY)
    witnessed.days(60, sign=True)
    assert witnessed.purge() == 30
    witnessed.days(10, sign=True)
    assert witnessed.purge() == 10
    assert [(note.of[-2:], note.below) for note in witnessed.notes()] == [("/1", 31), ("/2", 12)]
    assert witnessed.require_sound(waiting={NoteVerdict.WAITS}).purged == 40


def test_the_last_leaf_of_the_log_before_stays(witnessed: Company) -> None:
    """No witness signed it, so no purge of the next log takes it."""
    witnessed.days(30, sign=True)
    witnessed.days(1)
    end = sequence(witnessed.ledger).checkpoint
    first = witnessed.store.log()
    with witnessed.store.transaction() as transaction, witnessed.store.connected() as connection:
        leaves.begin_another(connection, first)
        transaction.forget_log()
        for content in (NewLogNote((end,)), WITNESSED):
            note_leaves.append(transaction, connection, content, witnessed.now, BY)
    witnessed.days(90, sign=True)
    assert witnessed.purge() == 60
    assert [(note.of[-2:], note.below) for note in witnessed.notes()] == [("/1", 31), ("/2", 32)]
    assert 32 in witnessed.calls()


@pytest.mark.sample(1)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_point_it_is_resumed(
    tmp_path: Path, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before or after any of its transactions the ledger is sound, and the next purge does the rest without
    another note."""
    monkeypatch.setattr(expiry, "PAGE", 4)
    points = 0
    while True:
        company = Company(tmp_path / f"{points}.sqlite3")
        company.days(80)
        own = company.store.transaction
        monkeypatch.setattr(company.store, "transaction", killing(own, points, after=after))
        try:
            expiry.purge_by_rules(company.store, company.plan(), company.now, BY)
            is_over = True
        except KilledError:
            is_over = False
        monkeypatch.setattr(company.store, "transaction", own)
        purged = 80 - len(company.calls())
        noted = [note.below for note in company.notes()]
        assert noted == ([] if points == 0 and not after else [20])
        assert not purged or noted
        counts = company.require_sound()
        assert counts.purged == purged
        assert counts.waiting == (19 - purged if noted else 0)
        company.purge()
        assert (len(company.notes()), 80 - len(company.calls())) == (1, 19)
        assert company.require_sound().waiting == 0
        company.store.close()
        if is_over:
            break
        points += 1
    assert points >= 6


PURGE = """
import contextlib, sys
from datetime import timedelta
from evidence.purging import Company, START
from informativa.ledgers import expiry, purge_plan
from informativa.ledgers.sqlite import SqliteStore
from informativa.evidence.note_values import NoteSource
expiry.PAGE = 5
store = SqliteStore(sys.argv[1])
own = store.transaction
@contextlib.contextmanager
def transaction():
    sys.stdin.buffer.read(1)
    with own() as opened:
        yield opened
    print("done", flush=True)
store.transaction = transaction
now = START + timedelta(days=160)
expiry.purge_by_rules(store, purge_plan.read(store, now), now, NoteSource.SERVICE)
"""


@pytest.mark.slow
def test_i3_a_purge_that_is_killed_leaves_no_record_gone_without_a_note(tmp_path: Path) -> None:
    """With SIGKILL, from after the note to the last page."""
    for turn in range(1, 6, by_day(3, at_night=1)):
        company = Company(tmp_path / f"{turn}.sqlite3")
        company.days(160)
        tests = str(Path(__file__).parent.parent)
        purging_process = subprocess.Popen(
            [sys.executable, "-c", PURGE, str(company.ledger)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": tests},
        )
        assert purging_process.stdin
        assert purging_process.stdout
        purging_process.stdin.write(b"." * turn)
        purging_process.stdin.flush()
        for _ in range(turn):
            assert purging_process.stdout.readline() == b"done\n"
        purging_process.kill()
        purging_process.wait()
        purging_process.stdin.close(), purging_process.stdout.close()
        assert [note.below for note in company.notes()] == [100]
        counts = company.require_sound()
        assert (counts.purged, counts.waiting) == (5 * (turn - 1), 99 - 5 * (turn - 1))
        company.purge()
        assert (len(company.notes()), company.require_sound().purged) == (1, 99)
        company.store.close()


def test_a_note_that_came_meanwhile_has_the_plan_made_anew(company: Company) -> None:
    """As when the configuration was reloaded with a longer retention."""
    company.days(100)
    plan = company.plan()
    company.state(replace(OWN_WORD, retention=Period(days=90)))
    assert expiry.purge_by_rules(company.store, plan, company.now, BY) == 9
    assert [note.rule for note in company.notes()] == [company.store.log().size - 2]
    company.require_sound()


def test_counters_and_access_log_heads_stay(company: Company) -> None:
    """They hold nobody's data."""
    company.days(2)
    totals.keep(company.store, company.now, UTC, ends=True)
    company.days(80)
    company.purge()
    kinds = {record.event.kind for record in company.store.records()}
    assert kinds == {RecordKind.RULE, RecordKind.PURGE, RecordKind.TOTALS, RecordKind.PHONE}
    assert company.require_sound().waiting == 0


@given(
    times=st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=30),
    latest=st.integers(-1, 31),
)
def test_the_largest_size_is_that_of_a_search_through_all(times: list[int | None], latest: int) -> None:
    """Of checkpoints that were signed one after the other, or by nobody."""
    ordered = iter(sorted(time for time in times if time is not None))
    in_order = [None if time is None else next(ordered) for time in times]
    sizes = [10 * place for place in range(1, len(times) + 1)]
    by_size = dict(zip(sizes, in_order, strict=True))
    fitting = [size for size, time in by_size.items() if time is not None and time <= latest]
    assert purging.cosigned_size(sizes, by_size.__getitem__, latest) == max(fitting, default=0)


@settings(max_examples=by_day(8, at_night=25), deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["call", "import", "sign", "purge", "days", "8 days", "60 days"])),
        min_size=10,
        max_size=40,
    ),
    witness=st.booleans(),
)
def test_whatever_is_done_it_is_sound(
    steps: list[tuple[str]], witness: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And no record is deleted before its retention is over."""
    folder = tmp_path_factory.mktemp("purge")
    company = Company(folder / "acme.sqlite3", WITNESSED if witness else OWN_WORD)
    shortest = 60 * DAY
    for (step,) in steps:
        if step == "call":
            company.call()
        elif step == "import":
            company.call(at=company.now - 70 * DAY)
        elif step == "sign":
            company.sign()
        elif step == "days":
            company.now += 15 * DAY
            company.call()
        elif step == "purge":
            before = {record.number: record.event for record in company.store.records()}
            company.purge()
            left = {record.number for record in company.store.records()}
            for number in before.keys() - left:
                recorded = before[number].recorded or before[number].at
                assert recorded <= company.now - shortest
        else:
            shortest = min(shortest, int(step.split()[0]) * DAY)
            company.state(
                replace(WITNESSED if witness else OWN_WORD, retention=Period(days=int(step.split()[0])))
            )
    company.require_sound()
    company.store.close()


PROCESSORS = replace(OWN_WORD, processor=True)


@pytest.mark.parametrize(
    ("rule", "days", "purged", "why_less", "doubt", "verdict"),
    [
        (OWN_WORD, 6, 45, "Until 2024-04-24", "", "accounted"),
        (OWN_WORD, 14, 103, "", "", "accounted"),
        (PROCESSORS, 6, 45, "Until 2024-04-24", "", "accounted"),
        (PROCESSORS, 13, 52, "Until 2024-04-24", "", "accounted"),
        (PROCESSORS, 14, 103, "", "Nobody is known who approves", "gaps"),
        (replace(PROCESSORS, approver=APPROVER.verifier), 14, 53, "waits for its approval", "", "accounted"),
    ],
)
def test_what_a_shortened_retention_deletes(
    tmp_path: Path, rule: RuleNote, days: int, purged: int, why_less: str, doubt: str, verdict: str
) -> None:
    """Fourteen days after 60 days became ten. Where nobody could approve that, the purge says that it leaves
    a gap, the audit calls it one, with the remedy, and what the 60 days allowed is none."""
    company = Company(tmp_path / "acme.sqlite3", rule)
    company.days(100)
    company.state(replace(rule, retention=Period(days=10)))
    company.days(days)
    plan = company.plan()
    assert (why_less in str(plan.why_less), doubt in str(plan.doubt)) == (True, True)
    assert (bool(plan.why_less), bool(plan.doubt)) == (bool(why_less), bool(doubt))
    assert company.purge() == purged
    company.sign()
    key = LogFolder(company.ledger).published(1).key()
    assert key is not None
    result = audited(company.ledger, key)
    standings = audited_notes.judged(result.logs, LogFolder(company.ledger), ())
    holes = verdicts.holes(result, standings)
    assert verdicts.verdict(result, holes) == verdict
    assert [("name an approver" in str(hole.flaw), hole.is_accounted) for hole in holes] == [
        (bool(doubt), not doubt)
    ] * len(holes)
    company.store.close()
