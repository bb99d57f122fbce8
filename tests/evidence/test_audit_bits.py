"""I7: any bit of a ledger's file, and any earlier state of it that is put back, by chance."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from evidence.ledger import TABLES, Busy, harmless, of, signed
from informativa.ledgers import audit_log
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import InformativaError
from lab.chance import by_day

Rows = dict[tuple[object, ...], dict[str, object]]


def rows(ledger: Path) -> dict[str, Rows]:
    """All that a ledger says of records, read without any index. To SQLite names are the same in any case."""
    rows_by_table = {}
    with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        for table, key in TABLES.items():
            listed = [
                {name.lower(): row[name] for name in row.keys()}  # noqa: SIM118  # no dict
                for row in connection.execute(f"SELECT * FROM {table} NOT INDEXED")
            ]
            rows_by_table[table] = {tuple(row[name] for name in key): row for row in listed}
    return rows_by_table


def matters(table: str, old: Rows, new: Rows) -> bool:
    """Return whether any change between the two states is one that may not go unseen."""
    if old.keys() != new.keys():
        return True
    return any(
        not harmless(table, old[key], column, new[key].get(column))
        for key in old
        for column in old[key]
        if (type(old[key][column]), old[key][column]) != (type(new[key].get(column)), new[key].get(column))
    )


class Flipped:
    """A ledger of which one bit after the other is changed."""

    def __init__(self, attacked: Busy) -> None:
        with closing(sqlite3.connect(attacked.ledger)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        self.attacked, self.data, self.original = (
            attacked,
            attacked.ledger.read_bytes(),
            rows(attacked.ledger),
        )
        self.tried = 0

    def is_detected(self, at: int, bit: int) -> bool:
        """Flip a bit, and return whether the audit finds it, if it matters."""
        self.attacked.ledger.write_bytes(
            self.data[:at] + bytes([self.data[at] ^ 1 << bit]) + self.data[at + 1 :]
        )
        try:
            now = rows(self.attacked.ledger)
            changed = any(matters(table, self.original[table], now[table]) for table in TABLES)
        except (sqlite3.Error, ValueError, KeyError):  # KeyError: a column has another name
            changed = True
        if not changed:
            return True
        self.tried += 1
        try:
            return not self.attacked.audit().is_sound
        except InformativaError:
            return True

    def sound(self) -> bool:
        """Restore the file, and return whether the audit finds nothing."""
        self.attacked.ledger.write_bytes(self.data)
        return self.attacked.audit().is_sound


@pytest.mark.slow
def test_i7_any_bit_of_the_file_that_matters_is_found(
    attacked: Busy,
    chance: random.Random,
    rounds: Callable[[int, int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I7: where the tables can be read and say something else, or cannot be read, the audit finds it, or
    cannot read them either."""
    monkeypatch.setattr(audit_log, "FAR", 1000)
    ledger = Flipped(attacked)
    for _ in range(rounds(300, 20_000)):
        at, bit = chance.randrange(len(ledger.data)), chance.randrange(8)
        assert ledger.is_detected(at, bit), (at, bit)
    assert ledger.sound()
    assert ledger.tried > 10


@pytest.mark.slow
def test_i7_any_bit_of_how_long_a_row_of_the_history_is_matters_and_is_found(
    attacked: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I7: also that of a row which says no more than its record, and which nobody looks into therefore."""
    monkeypatch.setattr(audit_log, "FAR", 1000)
    ledger = Flipped(attacked)
    with closing(sqlite3.connect(attacked.ledger)) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'standing'"
        )
    rows = [*ledger.original["standing"]][: by_day(1, at_night=100)]
    for pseudonym, *_ in rows:
        row = ledger.data.index(pseudonym, (page - 1) * size, page * size)
        for at in range(row - 11, row):  # its length, that of its header, nine columns
            for bit in range(8):
                assert ledger.is_detected(at, bit), (at, bit)
    assert ledger.sound()
    assert ledger.tried > 60 * len(rows)


def test_i7_any_earlier_state_that_is_put_back_is_found(
    tmp_path: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I7: however much was taken back, and however many records came after that."""
    ledger, copies = tmp_path / "acme.sqlite3", list[Path]()
    for step in range(rounds(8, 40)):
        with closing(SqliteStore(str(ledger))) as store:
            store.append([of(chance.randrange(10)) for _ in range(chance.randint(1, 60))])
        key = signed(ledger)
        copies.append(Path(shutil.copy(ledger, tmp_path / f"copy-{step}")))
    assert Busy(ledger, key).audit().is_sound
    for copy in copies[:-1]:
        shutil.copy(copy, ledger)
        if more := chance.choice([0, 1, chance.randint(2, 500)]):
            with closing(SqliteStore(str(ledger))) as store:
                store.append([of(chance.randrange(10)) for _ in range(more)])
        audit_result = Busy(ledger, key).audit()
        assert {str(finding.flaw) for finding in audit_result.flaws} <= {"truncated", "leaf-altered"}
        assert audit_result.flaws
    shutil.copy(copies[-1], ledger)
    assert Busy(ledger, key).audit().is_sound
