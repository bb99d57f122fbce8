"""A ledger that is damaged or cut off: calls fall back, and whoever asks is told so, with what mends it."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from commands import typed
from examples import NOTDUE, PLAYED
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.write_check import try_writing
from informativa.model.errors import LedgerError
from informativa.model.ports import LedgerTransaction
from informativa.operations.doctor import examination
from informativa.operations.doctor.checks import CHECKS

RESTORE = "informativa ledger restore COPY --controller NAME"


def dry_run(transaction: LedgerTransaction) -> None:
    """Try whether calls could be decided, as the service does when it is asked."""
    transaction.dry_run()


@pytest.fixture(scope="module")
def sound_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 900 callers, all of it in the file."""
    file = tmp_path_factory.mktemp("whole") / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append(
            [replace(PLAYED, pseudonym=random.randbytes(32), call=f"1.{n}", linked="") for n in range(900)]
        )
        store.empty_log(0)
    return file


def pages(file: Path) -> dict[str, int]:
    """The first page of each table and index, from 1 on."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return dict(
            connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
        )


def overwrite(file: Path, page: int) -> None:
    """Another program writes over one page (4,096 bytes)."""
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(os.urandom(4096))


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ["event", "standing", "leaf", "log", "event_reference", "event_call"])
def test_damaged_page_is_told_with_what_mends_it(folder: Path, sound_ledger: Path, name: str) -> None:
    """Whichever it is: `check` and `doctor` say that the ledger is damaged, and which command mends it."""
    ledger = folder / "ledger/acme.sqlite3"
    ledger.parent.mkdir(exist_ok=True)
    shutil.copy(sound_ledger, ledger)
    damage_checks = [check for check in CHECKS if check.id == "damage"]
    _system, damaged = asyncio.run(examination.run_checks(folder / "informativa.yaml", damage_checks))
    assert [str(finding.finding) for finding in damaged] == ["1 ledger is whole"]
    overwrite(ledger, pages(ledger)[name])
    _system, repaired = asyncio.run(examination.run_checks(folder / "informativa.yaml", damage_checks))
    (finding,) = repaired
    assert finding.state == "wrong"
    assert "informativa ledger restore COPY --controller" in str(finding.fix)
    assert typed("check", "-c", folder / "informativa.yaml")[0] == 1


@pytest.mark.parametrize("name", ["event", "standing", "number_use", "leaf", "log"])
def test_dry_run_finds_what_no_call_could_do(tmp_path: Path, sound_ledger: Path, name: str) -> None:
    """In the service's own way, and as another user tries it; of a whole one nothing is found or left."""
    file = tmp_path / "acme.sqlite3"
    shutil.copy(sound_ledger, file)
    records = list(storage_of(file))
    try_writing(file)
    with closing(GroupCommitLedger(str(file))) as ledger:
        asyncio.run(ledger.transact(dry_run))
        assert asyncio.run(ledger.append(PLAYED)) == 901
    assert [record.event for record in storage_of(file)] == [*(record.event for record in records), PLAYED]
    with closing(SqliteStore(str(file))) as store:
        store.empty_log(0)
    overwrite(file, pages(file)[name])
    with pytest.raises(LedgerError, match=RESTORE):
        try_writing(file)
    with closing(SqliteStore(str(file), create=False)) as store, pytest.raises(LedgerError, match=RESTORE):
        store.transact([dry_run])


def test_dry_run_reads_all_pages_of_callers(tmp_path: Path, sound_ledger: Path) -> None:
    """A call reads the page that has its caller; a dry run finds the damage of any one."""
    content, page = sound_ledger.read_bytes(), pages(sound_ledger)["standing"]
    root = content[(page - 1) * 4096 : page * 4096]  # of an index, whose cells begin with a page: 2, here
    count = int.from_bytes(root[3:5], "big")
    places = [int.from_bytes(root[at : at + 2], "big") for at in range(12, 12 + 2 * count, 2)]
    children = [int.from_bytes(root[place : place + 4], "big") for place in (*places, 8)]
    assert (root[0], len(children) > 10) == (2, True)
    for number, child in enumerate(children):
        file = tmp_path / f"{number}.sqlite3"
        shutil.copy(sound_ledger, file)
        overwrite(file, child)
        with pytest.raises(LedgerError, match=RESTORE):
            try_writing(file)


def storage_of(file: Path) -> Iterator[object]:
    """All its records."""
    with closing(SqliteStore(str(file), read_only=True)) as store:
        yield from store.records()


def test_i3_nothing_is_acknowledged_into_a_ledger_that_was_cut_off(
    tmp_path: Path, sound_ledger: Path
) -> None:
    """The next call is told that it is not on record, and so is each after it."""
    file = tmp_path / "acme.sqlite3"
    shutil.copy(sound_ledger, file)
    with closing(SqliteStore(str(file))) as store:
        store.append([PLAYED])
        os.truncate(file, 8 * 4096)
        for _ in range(2):
            with pytest.raises(
                LedgerError, match=r"was cut off while in use: it had \d+ bytes, and has 32768"
            ):
                store.append([PLAYED])


def test_ledger_that_is_written_anew_is_not_taken_for_one_that_was_cut_off(tmp_path: Path) -> None:
    """An erasure rewrites it, here or in another process, and it grows again afterwards."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store, closing(SqliteStore(str(file))) as other:
        store.append([replace(NOTDUE, call=f"1.{n}" * 30) for n in range(900)])
        store.empty_log(0)
        store.append([PLAYED])
        size = file.stat().st_size
        with other.connected() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("DELETE FROM event WHERE record < 900")
            connection.execute("VACUUM")
        other.empty_log(0)
        assert file.stat().st_size < size
        assert store.append([PLAYED]) == [902]
        assert store.append([PLAYED] * 2000)[-1] == 2902
