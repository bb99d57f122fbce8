"""Purges where no witness is named, and an authority stamps the checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.logs import configured
from evidence.purging import BY, DAY, WITNESSED, Company
from evidence.timestamping import Authority, authority
from examples import PLAYED
from informativa.config import load
from informativa.evidence import timestamp
from informativa.evidence.log_folder import LogFolder, PublishedLog
from informativa.evidence.notes import PurgeNote
from informativa.ledgers import expiry, note_leaves, purge_plan
from informativa.ledgers.purge_plan import PurgePlan
from informativa.model import Controller, Verdict
from informativa.model.errors import EvidenceError
from informativa.operations.evidence import auditing, logs
from informativa.process import log_storage, publication, storage


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """One for all tests."""
    with authority(tmp_path_factory.mktemp("tsa") / "own") as stamping_authority:
        yield stamping_authority


@pytest.fixture
def company(tmp_path: Path, tsa: Authority) -> Iterator[Company]:
    """Nine calls of now, whose checkpoint is stamped; then three more, which say that they are older."""
    made = Company(tmp_path / "acme.sqlite3")
    made.now = datetime.now(UTC)
    for _ in range(9):
        made.call()
    stamp(made, tsa)
    made.now -= DAY
    for _ in range(3):
        made.call()
    made.now += 61 * DAY + timedelta(hours=1)
    yield made
    made.store.close()


def published(company: Company) -> PublishedLog:
    """The first log."""
    return LogFolder(company.ledger).published(1)


def stamp(company: Company, tsa: Authority) -> int:
    """Sign what is there, and have it stamped now; the size."""
    size, log = company.sign(), published(company)
    key = log.key()
    assert key is not None
    data = timestamp.stamped_bytes(log.checkpoint_of(size) or b"", key)
    log.put_timestamp(size, timestamp.stamp(data, tsa.settings).data)
    return size


def plan(company: Company, roots: str) -> PurgePlan:
    """The plan of a purge now."""
    read = purge_plan.read(company.store, company.now, stamp_roots=roots)
    assert read is not None
    return read


def below(company: Company, roots: str) -> int:
    """Return how many leaves a purge takes."""
    (prefix,) = plan(company, roots).prefixes
    return prefix.below


def test_what_was_stamped_in_time_goes_and_no_more(company: Company, tsa: Authority) -> None:
    """Without the authority all that says that it is old enough; with it what was there by then."""
    assert below(company, "") == 13
    assert below(company, tsa.settings.certificates) == 10
    expiry.purge_by_rules(company.store, plan(company, tsa.settings.certificates), company.now, BY)
    assert [note.below for note in company.notes()] == [10]
    assert company.require_sound().purged == 9
    company.now += DAY
    assert below(company, tsa.settings.certificates) == 10
    stamp(company, tsa)
    assert below(company, tsa.settings.certificates) == 14


def test_before_any_stamp_is_old_enough_the_records_decide(tmp_path: Path, tsa: Authority) -> None:
    """Else a company that begins with time-stamps could delete nothing for as long as it keeps records."""
    company = Company(tmp_path / "old.sqlite3")
    company.days(90)
    stamp(company, tsa)
    assert below(company, tsa.settings.certificates) == below(company, "") == 30
    company.store.close()


def test_only_a_stamp_that_holds_counts(company: Company, tsa: Authority, tmp_path: Path) -> None:
    """Not one of another checkpoint, of something else in its place, or of an authority that is not ours."""
    size, log = company.sign(), published(company)
    roots = tsa.settings.certificates
    log.put_timestamp(size, dict(log.timestamps())[10])
    assert below(company, roots) == 10
    file = log.folder / f"checkpoints/{size}"
    file.write_bytes(log.checkpoint_of(10) or b"")
    assert below(company, roots) == 10
    file.unlink()
    assert below(company, roots) == 10
    with authority(tmp_path / "other") as other:
        assert below(company, other.settings.certificates) == below(company, "") == 13
    with pytest.raises(EvidenceError, match=r"none\.pem"):
        plan(company, str(tmp_path / "none.pem"))


def test_a_note_that_came_meanwhile_changes_no_authority(company: Company, tsa: Authority) -> None:
    """The plan that is made anew goes by the time-stamps, too."""
    before = plan(company, tsa.settings.certificates)
    with company.store.transaction() as transaction, company.store.connected() as connection:
        other = PurgeNote(company.store.log().origin, 2, before.cutoff or company.now, before.rule)
        note_leaves.append(transaction, connection, other, company.now, BY)
    assert expiry.purge_by_rules(company.store, before, company.now, BY) == 9
    assert [note.below for note in company.notes()] == [2, 10]


def test_where_a_witness_is_named_it_alone_counts(tmp_path: Path, tsa: Authority) -> None:
    """Whoever follows the log has no authority's roots."""
    company = Company(tmp_path / "acme.sqlite3", WITNESSED)
    company.now = datetime.now(UTC)
    company.call()
    stamp(company, tsa)
    log, key = published(company), published(company).key()
    assert key is not None
    log.put_checkpoint(2, timestamp.stamped_bytes(log.checkpoint_of(2) or b"", key))
    company.now += 70 * DAY
    company.call()
    company.sign()
    assert below(company, tsa.settings.certificates) == 0
    company.store.close()


@pytest.fixture
def acme(folder: Path, tsa: Authority) -> Controller:
    """A controller whose configuration names the authority, with one record, signed and stamped."""
    settings = f"{{url: '{tsa.settings.url}', certificates: {tsa.settings.certificates}}}"
    controller = configured(folder, f"timestamp: {settings}")
    record(controller)
    logs.checkpoint(controller)
    publish(controller)
    return controller


def publish(controller: Controller) -> list[tuple[int, bool]]:
    """Have what is signed stamped; the size and the success, by log."""
    settings = load(Path(controller.ledger).parents[1] / "informativa.yaml").evidence
    publications = publication.publish(controller, settings, datetime.now(UTC))
    return [(log.stamp.size, log.stamp.error is None) for log in publications if log.stamp]


def record(controller: Controller) -> None:
    """Record one more, now."""
    with closing(storage.store(controller)) as store:
        store.append([replace(PLAYED, recorded=datetime.now(UTC))])


@pytest.mark.parametrize(("by_configuration", "remarks"), [(True, 0), (False, 1)])
def test_an_audit_says_what_no_stamp_bears_out(
    folder: Path, acme: Controller, by_configuration: bool, remarks: int
) -> None:
    """A purge by the configuration goes by the stamps; one beyond them is the company's own word, said so."""
    record(acme)
    assert acme.retention is not None
    later = acme.retention.after(datetime.now(UTC), UTC) + DAY
    with closing(storage.store(acme)) as store:
        by_stamps = log_storage.purge_plan(acme, store, later)
        assert by_stamps is not None
        assert [prefix.below for prefix in by_stamps.prefixes] == [2]
        by_own_word = purge_plan.read(store, later)
        assert by_own_word is not None
        assert expiry.purge_by_rules(store, by_stamps if by_configuration else by_own_word, later, BY) == (
            1 if by_configuration else 2
        )
    logs.checkpoint(acme)
    settings = load(folder / "informativa.yaml").evidence
    audited = auditing.audit(acme, settings=settings)
    own_word = [str(remark) for remark in audited.remarks if "own word" in str(remark)]
    assert (audited.verdict, len(own_word)) == (Verdict.ACCOUNTED, remarks)
    assert not remarks or own_word[0].startswith("1 purge stands by the company's own word: no time-stamp")


def test_the_end_of_a_log_is_stamped_at_once(acme: Controller) -> None:
    """Nobody stamps it later: its last records could never be purged."""
    record(acme)
    assert logs.change_key(acme, datetime.now(UTC)) is None
    folder = LogFolder(Path(acme.ledger))
    end = folder.published(1).sizes()[-1]
    assert publish(acme)[0] == (end, True)
    assert [size for size, _stamp in folder.published(1).timestamps()] == [2, end]
    assert len(publish(acme)) == 1
