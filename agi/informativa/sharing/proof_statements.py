"""The SQL statements for the proofs of all boxes, for one company."""

from __future__ import annotations

from ..evidence.commitment import ABOUT_RECORDS
from . import schema
from .rows import EVIDENCE, RECORD_COLUMNS, arrays_of, original, same

_KINDS = ", ".join(f"'{kind}'" for kind in sorted(ABOUT_RECORDS))


class ProofStatements:
    """The statements for one company, by its number there. `%s` stands for a value."""

    def __init__(self, company: int) -> None:
        scope, listed = f"company = {company:d}", ", ".join(("box", RECORD_COLUMNS, *EVIDENCE))
        ledger, record, log, checkpoint, tile = (
            f"{schema.SCHEMA}.{table}" for table in ("ledger", "record", "log", "checkpoint", "tile")
        )

        # As `sending` of records: an erasure waits for transactions in progress.
        self.proving = f"""
        UPDATE {ledger} SET proven = %s
        WHERE {scope} AND box = %s AND identity = %s AND erasures = %s AND proven = %s AND retired IS NULL
        """  # noqa: S608  # our own names, here and below
        kinds = ("bigint", *EVIDENCE.values())
        self.prove = f"""
        UPDATE {record} AS record SET leaf = given.leaf, who = given.who, salt_what = given.salt_what,
            salt_who = CASE WHEN erased = 0 THEN given.salt_who END,
            binding = CASE WHEN erased = 0 THEN given.binding END,
            opening = CASE WHEN erased = 0 THEN given.opening END,
            leaf_version = given.leaf_version, migrated = given.migrated
        FROM unnest({arrays_of(kinds)}) AS given (record, {", ".join(EVIDENCE)})
        WHERE record.{scope} AND record.box = %s AND record.record = given.record AND record.leaf IS NULL
        """  # noqa: S608

        self.signed = (
            f"SELECT coalesce(max(size), 0) FROM {checkpoint} WHERE {scope} AND box = %s AND epoch = %s"  # noqa: S608
        )
        self.send_log = f"""
        INSERT INTO {log} (company, box, epoch, origin, first, key) VALUES ({company:d}, %s, %s, %s, %s, %s)
        ON CONFLICT DO NOTHING
        """  # noqa: S608
        self.send_tiles = f"""
        INSERT INTO {tile} (company, box, epoch, level, number, hashes)
        SELECT {company:d}, %s, %s, * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])
        ON CONFLICT (company, box, epoch, level, number) DO UPDATE SET hashes = excluded.hashes
        WHERE length(excluded.hashes) > length(tile.hashes)
        """  # noqa: S608
        # Once more when it was cosigned.
        self.send_checkpoint = f"""
        INSERT INTO {checkpoint} (company, box, epoch, size, note) VALUES ({company:d}, %s, %s, %s, %s)
        ON CONFLICT (company, box, epoch, size) DO UPDATE SET note = excluded.note
        """  # noqa: S608

        self.logs = f"SELECT box, epoch, origin, first, key FROM {log} WHERE {scope} ORDER BY box, epoch"  # noqa: S608
        self.sizes = f"SELECT size FROM {checkpoint} WHERE {scope} AND box = %s AND epoch = %s ORDER BY size"  # noqa: S608
        self.checkpoint = (
            f"SELECT note FROM {checkpoint} WHERE {scope} AND box = %s AND epoch = %s AND size = %s"  # noqa: S608
        )
        self.newest = f"""
        SELECT note FROM {checkpoint} WHERE {scope} AND box = %s AND epoch = %s ORDER BY size DESC LIMIT 1
        """  # noqa: S608
        self.tile = f"""
        SELECT hashes FROM {tile} WHERE {scope} AND box = %s AND epoch = %s AND level = %s AND number = %s
        """  # noqa: S608
        self.record = f"SELECT {listed} FROM {record} WHERE {scope} AND box = %s AND record = %s"  # noqa: S608
        self.of_caller = f"""
        SELECT {listed} FROM {record} WHERE {scope} AND pseudonym = ANY(%s) AND box <> %s
        AND {original(company)} ORDER BY box, record
        """  # noqa: S608
        # A record that is there under two names, since a box took another's place with a copy of its ledger,
        # is the earlier one's; unless only the later one's log proves it.
        proves = f"""
        EXISTS (
            SELECT FROM {log} AS l JOIN {checkpoint} AS c USING (company, box, epoch)
            WHERE l.{scope} AND l.box = first.box AND first.leaf >= l.first AND first.leaf < l.first + c.size
        )
        """
        self.of_period = f"""
        SELECT {listed} FROM {record} WHERE {scope} AND box = %s AND at >= %s AND at < %s
        AND NOT EXISTS (
            SELECT FROM {ledger} AS o JOIN {record} AS first ON first.{scope} AND first.box = o.box
            WHERE o.{scope} AND o.successor = record.box AND first.record = record.record
            AND {same("first")} AND {proves}
        ) AND NOT EXISTS (
            SELECT FROM {ledger} AS o JOIN {record} AS copy ON copy.{scope} AND copy.box = o.successor
            JOIN {record} AS first ON first.{scope} AND first.box = o.box AND first.record = copy.record
            WHERE o.{scope} AND o.box = record.box AND copy.record = record.record
            AND {same("copy")} AND NOT {proves}
        ) ORDER BY record
        """  # noqa: S608
        self.notes = f"""
        SELECT {listed} FROM {record} WHERE {scope} AND box = %s AND kind IN ({_KINDS}) ORDER BY record
        """  # noqa: S608
        self.lists = f"""
        SELECT leaf, sealed_list FROM {record} WHERE {scope} AND box = %s AND sealed_list IS NOT NULL
        AND leaf IS NOT NULL
        """  # noqa: S608
        self.proven = f"SELECT proven FROM {ledger} WHERE {scope} AND box = %s"  # noqa: S608
        # The leaves with a record, as ranges, and whether it is open whom they are about. A note is open.
        self.leaf_ranges = f"""
        SELECT min(leaf), max(leaf) + 1, closed FROM (
            SELECT leaf, closed, leaf - row_number() OVER (PARTITION BY closed ORDER BY leaf) AS block
            FROM (
                SELECT leaf, who IS NOT NULL AND (erased = 1 OR salt_who IS NULL) AS closed
                FROM {record} WHERE {scope} AND box = %s AND leaf < %s
            ) AS opened
        ) AS blocks GROUP BY closed, block ORDER BY 1
        """  # noqa: S608
        self.leaves = f"SELECT count(*) FROM {record} WHERE {scope} AND box = %s AND leaf BETWEEN %s AND %s"  # noqa: S608
