"""The private lists of erasures, which go when nobody needs them any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.ledger import audited
from evidence.monitored import WITNESS
from evidence.noted import APPROVER
from evidence.purging import BY, OWN_WORD, WITNESSED, Company, KilledError, killing
from evidence.ruled import company as owner
from informativa.evidence import approval
from informativa.evidence.approval import Approval, LeafIdentity
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule
from informativa.evidence.notes import ApprovalNote, ErasureNote, PurgeNote, RuleNote
from informativa.ledgers import erasure, expiry, note_leaves
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.restoring import restore
from informativa.ledgers.sequencer import begin_epoch
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError

EACH = replace(OWN_WORD, approver=APPROVER.verifier, erasures=ErasureRule.EACH)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """One with a retention of 60 days."""
    made = Company(tmp_path / "acme.sqlite3")
    yield made
    made.store.close()


def lists(company: Company) -> list[tuple[int, int]]:
    """The lists that are there."""
    return LogFolder(company.ledger).private_lists()


def erased(company: Company) -> tuple[bytes, Path]:
    """A caller who is erased ten days after his call, with other calls between; and a backup from before."""
    caller = company.call()
    company.days(10, sign=True)
    copy = company.ledger.with_name("monday.backup")
    with closing(sqlite3.connect(company.ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    erasure.erase(company.ledger, [caller], company.now)
    company.sign()
    return caller, copy


def remarks(company: Company) -> tuple[str, ...]:
    """Return what an audit remarks."""
    keys = [key] if (key := LogFolder(company.ledger).published(1).key()) else []
    return tuple(map(str, audited(company.ledger, *keys).remarks))


def restored(company: Company, copy: Path, rule: RuleNote = OWN_WORD) -> None:
    """Put the backup in the ledger's place."""
    company.store.close()
    restore(company.ledger, copy, company.now, owner(rule), "DPO-1")
    company.store = SqliteStore(str(company.ledger))


@pytest.mark.parametrize("survivor", [True, False], ids=["ledger", "no ledger"])
def test_i9_a_list_goes_when_all_before_its_note_is_purged(company: Company, survivor: bool) -> None:
    """I9: the next purge after the note of the purge was signed deletes it; a restore of a backup from before
    the erasure asks for no list, and has nobody."""
    caller, copy = erased(company)
    company.days(69)
    assert company.purge() == 11 + 8
    assert lists(company) == [(1, 12)]  # nobody else knows of this purge yet
    company.sign()
    assert company.purge() == 0
    assert (lists(company), remarks(company)) == ([], ())
    assert company.require_sound() == RecordCounts(whole=61 + 3, purged=11 + 8)
    company.store.close()
    if not survivor:
        company.ledger.unlink()
    restored(company, copy)
    assert company.store.history(caller) == {}
    assert caller not in company.ledger.read_bytes()
    assert company.calls() == []
    assert remarks(company) == ()


def test_a_list_stays_while_a_record_before_its_note_may_come_back(company: Company) -> None:
    """Though all that it names is purged: whether that is so, nobody could say without it."""
    _caller, copy = erased(company)
    company.days(60)
    assert company.purge() == 10
    company.sign()
    assert company.purge() == 0
    assert lists(company) == [(1, 12)]
    LogFolder(company.ledger).drop_private_list(1, 12)
    (remark,) = remarks(company)
    assert "1-12 of the erasure in leaf 12" in remark
    with pytest.raises(LedgerError, match="1-12"):
        restored(company, copy)


def test_a_list_stays_for_whoever_approves(tmp_path: Path) -> None:
    """As long as the note waits, also if what it names is purged; it goes when the approval is there."""
    company = Company(tmp_path / "each.sqlite3", EACH)
    (rule,) = company.store.log_notes()
    approve(company, rule.leaf)
    erased(company)
    company.days(80)
    company.purge()
    company.sign()
    company.purge()
    (index,) = [index for _epoch, index in lists(company)]
    (waiting,) = [note for note in company.store.log_notes() if isinstance(note.content, ErasureNote)]
    assert waiting.index == index
    approve(company, waiting.leaf)
    company.purge()
    assert lists(company) == []
    company.store.close()


def approve(company: Company, leaf: LeafIdentity) -> None:
    """Write the approval of a note."""
    word = approval.sign(Approval.of(int(company.now.timestamp()), [leaf]), APPROVER)
    with company.store.transaction() as transaction, company.store.connected() as connection:
        note_leaves.append(transaction, connection, ApprovalNote(word), company.now, BY)


def test_a_false_purge_note_makes_no_list_useless(company: Company) -> None:
    """One that goes beyond the retention: what it says is not done by anybody's right."""
    erased(company)
    with company.store.transaction() as transaction, company.store.connected() as connection:
        false = PurgeNote(company.store.log().origin, 13, company.now, 0)
        note_leaves.append(transaction, connection, false, company.now, BY)
    company.sign()
    assert company.purge() == 11
    assert lists(company) == [(1, 12)]


def test_a_list_goes_after_an_interrupted_purge(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The purge that resumes it deletes it, if the note was signed meanwhile."""
    erased(company)
    company.days(80)
    own = company.store.transaction
    monkeypatch.setattr(company.store, "transaction", killing(own, 0, after=True))
    with pytest.raises(KilledError):
        expiry.purge_by_rules(company.store, company.plan(), company.now, BY)
    monkeypatch.setattr(company.store, "transaction", own)
    company.sign()
    assert lists(company) == [(1, 12)]
    assert company.purge() == 11 + 19
    assert lists(company) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("cosigned", [True, False])
def test_the_list_of_a_record_in_the_log_before(tmp_path: Path, cosigned: bool) -> None:
    """It goes when that log is purged to its end, which needs a witness's signature there."""
    company = Company(tmp_path / "acme.sqlite3", WITNESSED)
    company.days(5, sign=True)
    caller = company.call()
    begin_epoch(company.ledger, company.now)
    if cosigned:
        published = LogFolder(company.ledger).published(1)
        size, data = published.sizes()[-1], published.checkpoint() or b""
        text = data.decode().partition("\n\n")[0] + "\n"
        line = WITNESS.cosign(text, int(company.now.timestamp())).line
        published.put_checkpoint(size, data + line.encode())
    company.store.close()
    company.store = SqliteStore(str(company.ledger))
    company.days(5, sign=True)
    erasure.erase(company.ledger, [caller], company.now)
    company.days(80, sign=True)
    company.purge()
    company.sign()
    assert company.purge() == 0
    assert len(lists(company)) == (not cosigned)
    company.store.close()
