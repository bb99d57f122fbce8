"""The SQL statements by which boxes erase callers and order it of each other, for one company."""

from __future__ import annotations

from ..ledgers.gathered_caller import ERASED_ROW
from . import schema

_OPENINGS = ("salt_who", "binding", "opening")


class ErasureStatements:
    """The statements for one company, by its number there. `%s` stands for a value."""

    def __init__(self, company: int) -> None:
        scope = f"company = {company:d}"
        ledger, record, erasure = (f"{schema.SCHEMA}.{table}" for table in ("ledger", "record", "erasure"))

        closing = ", ".join(f"{name} = NULL" for name in _OPENINGS)
        opened = " OR ".join(f"{name} IS NOT NULL" for name in _OPENINGS)  # as the index has it
        closed = f"rank = NULL, withdrawal = NULL, {closing}"
        erase = f"UPDATE {record} SET informs = 0, {ERASED_ROW.replace('%', '%%')}, {closed} WHERE {scope}"  # noqa: S608  # our own names, here and below
        self.erase = f"{erase} AND box = %s AND record = ANY(%s) AND erased = 0"
        self.erase_caller = f"{erase} AND pseudonym = ANY(%s)"
        self.rests_no_more = f"""
        UPDATE {record} SET basis = NULL, elsewhere = NULL, {closing}
        WHERE {scope} AND box = %s AND record = ANY(%s)
        """  # noqa: S608
        # What was sent by a box that had not heard of an erasure yet.
        self.close_erased = f"UPDATE {record} SET {closed} WHERE {scope} AND erased = 1 AND ({opened})"  # noqa: S608

        # All pseudonyms that the caller ever had, as far as boxes recorded that one key followed another.
        self.his = f"""
        WITH RECURSIVE his (pseudonym) AS (
            SELECT unnest(%s::bytea[])
            UNION
            SELECT CASE WHEN record.pseudonym = his.pseudonym THEN record.earlier ELSE record.pseudonym END
            FROM his JOIN {record} AS record
            ON record.{scope} AND record.earlier IS NOT NULL AND record.pseudonym IS NOT NULL
            AND (record.earlier = his.pseudonym OR record.pseudonym = his.pseudonym)
        ) SELECT pseudonym FROM his
        """  # noqa: S608
        self.lock_ledgers = f"""
        SELECT box, erasures, retired IS NOT NULL FROM {ledger} WHERE {scope} ORDER BY box FOR UPDATE
        """  # noqa: S608
        self.newest_erasure = f"SELECT coalesce(max(erasure), 0) FROM {erasure} WHERE {scope}"  # noqa: S608
        self.add_erasure = f"""
        INSERT INTO {erasure} (company, erasure, pseudonyms, sealed) VALUES ({company:d}, %s, %s, %s)
        """  # noqa: S608
        self.count_erasure = f"UPDATE {ledger} SET erasures = %s WHERE {scope}"  # noqa: S608
        # For a box that erased the caller before it ordered the others to.
        self.applied_here = f"UPDATE {ledger} SET applied = %s WHERE {scope} AND box = %s AND applied = %s"  # noqa: S608
        self.done_everywhere = f"SELECT {schema.SCHEMA}.forget_erasures({company:d})"

        self.pending = f"""
        SELECT erasure, pseudonyms, sealed FROM {erasure} WHERE {scope} AND erasure > %s ORDER BY erasure
        """  # noqa: S608
        self.applied = f"""
        UPDATE {ledger} SET applied = greatest(applied, %s) WHERE {scope} AND box = %s AND identity = %s
        """  # noqa: S608
        # The newest erasure, the one up to which all boxes applied them, and these: all of one moment.
        self.orders = f"""
        SELECT counted.erasures, counted.applied, ordered.erasure, ordered.pseudonyms
        FROM (
            SELECT max(erasures) AS erasures, min(applied) FILTER (WHERE retired IS NULL) AS applied
            FROM {ledger} WHERE {scope}
        ) AS counted LEFT JOIN {erasure} AS ordered ON ordered.{scope} AND ordered.erasure = ANY(%s)
        """  # noqa: S608

        # The other names under which the records of a ledger are there: it was restored under a new one.
        self.earlier_names = f"SELECT box FROM {ledger} WHERE {scope} AND identity = %s AND box <> %s"  # noqa: S608
        self.erased_of = f"""
        SELECT DISTINCT record, who FROM {record} WHERE {scope} AND box = ANY(%s) AND erased = 1
        """  # noqa: S608
        self.known_nowhere = f"""
        SELECT pseudonym FROM unnest(%s::bytea[]) AS learnt (pseudonym)
        WHERE NOT EXISTS (SELECT 1 FROM {record} AS r WHERE r.{scope} AND r.pseudonym = learnt.pseudonym)
        AND NOT EXISTS (SELECT 1 FROM {record} AS r WHERE r.{scope} AND r.earlier = learnt.pseudonym)
        """  # noqa: S608
