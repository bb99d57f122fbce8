"""Records as rows of the database, and the statements for those of one company. No connection here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..ledgers import rows
from ..model import Record
from . import schema

COLUMNS = [name.strip() for name in rows.SHARED_COLUMNS.split(",")]
LISTED = ", ".join(COLUMNS)
"""The columns of a record but its answer and its proof, and KINDS their types."""
INFORMS = len(COLUMNS)  # the position, in a ledger's row, of the flag whether its caller is informed
# By their names, as the columns of `record` are.
KINDS = dict.fromkeys(COLUMNS, "text") | {
    **dict.fromkeys(("record", "at", "recorded", "basis"), "bigint"),
    **dict.fromkeys(("pseudonym", "earlier"), "bytea"),
    **dict.fromkeys(("heard", "length"), "double precision"),
    **dict.fromkeys(("erased", "supplement", "counts"), "smallint"),
    "rate": "integer",
}
EVIDENCE = {
    "leaf": "bigint",
    **dict.fromkeys(("who", "salt_what", "salt_who", "binding", "opening"), "bytea"),
    **dict.fromkeys(("leaf_version", "migrated"), "smallint"),
}
"""The columns with the proof of a record, and their types."""
ANSWER = {"asked": "text", "rank": "bigint", "withdrawal": "bigint"}
"""The columns with the answer to a choice, and their types."""
READ = len(COLUMNS) + len(ANSWER)
"""The number of columns of a record as it is read."""


RECORD_COLUMNS = ", ".join((LISTED, *ANSWER))
"""The columns by which records are read: COLUMNS and ANSWER."""
LEDGER_COLUMNS = """box, record, newest, erasures - applied, coalesce(seen, 'epoch'),
            extract(epoch FROM now() - coalesce(seen, 'epoch')), coalesce(program, ''), keys, configuration,
            retired, ahead, successor, identity"""
"""The columns by which ledgers are read, with their boxes: those of `administration.RegisteredBox`."""


LAST_BATCH = f"SELECT b.batch FROM {schema.SCHEMA}.box AS b WHERE b.box ="  # noqa: S608
"""The start of a subquery for the last batch of a box, whose name follows."""


def awaiting(companies: str) -> str:
    """Return the statement for boxes that serve companies, an array as SQL, and never took part: the company,
    and the LEDGER_COLUMNS."""
    erasures = f"SELECT count(*) FROM {schema.SCHEMA}.erasure AS e WHERE e.company = c.company"  # noqa: S608
    return f"""
        SELECT c.company, a.box, 0, 0, ({erasures}),
            coalesce(seen, 'epoch'), extract(epoch FROM now() - coalesce(seen, 'epoch')),
            coalesce(program, ''), '', '', NULL, ahead, NULL, ''::bytea
        FROM unnest({companies}) AS c (company)
        CROSS JOIN LATERAL {schema.SCHEMA}.awaited(c.company) AS a (box)
        LEFT JOIN {schema.SCHEMA}.box AS b ON b.box = a.box
        """  # noqa: S608


def arrays_of(kinds: Iterable[str]) -> str:
    """Return the placeholders for columns of these kinds in `unnest`."""
    return ", ".join(f"%s::{kind}[]" for kind in kinds)


def original(company: int) -> str:
    """Return the condition that a record is not the copy of one that is there under another name: a box took
    the place of another, with a copy of its ledger. What is not there under the other name is hidden by
    nothing. Without such boxes the condition costs one look at the company's ledgers."""
    ledger, record = f"{schema.SCHEMA}.ledger", f"{schema.SCHEMA}.record"
    return f"""(box <> ALL (ARRAY(
            SELECT c.box FROM {ledger} AS o JOIN {ledger} AS c ON c.box = o.successor
            WHERE o.company = {company:d} AND c.company = {company:d} AND c.identity = o.identity
        )) OR NOT EXISTS (
            SELECT FROM {ledger} AS o
            JOIN {record} AS first ON first.company = {company:d} AND first.box = o.box
            WHERE o.company = {company:d} AND o.successor = record.box AND first.record = record.record
            AND {same("first")}
        ))"""  # noqa: S608  # our own names


def same(other: str) -> str:
    """Return the condition that a record of another name is this one: by its commitment, which an erasure
    leaves; a note, which is its own entry, by its text."""
    return (
        f"CASE WHEN record.who IS NULL THEN {other}.who IS NULL AND ({other}.at, {other}.kind,"
        f" {other}.reference) = (record.at, record.kind, record.reference)"
        f" ELSE {other}.who = record.who END"
    )


class Statements:
    """The statements for one company, by its number there, for writers and for whoever reads records. `%s`
    stands for a value. Each names the company: row security refuses what is another's, but plans nothing for
    it."""

    def __init__(self, company: int) -> None:
        scope, box = f"company = {company:d}", f"{schema.SCHEMA}.box"
        ledger, record = f"{schema.SCHEMA}.ledger", f"{schema.SCHEMA}.record"

        # A new box erases what is still to be erased: its ledger may be older than its name.
        self.take_part = f"""
        INSERT INTO {ledger} (company, box, identity, erasures)
        SELECT {company:d}, %s, %s, greatest(
            max(erasures), (SELECT max(erasure) FROM {schema.SCHEMA}.erasure WHERE {scope}), 0
        ) FROM {ledger} WHERE {scope}
        ON CONFLICT DO NOTHING
        """  # noqa: S608  # our own names, here and below
        self.ledger = f"""
        SELECT identity, record, erasures, applied, retired IS NOT NULL, proven, answered
        FROM {ledger} WHERE {scope} AND box = %s
        """  # noqa: S608
        self.say = f"""
        UPDATE {ledger} SET newest = %s, keys = %s, configuration = %s
        WHERE {scope} AND box = %s AND identity = %s
        AND (newest, keys, configuration) IS DISTINCT FROM (%s, %s, %s)
        """  # noqa: S608
        # For records that were sent before the database took answers.
        self.answering = f"""
        UPDATE {ledger} AS l SET answered = %s, batch = ({LAST_BATCH} l.box)
        WHERE {scope} AND box = %s AND identity = %s AND erasures = %s AND answered = %s AND record = %s
        AND retired IS NULL
        """  # noqa: S608
        self.answer = f"""
        UPDATE {record} AS record SET asked = given.asked,
            rank = CASE WHEN erased = 0 THEN given.rank END,
            withdrawal = CASE WHEN erased = 0 THEN given.withdrawal END
        FROM unnest({arrays_of(("bigint", *ANSWER.values()))}) AS given (record, {", ".join(ANSWER)})
        WHERE record.{scope} AND record.box = %s AND record.record = given.record
        """  # noqa: S608
        compared = f"SELECT record, at, status, reason, erased FROM {record} WHERE {scope} AND box = %s"  # noqa: S608
        self.existing = f"{compared} AND record = ANY(%s)"
        self.last = f"{compared} ORDER BY record DESC LIMIT 1"
        self.purge = f"SELECT {schema.SCHEMA}.purge({company:d}, %s, %s, %s, %s)"
        self.purge_records = f"SELECT {schema.SCHEMA}.purge({company:d}, %s::bigint[])"
        self.now_and_newest = f"SELECT now(), max(at) FROM {record} WHERE {scope}"  # noqa: S608
        self.old_of_retired = f"""
        SELECT box, count(*), max(record) FROM {record} WHERE {scope} AND at < %s AND {rows.DELETABLE}
        AND box IN (SELECT box FROM {ledger} WHERE {scope} AND retired IS NOT NULL) GROUP BY box ORDER BY box
        """  # noqa: S608

        self.ledgers = f"""
        SELECT box, record, answered, identity, retired IS NOT NULL, successor FROM {ledger}
        WHERE {scope} AND box <> %s ORDER BY box
        """  # noqa: S608
        of_any = f"SELECT box, {RECORD_COLUMNS} FROM {record} WHERE {scope}"  # noqa: S608
        selected = self.selected = f"{of_any} AND {original(company)}"
        self.every_ledger = f"""
        SELECT {LEDGER_COLUMNS}
        FROM {ledger} LEFT JOIN {box} USING (box) WHERE {scope} ORDER BY retired IS NOT NULL, box
        """  # noqa: S608
        self.awaited = awaiting(f"ARRAY[{company:d}]")
        self.withdraw = f"SELECT {schema.SCHEMA}.withdraw({company:d}, %s)"
        self.retire = f"""
        UPDATE {ledger} SET retired = now() WHERE {scope} AND box = %s AND retired IS NULL RETURNING identity
        """  # noqa: S608
        self.retire_again = f"""
        UPDATE {ledger} SET retired = coalesce(retired, now()), successor = coalesce(successor, %s)
        WHERE {scope} AND box = %s AND identity = %s
        """  # noqa: S608
        # Only for a box that takes part, and where no other took that place before.
        self.replace = f"""
        UPDATE {ledger} AS l SET retired = coalesce(l.retired, now()), successor = n.box
        FROM {ledger} AS n
        WHERE l.{scope} AND l.box = %(box)s AND l.identity = %(identity)s
        AND coalesce(l.successor, n.box) = n.box
        AND n.{scope} AND n.box = %(successor)s AND n.identity = %(new_identity)s AND n.retired IS NULL
        RETURNING l.record
        """  # noqa: S608
        self.copies = f"""
        SELECT count(*) FROM {record} AS first
        JOIN {record} ON record.{scope} AND record.record = first.record
        WHERE first.{scope} AND first.box = %s AND record.box = %s AND {same("first")}
        """  # noqa: S608
        # Under a newer key as well, as far as records name the earlier pseudonym.
        self.of_caller = f"""
        {selected} AND (pseudonym = ANY(%(pseudonyms)s) OR earlier = ANY(%(pseudonyms)s)) AND box <> %(box)s
        AND NOT EXISTS (
            SELECT FROM {ledger} AS o JOIN {record} AS copy ON copy.{scope} AND copy.box = o.successor
            WHERE o.{scope} AND o.box = record.box AND o.successor = %(box)s AND copy.record = record.record
            AND {same("copy")}
        ) ORDER BY at, box, record
        """
        # Of callers who are known by two keys, as records of any box say.
        tied = f"SELECT earlier, pseudonym FROM {record} WHERE {scope}"  # noqa: S608
        self.ties = f"""
        {tied} AND earlier = ANY(%(pseudonyms)s) AND pseudonym IS NOT NULL
        UNION
        {tied} AND pseudonym = ANY(%(pseudonyms)s) AND earlier IS NOT NULL
        """
        # Records of other boxes by which an audit compares answers.
        self.named = f"{of_any} AND (box, record) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))"  # noqa: S608


def readable(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[Record]:
    """Iterate over records from rows of COLUMNS and ANSWER. A row of a newer informativa with an unknown
    word is left out, and one with a time that no calendar has."""
    for row in rows_of_records:
        with suppress(ValueError, OverflowError):
            yield record(row)


def record(row: Sequence[Any]) -> Record:
    """Build a record from a row of COLUMNS and ANSWER. Raises ValueError for an unknown word, and
    OverflowError for a time that no calendar has."""
    *columns, rank, withdrawal = row
    record = rows.record(columns)
    if rank is None:
        return record
    return replace(record, place=(rows.moment(rank), rows.moment(withdrawal or 0)))


def plain(page: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the same rows with text that PostgreSQL takes, which has no NUL and no half of a surrogate
    pair."""
    return [_plain(row) for row in page]


def _plain(row: Sequence[Any]) -> list[Any]:
    """Return a row with such text. A row that was changed differs from its leaf, and has none."""
    values = [
        value.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for value in row
    ]
    if values == list(row):
        return values
    return [*values[: INFORMS + 1], *[None] * len(EVIDENCE), *values[-len(ANSWER) :]]
