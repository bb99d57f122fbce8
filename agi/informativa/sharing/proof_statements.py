"""The SQL statements for the proofs of all boxes, for one company's schema."""

from __future__ import annotations

from ..evidence.commitment import ABOUT_RECORDS
from . import schema
from .rows import EVIDENCE, arrays_of, record_columns

_KINDS = ", ".join(f"'{kind}'" for kind in sorted(ABOUT_RECORDS))


class ProofStatements:
    """The statements for one company's schema, as it is from a migration on; before 0002 only those for
    records, without the proofs. `%s` stands for a value."""

    def __init__(self, controller: str, number: int = schema.VERSION_2) -> None:
        since = dict.fromkeys(EVIDENCE, schema.EVIDENCE) | dict.fromkeys(
            ("opening", "leaf_version"), schema.VERSION_2
        )
        evidence = [name if number >= since[name] else f"NULL AS {name}" for name in EVIDENCE]
        listed = ", ".join(["box", record_columns(number), *evidence])
        name = schema.quoted(schema.role(controller))
        box, record = f"{name}.box", f"{name}.record"
        log, checkpoint, tile = f"{name}.log", f"{name}.checkpoint", f"{name}.tile"

        # As `sending` of records: an erasure waits for transactions in progress.
        self.proving = f"""
        UPDATE {box} SET proven = %s
        WHERE name = %s AND identity = %s AND erasures = %s AND proven = %s AND retired IS NULL
        """  # noqa: S608  # our own names, here and below
        kinds = ("integer", "bigint", *EVIDENCE.values())
        self.prove = f"""
        UPDATE {record} AS record SET leaf = given.leaf, who = given.who, salt_what = given.salt_what,
            salt_who = CASE WHEN erased = 0 THEN given.salt_who END,
            binding = CASE WHEN erased = 0 THEN given.binding END,
            opening = CASE WHEN erased = 0 THEN given.opening END,
            leaf_version = given.leaf_version, migrated = given.migrated
        FROM unnest({arrays_of(kinds)}) AS given (month, record, {", ".join(EVIDENCE)})
        WHERE record.box = %s AND record.record = given.record AND record.month = given.month
        AND record.leaf IS NULL
        """  # noqa: S608

        self.signed = f"SELECT coalesce(max(size), 0) FROM {checkpoint} WHERE box = %s AND epoch = %s"  # noqa: S608
        self.send_log = f"""
        INSERT INTO {log} (box, epoch, origin, first, key) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """  # noqa: S608
        self.send_tiles = f"""
        INSERT INTO {tile} (box, epoch, level, number, hashes)
        SELECT %s, %s, * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])
        ON CONFLICT (box, epoch, level, number) DO UPDATE SET hashes = excluded.hashes
        WHERE length(excluded.hashes) > length(tile.hashes)
        """  # noqa: S608
        # Once more when it was cosigned.
        self.send_checkpoint = f"""
        INSERT INTO {checkpoint} (box, epoch, size, note) VALUES (%s, %s, %s, %s)
        ON CONFLICT (box, epoch, size) DO UPDATE SET note = excluded.note
        """  # noqa: S608

        self.logs = f"SELECT box, epoch, origin, first, key FROM {log} ORDER BY box, epoch"  # noqa: S608
        self.sizes = f"SELECT size FROM {checkpoint} WHERE box = %s AND epoch = %s ORDER BY size"  # noqa: S608
        self.checkpoint = f"SELECT note FROM {checkpoint} WHERE box = %s AND epoch = %s AND size = %s"  # noqa: S608
        self.newest = f"""
        SELECT note FROM {checkpoint} WHERE box = %s AND epoch = %s ORDER BY size DESC LIMIT 1
        """  # noqa: S608
        self.tile = f"""
        SELECT hashes FROM {tile} WHERE box = %s AND epoch = %s AND level = %s AND number = %s
        """  # noqa: S608
        self.record = f"SELECT {listed} FROM {record} WHERE box = %s AND record = %s"  # noqa: S608
        self.of_caller = f"""
        SELECT {listed} FROM {record} WHERE pseudonym = ANY(%s) AND box <> %s ORDER BY box, record
        """  # noqa: S608
        self.of_period = f"""
        SELECT {listed} FROM {record} WHERE box = %s AND at >= %s AND at < %s ORDER BY record
        """  # noqa: S608
        self.notes = f"""
        SELECT {listed} FROM {record} WHERE box = %s AND kind IN ({_KINDS}) ORDER BY record
        """  # noqa: S608
        self.proven = f"SELECT proven FROM {box} WHERE name = %s"  # noqa: S608
        # The leaves with a record, as ranges, and whether it is open whom they are about. A note is open.
        self.leaf_ranges = f"""
        SELECT min(leaf), max(leaf) + 1, closed FROM (
            SELECT leaf, closed, leaf - row_number() OVER (PARTITION BY closed ORDER BY leaf) AS block
            FROM (
                SELECT leaf, who IS NOT NULL AND (erased = 1 OR salt_who IS NULL) AS closed
                FROM {record} WHERE box = %s AND leaf < %s
            ) AS opened
        ) AS blocks GROUP BY closed, block ORDER BY 1
        """  # noqa: S608
        self.leaves = f"SELECT count(*) FROM {record} WHERE box = %s AND leaf BETWEEN %s AND %s"  # noqa: S608
