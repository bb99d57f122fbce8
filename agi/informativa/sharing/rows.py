"""Records as rows of the database: the statements, for one company's schema. No connection here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..ledgers import rows
from ..ledgers.erasure import ERASED_ROW
from ..model import Record
from . import schema

COLUMNS = [name.strip() for name in rows.COLUMNS.split(",")]
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
EVIDENCE = ["leaf", "who", "salt_what", "salt_who", "binding", "migrated"]
"""The columns with the proof of a record, from migration 0002 on."""
_EVIDENCE_KINDS = ("bigint", *["bytea"] * 4, "smallint")


class Statements:
    """The statements for one company's schema, as it is from a migration on: a writer must know which
    migration it has. `%s` stands for a value."""

    def __init__(self, controller: str, number: int = schema.OLDEST) -> None:
        proofs, sealed = number >= schema.EVIDENCE, number >= schema.SEALED
        self.sealed = sealed
        name = schema.quoted(schema.role(controller))
        box, record, erasure = f"{name}.box", f"{name}.record", f"{name}.erasure"

        # A new box erases what is still to be erased: its ledger may be older than its name.
        self.take_part = f"""
        INSERT INTO {box} (name, identity, erasures) SELECT %s, %s, coalesce(max(erasures), 0) FROM {box}
        ON CONFLICT DO NOTHING
        """  # noqa: S608  # our own names, here and below
        # The other names under which the records of a ledger are there: it was restored under a new one.
        self.earlier_names = f"SELECT name FROM {box} WHERE identity = %s AND name <> %s"  # noqa: S608
        self.erased_of = f"""
        SELECT DISTINCT record FROM {record} WHERE box = ANY(%s) AND erased = 1
        """  # noqa: S608
        self.known_nowhere = f"""
        SELECT pseudonym FROM unnest(%s::bytea[]) AS learnt (pseudonym)
        WHERE NOT EXISTS (SELECT 1 FROM {record} AS told WHERE told.pseudonym = learnt.pseudonym)
        """  # noqa: S608
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
        kinds = ("integer", "smallint", *_KINDS.values(), *(_EVIDENCE_KINDS if proofs else ()))
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
        closed = ", salt_who = NULL, binding = NULL" if proofs else ""
        erase = f"UPDATE {record} SET informs = 0, {ERASED_ROW.replace('%', '%%')}{closed}"  # noqa: S608
        self.erase = f"{erase} WHERE box = %s AND record = ANY(%s) AND erased = 0"
        self.erase_caller = f"{erase} WHERE pseudonym = ANY(%s)"
        self.rests_no_more = f"""
        UPDATE {record} SET basis = NULL, elsewhere = NULL{closed} WHERE box = %s AND record = ANY(%s)
        """  # noqa: S608
        deletable = "kind NOT IN ('purge', 'erasure', 'lost', 'new-log')"
        self.purge = (
            f"DELETE FROM {record} WHERE box = %s AND record BETWEEN %s AND %s AND at < %s AND {deletable}"  # noqa: S608
        )
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

        self.pending = f"""
        SELECT erasure, pseudonyms, {"sealed" if sealed else "NULL"} FROM {erasure}
        WHERE erasure > %s ORDER BY erasure
        """  # noqa: S608
        self.applied = f"""
        UPDATE {box} SET applied = greatest(applied, %s) WHERE name = %s AND identity = %s
        """  # noqa: S608
        # For a box that erased the caller before it ordered the others to.
        self.applied_here = f"UPDATE {box} SET applied = %s WHERE name = %s AND applied = %s"  # noqa: S608
        self.done_everywhere = f"""
        DELETE FROM {erasure} WHERE erasure <= (SELECT min(applied) FROM {box} WHERE retired IS NULL)
        """  # noqa: S608
        self.lock_boxes = f"""
        SELECT name, erasures, retired IS NOT NULL FROM {box} ORDER BY name FOR UPDATE
        """  # noqa: S608
        sealed_too = (", sealed", ", %s") if sealed else ("", "")
        self.add_erasure = (
            f"INSERT INTO {erasure} (erasure, pseudonyms{sealed_too[0]}) VALUES (%s, %s{sealed_too[1]})"  # noqa: S608
        )
        self.newest_erasure = f"SELECT coalesce(max(erasure), 0) FROM {erasure}"  # noqa: S608
        # The newest erasure, the one up to which all boxes applied them, and these: all of one moment.
        self.orders = f"""
        SELECT counted.erasures, counted.applied, {erasure}.erasure, {erasure}.pseudonyms
        FROM (
            SELECT max(erasures) AS erasures, min(applied) FILTER (WHERE retired IS NULL) AS applied
            FROM {box}
        ) AS counted LEFT JOIN {erasure} ON {erasure}.erasure = ANY(%s)
        """  # noqa: S608
        self.count_erasure = f"UPDATE {box} SET erasures = %s"  # noqa: S608
        # All pseudonyms that the caller ever had, as far as boxes recorded that one key followed another.
        self.his = f"""
        WITH RECURSIVE his (pseudonym) AS (
            SELECT unnest(%s::bytea[])
            UNION
            SELECT CASE WHEN record.pseudonym = his.pseudonym THEN record.earlier ELSE record.pseudonym END
            FROM his JOIN {record} AS record
            ON record.earlier IS NOT NULL AND record.pseudonym IS NOT NULL
            AND (record.earlier = his.pseudonym OR record.pseudonym = his.pseudonym)
        ) SELECT pseudonym FROM his
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
        self.search = f"{filtered} ORDER BY at, box, record"
        self.last_of = f"""
        SELECT * FROM ({filtered} ORDER BY at DESC, box DESC, record DESC LIMIT %(count)s) AS last
        ORDER BY at, box, record
        """  # noqa: S608


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
            yield rows.record(row)


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
