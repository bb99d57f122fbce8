"""Records as rows of the database: the statements, for one company's schema. No connection here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
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
ANSWER = {"asked": "text", "rank": "bigint", "withdrawal": "bigint"}
"""The columns with the answer to a choice, and their types, which came with migration 0005."""
READ = len(COLUMNS) + len(ANSWER)
"""The number of columns of a record as it is read."""


def record_columns(number: int) -> str:
    """Return the columns by which records are read from a schema as it is from a migration on: COLUMNS and
    ANSWER."""
    if number >= schema.ANSWERS:
        return ", ".join((_LISTED, *ANSWER))
    return ", ".join((_LISTED, *(f"NULL::{kind} AS {name}" for name, kind in ANSWER.items())))


class Statements:
    """The statements for one company's schema, as it is from a migration on, for writers and for whoever
    reads records. `%s` stands for a value."""

    def __init__(self, controller: str, number: int = schema.OLDEST) -> None:
        proofs, answers, read = number >= schema.VERSION_2, number >= schema.ANSWERS, record_columns(number)
        name = schema.quoted(schema.role(controller))
        box, record = f"{name}.box", f"{name}.record"

        # A new box erases what is still to be erased: its ledger may be older than its name.
        self.take_part = f"""
        INSERT INTO {box} (name, identity, erasures) SELECT %s, %s, coalesce(max(erasures), 0) FROM {box}
        ON CONFLICT DO NOTHING
        """  # noqa: S608  # our own names, here and below
        self.box = f"""
        SELECT identity, record, erasures, applied, retired IS NOT NULL, {"proven" if proofs else 0},
            {"answered" if answers else 0}
        FROM {box} WHERE name = %s
        """  # noqa: S608
        self.sent = f"SELECT record FROM {box} WHERE name = %s"  # noqa: S608
        self.migration = f"SELECT max(number) FROM {name}.migration"  # noqa: S608
        self.say = f"""
        UPDATE {box} SET newest = %s, seen = now(), program = %s, keys = %s, configuration = %s
        WHERE name = %s AND identity = %s
        """  # noqa: S608
        # Only for a box that knows of all erasures, since a new erasure waits for transactions in progress;
        # and only for records that follow on those that are there.
        self.sending = f"""
        UPDATE {box} SET record = greatest(record, %(record)s), newest = greatest(newest, %(newest)s),
            {_ANSWERED if answers else ""} seen = now()
        WHERE name = %(box)s AND identity = %(identity)s AND erasures = %(erasures)s AND record = %(sent)s
        AND retired IS NULL
        """  # noqa: S608
        more = (EVIDENCE if proofs else {}) | (ANSWER if answers else {})
        kinds = ("integer", "smallint", *_KINDS.values(), *more.values())
        sent = ", ".join((_LISTED, *more))
        self.send = f"""
        INSERT INTO {record} (box, month, informs, {sent}) SELECT %s, * FROM unnest({arrays_of(kinds)})
        ON CONFLICT DO NOTHING
        """  # noqa: S608
        # For records that were sent before the schema had answers.
        self.answering = f"""
        UPDATE {box} SET answered = %s WHERE name = %s AND identity = %s AND erasures = %s AND answered = %s
        AND record = %s AND retired IS NULL
        """  # noqa: S608
        self.answer = f"""
        UPDATE {record} AS record SET asked = given.asked,
            rank = CASE WHEN erased = 0 THEN given.rank END,
            withdrawal = CASE WHEN erased = 0 THEN given.withdrawal END
        FROM unnest({arrays_of(("integer", "bigint", *ANSWER.values()))})
            AS given (month, record, {", ".join(ANSWER)})
        WHERE record.box = %s AND record.record = given.record AND record.month = given.month
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

        self.boxes = f"""
        SELECT name, record, {"answered" if answers else 0} FROM {box} WHERE name <> %s ORDER BY name
        """  # noqa: S608
        self.receive = f"""
        SELECT {read} FROM {record} WHERE box = %s AND record > %s AND record <= %s
        AND pseudonym IS NOT NULL AND (informs = 1 OR (%s AND reason = 'already-informed')
        {"OR rank IS NOT NULL" if answers else ""}) ORDER BY record LIMIT %s
        """  # noqa: S608
        # Of records that were received before the schema had their answers.
        self.receive_answers = f"""
        SELECT {read} FROM {record} WHERE box = %s AND record > %s AND record <= %s AND rank IS NOT NULL
        ORDER BY record LIMIT %s
        """  # noqa: S608
        # What informed a caller, and what he answered; under an earlier key as well, which may be the only
        # one that this box has. One scan, by several indexes: a UNION would be planned for every month anew.
        his = "pseudonym = ANY(%(pseudonyms)s) AND informs = 1"
        if answers:
            his += """
            OR pseudonym = ANY(%(pseudonyms)s) AND rank IS NOT NULL
            OR earlier = ANY(%(pseudonyms)s) AND rank IS NOT NULL
            """
        self.known = f"SELECT box, {read} FROM {record} WHERE ({his}) AND box <> %(box)s AND at >= %(since)s"  # noqa: S608

        self.every_box = f"""
        SELECT name, record, newest, erasures - applied, seen, extract(epoch FROM now() - seen), program,
               keys, configuration, retired
        FROM {box} ORDER BY retired IS NOT NULL, name
        """  # noqa: S608
        self.retire = f"UPDATE {box} SET retired = now() WHERE name = %s AND retired IS NULL"  # noqa: S608
        # Under a newer key as well, as far as records name the earlier pseudonym.
        self.of_caller = f"""
        SELECT box, {read} FROM {record}
        WHERE (pseudonym = ANY(%(pseudonyms)s) OR earlier = ANY(%(pseudonyms)s)) AND box <> %(box)s
        ORDER BY at, box, record
        """  # noqa: S608
        # Of callers who are known by two keys, as records of any box say.
        self.ties = f"""
        SELECT earlier, pseudonym FROM {record} WHERE earlier = ANY(%(pseudonyms)s) AND pseudonym IS NOT NULL
        UNION
        SELECT earlier, pseudonym FROM {record} WHERE pseudonym = ANY(%(pseudonyms)s) AND earlier IS NOT NULL
        """  # noqa: S608
        # Records of other boxes by which an audit compares answers.
        self.named = f"""
        SELECT box, {read} FROM {record}
        WHERE (box, record) IN (SELECT * FROM unnest(%s::text[], %s::bigint[]))
        """  # noqa: S608
        # Of a RecordFilter. Nothing is indexed for it: people ask rarely.
        filtered = f"""
        SELECT box, {read} FROM {record}
        WHERE (%(line)s = '' OR line = %(line)s)
        AND (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        AND (%(caller)s::bytea = '' OR substring(pseudonym FROM 1 FOR length(%(caller)s)) = %(caller)s)
        AND (%(since)s::bigint IS NULL OR at >= %(since)s)
        AND (%(until)s::bigint IS NULL OR at < %(until)s)
        """  # noqa: S608
        self.search, self.last_of = _searches(filtered)
        self.search_without, self.last_without = _searches(f"{filtered} AND kind <> ALL(%(without)s::text[])")


# Until what was sent before is there with its answers, only that moves the number on.
_ANSWERED = "answered = CASE WHEN answered = record THEN greatest(record, %(record)s) ELSE answered END,"


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


def arrays(box: str, page: Sequence[Sequence[Any]], number: int) -> list[object]:
    """Return the values of `send` for a page of a ledger's rows: COLUMNS, whether the caller is informed,
    EVIDENCE, ANSWER; for a schema as it is from a migration on."""
    columns = list(map(list, zip(*page, strict=True)))
    recorded = columns[COLUMNS.index("recorded")]
    at = columns[COLUMNS.index("at")]
    months = [
        month(recorded_at if recorded_at is not None else happened)
        for recorded_at, happened in zip(recorded, at, strict=True)
    ]
    record, informs = columns[:INFORMS], columns[INFORMS]
    evidence, answer = columns[INFORMS + 1 : -len(ANSWER)], columns[-len(ANSWER) :]
    more = (*(evidence if number >= schema.VERSION_2 else ()), *(answer if number >= schema.ANSWERS else ()))
    return [box, months, informs, *record, *more]


def readable(rows_of_records: Iterable[Sequence[Any]]) -> Iterator[Record]:
    """Iterate over records from rows of COLUMNS and ANSWER. A row of a newer informativa with an unknown
    word is left out, and one with a time that no calendar has."""
    for row in rows_of_records:
        with suppress(ValueError, OverflowError):
            yield record(row)


def record(row: Sequence[Any]) -> Record:
    """Build a record from a row of COLUMNS and ANSWER. Raises ValueError for an unknown word."""
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


def month(microseconds: int) -> int:
    """Return the month of a time in microseconds since 1970, such as 202611."""
    moment = rows.moment(microseconds)
    return moment.year * 100 + moment.month
