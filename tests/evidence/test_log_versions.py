"""A ledger with its log that an earlier informativa wrote, kept as files, which goes on in version 2."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from evidence.ledger import V1_KEY, Busy, audited, forged, of, signed
from examples import AT
from informativa.evidence.entries import EntryKind, recognised
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import expiry, migrating
from informativa.ledgers.audit_log import AuditedLog
from informativa.ledgers.erasure import erase
from informativa.ledgers.restoring import restore
from informativa.ledgers.sqlite import SqliteStore

OLD = 25  # leaves of version 1


def gone_on(earlier: Busy) -> AuditedLog:
    """The audit after the ledger was migrated, and got two more records."""
    with closing(SqliteStore(str(earlier.ledger))) as store:
        assert store.schema() == (migrating.newest(), migrating.newest())
        store.append([of(1), of(8)])
    assert signed(earlier.ledger) == V1_KEY
    return audited(earlier.ledger, V1_KEY)


def kinds(ledger: Path, size: int) -> list[EntryKind]:
    """The kinds of the published entries."""
    log = LogFolder(ledger).published(1)
    return [recognised(log.entry(index, size)) for index in range(size)]


def test_log_goes_on_in_version_2(earlier: Busy) -> None:
    """Its leaves stay as they were signed, and all of them open; new ones are of version 2."""
    result = gone_on(earlier)
    assert (result.is_sound, result.signed, result.log.v2_from) == (True, 27, 25)
    expected = [EntryKind.RECORD_V1] * OLD + [EntryKind.RECORD_V2] * 2
    assert kinds(earlier.ledger, 27) == expected
    with closing(SqliteStore(str(earlier.ledger))) as store:
        versions = [leaf.version for leaf, _record in store.leaves_of_period(0, 27)]
    assert versions == [1] * (len(versions) - 2) + [2, 2]


def test_migration_alone_changes_nothing_that_is_signed(earlier: Busy) -> None:
    """The same checkpoint holds before and after."""
    with closing(SqliteStore(str(earlier.ledger))):
        pass
    result = audited(earlier.ledger, V1_KEY)
    assert (result.is_sound, result.signed) == (True, OLD)


@pytest.mark.parametrize(
    ("leaf", "statement", "flaw"),
    [
        (18, "UPDATE event SET status = 'FAILED' WHERE record = 19", "facts-altered"),
        (18, "UPDATE event SET key = '7' WHERE record = 19", "person-altered"),
        (18, "UPDATE leaf SET opening = zeroblob(32) WHERE leaf = 18", "person-altered"),
        (26, "UPDATE event SET status = 'FAILED' WHERE record = 27", "facts-altered"),
        (26, "UPDATE leaf SET opening = NULL WHERE leaf = 26", "person-altered"),
        (26, "UPDATE leaf SET opening = zeroblob(32) WHERE leaf = 26", "person-altered"),
        (26, "UPDATE leaf SET opening = x'' WHERE leaf = 26", "leaf-altered"),
    ],
)
def test_i7_change_is_named_in_both_versions(earlier: Busy, leaf: int, statement: str, flaw: str) -> None:
    """I7: as in a log of one version."""
    assert gone_on(earlier).is_sound
    forged(earlier.ledger, statement)
    assert {(named.leaf, named.flaw.value) for named in audited(earlier.ledger, V1_KEY).flaws} == {
        (leaf, flaw)
    }


@pytest.mark.parametrize(("start", "named"), [(24, {24}), (26, {25}), (0, set(range(OLD))), (99, {25, 26})])
def test_i7_another_beginning_of_version_2_is_named(earlier: Busy, start: int, named: set[int]) -> None:
    """I7: each leaf between the true one and the other is not as it was published."""
    assert gone_on(earlier).is_sound
    forged(earlier.ledger, f"UPDATE log SET v2_from = {start}")
    flaws = audited(earlier.ledger, V1_KEY).flaws
    assert {flaw.leaf for flaw in flaws if flaw.flaw == "leaf-altered"} == named


def test_erasure_and_purge_reach_both_versions(earlier: Busy) -> None:
    """What leads to the caller goes with its salts, and the log holds."""
    gone_on(earlier)
    erase(earlier.ledger, [of(1).pseudonym, of(8).pseudonym], AT)  # type: ignore[list-item]
    with closing(SqliteStore(str(earlier.ledger))) as store:
        assert expiry.purge(store, AT - timedelta(days=1), AT) > 0
        leaves = [leaf for leaf, record in store.leaves_of_period(0, 27) if record.event.erased]
    assert {leaf.version for leaf in leaves} == {1, 2}
    assert all(leaf.salt_who is leaf.binding is leaf.opening is None for leaf in leaves)
    signed(earlier.ledger)
    assert audited(earlier.ledger, V1_KEY).is_sound


def test_restored_ledger_of_version_1_goes_on_after_its_lost_leaves(earlier: Busy, tmp_path: Path) -> None:
    """A copy from before the migration is put back; what was published since counts as lost."""
    copy = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(earlier.ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    forged(copy, "DELETE FROM event WHERE record > 24", "DELETE FROM leaf WHERE leaf > 23")
    gone_on(earlier)
    result = restore(earlier.ledger, copy, AT)
    assert (result.lost, result.epoch) == (3, 1)
    signed(earlier.ledger)
    audit = audited(earlier.ledger, V1_KEY)
    assert audit.flaws == audit.problems == ()  # its history has more than the copy's records
    assert (audit.counted.lost, audit.log.v2_from) == (3, OLD)
    assert kinds(earlier.ledger, 28)[24:] == [EntryKind.RECORD_V1] + [EntryKind.RECORD_V2] * 3
