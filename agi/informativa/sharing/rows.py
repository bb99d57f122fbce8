"""Records as rows of the database: the statements, for one company's schema. No connection here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..ledgers import rows
from ..model import Record
from . import schema

COLUMNS = [name.strip() for name in rows.SHARED_COLUMNS.split(",")]
_LISTED = ", ".join(COLUMNS)
INFORMS = len(COLUMNS)  # the position, in a ledger's row, of the flag whether its caller is informed
# By their names, as the columns of migration 0001 are.
_KINDS = dict.fromkeys(COLUMNS, "text") | {
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
"""The columns with the proof of a record, and their types. Those of migration 0002 lack `opening` and
`leaf_version`, which came with 0004."""


class Statements:
    """The statements for one company's schema, as it is from a migration on: a writer must know which
    migration it has. `%s` stands for a value."""

    def __init__(self, controller: str, number: int = schema.OLDEST) -> None:
        proofs = number >= schema.VERSION_2
        name = schema.quoted(schema.role(controller))
        box, record = f"{name}.box", f"{name}.record"

        # A new box erases what is still to be erased: its ledger may be older than its name.
        self.take_part = f"""
        INSERT INTO {box} (name, identity, erasures) SELECT %s, %s, coalesce(max(erasures), 0) FROM {box}
        ON CONFLICT DO NOTHING
        """  # noqa: S608  # our own names, here and below
        self.box = f"""
        SELECT identity, record, erasures, applied, retired IS NOT NULL, {"proven" if proofs else 0}
        FROM {box} WHERE name = %s
        """  # noqa: S608
        self.sent = f"SELECT record FROM {box} WHERE name = %s"  # noqa: S608
        self.say = f"""
        UPDATE {box} SET newest = %s, seen = now(), program = %s, keys = %s, configuration = %s
        WHERE name = %s AND identity = %s
        """  # noqa: S608
        # Only for a box that knows of all erasures, since a new erasure waits for transactions in progress;
        # and only for records that follow on those that are there.
        self.sending = f"""
        UPDATE {box} SET record = greatest(record, %s), newest = greatest(newest, %s), seen = now()
        WHERE name = %s AND identity = %s AND erasures = %s AND record = %s AND retired IS NULL
        """  # noqa: S608
        kinds = ("integer", "smallint", *_KINDS.values(), *(EVIDENCE.values() if proofs else ()))
        sent = ", ".join((_LISTED, *(EVIDENCE if proofs else ())))
        self.send = f"""
        INSERT INTO {record} (box, month, informs, {sent}) SELECT %s, * FROM unnest({arrays_of(kinds)})
        ON CONFLICT DO NOTHING
        """  # noqa: S608
        self.existing = (
            f"SELECT record, at, status, reason, erased FROM {record} WHERE box = %s AND record = ANY(%s)"  # noqa: S608
        )
        self.last = f"""
        SELECT record, at, status, reason, erased FROM {record} WHERE box = %s ORDER BY record DESC LIMIT 1
        """  # noqa: S608
        deletable = rows.DELETABLE
        self.purge = (
            f"DELETE FROM {record} WHERE box = %s AND record BETWEEN %s AND %s AND at < %s AND {deletable}"  # noqa: S608
        )
        self.purge_records = f"DELETE FROM {record} WHERE box = %s AND record = ANY(%s) AND {deletable}"  # noqa: S608
        self.now_and_newest = f"SELECT now(), max(at) FROM {record}"  # noqa: S608
        of_retired = f"at < %s AND {deletable} AND box IN (SELECT name FROM {box} WHERE retired IS NOT NULL)"  # noqa: S608
        self.old_of_retired = (
            f"SELECT box, count(*) FROM {record} WHERE {of_retired} GROUP BY box ORDER BY box"  # noqa: S608
        )
        self.purge_retired = f"DELETE FROM {record} WHERE {of_retired}"  # noqa: S608

        self.boxes = f"SELECT name, record FROM {box} WHERE name <> %s ORDER BY name"  # noqa: S608
        self.receive = f"""
        SELECT {_LISTED} FROM {record} WHERE box = %s AND record > %s AND record <= %s
        AND pseudonym IS NOT NULL AND (informs = 1 OR (%s AND reason = 'already-informed'))
        ORDER BY record LIMIT %s
        """  # noqa: S608
        self.known = f"""
        SELECT box, {_LISTED} FROM {record}
        WHERE pseudonym = ANY(%s) AND informs = 1 AND box <> %s AND at >= %s
        """  # noqa: S608

        self.every_box = f"""
        SELECT name, record, newest, erasures - applied, seen, extract(epoch FROM now() - seen), program,
               keys, configuration, retired
        FROM {box} ORDER BY retired IS NOT NULL, name
        """  # noqa: S608
        self.retire = f"UPDATE {box} SET retired = now() WHERE name = %s AND retired IS NULL"  # noqa: S608
        self.of_caller = f"""
        SELECT box, {_LISTED} FROM {record} WHERE pseudonym = ANY(%s) AND box <> %s ORDER BY at, box, record
        """  # noqa: S608
        # Of a RecordFilter. Nothing is indexed for it: people ask rarely.
        filtered = f"""
        SELECT box, {_LISTED} FROM {record}
        WHERE (%(line)s = '' OR line = %(line)s)
        AND (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        AND (%(caller)s::bytea = '' OR substring(pseudonym FROM 1 FOR length(%(caller)s)) = %(caller)s)
        AND (%(since)s::bigint IS NULL OR at >= %(since)s)
        AND (%(until)s::bigint IS NULL OR at < %(until)s)
        """  # noqa: S608
        self.search, self.last_of = _searches(filtered)
        self.search_without, self.last_without = _searches(f"{filtered} AND kind <> ALL(%(without)s::text[])")


def _searches(filtered: str) -> tuple[str, str]:
    """Return the statements for all rows of a filtered selection, and for the last ones of them, each in the
    order in which they happened."""
    return (
        f"{filtered} ORDER BY at, box, record",
        f"""
        SELECT * FROM ({filtered} ORDER BY at DESC, box DESC, record DESC LIMIT %(count)s) AS last
        ORDER BY at, box, record
        """,  # noqa: S608  # our own names
    )


def arrays_of(kinds: Iterable[str]) -> str:
    """Return the placeholders for columns of these kinds in `unnest`."""
    return ", ".join(f"%s::{kind}[]" for kind in kinds)


def arrays(box: str, page: Sequence[Sequence[Any]], *, proofs: bool) -> list[object]:
    """Return the values of `send` for a page of a ledger's rows: COLUMNS, whether the caller is informed,
    EVIDENCE."""
    columns = list(map(list, zip(*page, strict=True)))
    recorded = columns[COLUMNS.index("recorded")]
    at = columns[COLUMNS.index("at")]
    months = [
        month(recorded_at if recorded_at is not None else happened)
        for recorded_at, happened in zip(recorded, at, strict=True)
    ]
    record, informs, evidence = columns[:INFORMS], columns[INFORMS], columns[INFORMS + 1 :]
    return [box, months, informs, *record, *(evidence if proofs else ())]


def readable(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[Record]:
    """Iterate over records from rows of COLUMNS. A row of a newer informativa with an unknown word is left
    out."""
    for row in rows_of_records:
        with suppress(ValueError):
            yield record(row)


def record(row: Sequence[Any]) -> Record:
    """Build a record from a row of COLUMNS. Raises ValueError for an unknown word."""
    return rows.record((*row, None))


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
    return values if values == list(row) else [*values[: INFORMS + 1], *[None] * len(EVIDENCE)]


def month(microseconds: int) -> int:
    """Return the month of a time in microseconds since 1970, such as 202611."""
    moment = rows.moment(microseconds)
    return moment.year * 100 + moment.month
