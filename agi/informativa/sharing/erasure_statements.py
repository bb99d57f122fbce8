"""The SQL statements by which boxes erase callers and order it of each other, for one company."""

from __future__ import annotations

from ..ledgers.gathered_caller import ERASED_ROW
from . import schema
from .connection import Connection

_OPENINGS = ("salt_who", "binding", "opening")


class ErasureStatements:
    """The statements for one company, by its number there. `%s` stands for a value."""

    def __init__(self, company: int) -> None:
        scope = f"company = {company:d}"
        ledger, record, erasure, log = (
            f"{schema.SCHEMA}.{table}" for table in ("ledger", "record", "erasure", "log")
        )

        closing = ", ".join(f"{name} = NULL" for name in _OPENINGS)
        opened = " OR ".join(f"{name} IS NOT NULL" for name in _OPENINGS)  # as the index has it
        closed = f"rank = NULL, withdrawal = NULL, due = 0, {closing}"
        # Our own names, here and below.
        retired = f"SELECT box FROM {ledger} WHERE {scope} AND retired IS NOT NULL"  # noqa: S608
        erase = f"UPDATE {record} SET informs = 0, {ERASED_ROW.replace('%', '%%')}, {closed} WHERE {scope}"  # noqa: S608
        self.erase = f"{erase} AND box = %s AND record = ANY(%s) AND erased = 0"
        self.erase_caller = f"{erase} AND pseudonym = ANY(%s)"
        # Where an erasure waits for its approval, on each box by itself; nobody approves it on one that left.
        self.await_approval = f"""
        UPDATE {record} SET due = 1 WHERE {scope} AND pseudonym = ANY(%s) AND erased = 0 AND due = 0
        """  # noqa: S608
        self.approve = f"""
        UPDATE {record} SET due = 2 WHERE {scope} AND pseudonym = ANY(%s) AND due = 1
        """  # noqa: S608
        erase_of_retired = f"{erase} AND box IN ({retired})"
        self.erase_awaiting_of_retired = f"{erase_of_retired} AND pseudonym = ANY(%s) AND due > 0"
        self.erase_approved_of_retired = f"{erase_of_retired} AND due = 2"
        # Callers of records that are erased in a ledger and not yet there; and whether that had to wait.
        self.callers_of = f"""
        SELECT DISTINCT pseudonym, due > 0 FROM {record}
        WHERE {scope} AND box = %s AND record = ANY(%s) AND erased = 0 AND pseudonym IS NOT NULL
        """  # noqa: S608
        # The leaves of callers in the logs of boxes that left for good, which note nothing any more.
        origin_of_leaf = f"""
        SELECT origin, first FROM {log} WHERE {scope} AND box = record.box AND first <= record.leaf
        ORDER BY epoch DESC LIMIT 1
        """  # noqa: S608
        leaves = f"""
        SELECT log.origin, record.leaf - log.first FROM {record} AS record
        CROSS JOIN LATERAL ({origin_of_leaf}) AS log
        WHERE record.{scope} AND pseudonym = ANY(%s) AND erased = 0 AND who IS NOT NULL
        """  # noqa: S608
        self.leaves_of_retired = f"{leaves} AND record.box IN ({retired}) ORDER BY 1, 2"
        # Of boxes that are there too: one may leave before it has noted the erasure in its own log.
        self.leaves_of_others = f"{leaves} AND record.box <> %s ORDER BY 1, 2"
        # A caller's records of other boxes, by what an erasure leaves of them.
        self.records_of_others = f"""
        SELECT box, record, who FROM {record}
        WHERE {scope} AND pseudonym = ANY(%s) AND erased = 0 AND who IS NOT NULL AND box <> %s
        """  # noqa: S608
        # Those of such records that are not erased; and the names of boxes that have not sent theirs (again).
        self.returned = f"""
        SELECT given.box, r.pseudonym
        FROM unnest(%s::text[], %s::bigint[], %s::bytea[]) AS given (box, record, who)
        LEFT JOIN {ledger} AS l ON l.{scope} AND l.box = given.box
        LEFT JOIN {record} AS r ON r.{scope} AND r.box = given.box AND r.record = given.record
            AND r.who = given.who AND r.erased = 0 AND r.due = 0
        WHERE r.pseudonym IS NOT NULL OR coalesce(l.record, 0) < given.record
        """  # noqa: S608
        self.logs_of_retired = f"SELECT origin FROM {log} WHERE {scope} AND box IN ({retired})"  # noqa: S608
        self.erase_leaves_of_retired = f"""{erase_of_retired} AND due > 0 AND (box, leaf) IN (
            SELECT l.box, l.first + named.place FROM unnest(%s::text[], %s::bigint[]) AS named (origin, place)
            JOIN {log} AS l ON l.{scope} AND l.origin = named.origin
        )
        """  # noqa: S608
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
        self.lock_company = f"SELECT {schema.SCHEMA}.lock_company({company:d})"
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
        # The newest erasure, the one up to which all boxes applied them (0 while a box is awaited, which has
        # applied none), and these: all of one moment.
        self.orders = f"""
        SELECT counted.erasures, counted.applied, ordered.erasure, ordered.pseudonyms
        FROM (
            SELECT max(erasures) AS erasures,
                CASE WHEN EXISTS (SELECT FROM {schema.SCHEMA}.awaited({company:d})) THEN 0
                    ELSE min(applied) FILTER (WHERE retired IS NULL) END AS applied
            FROM {ledger} WHERE {scope}
        ) AS counted LEFT JOIN {erasure} AS ordered ON ordered.{scope} AND ordered.erasure = ANY(%s)
        """  # noqa: S608

        # The list of what a note's erasure names, beside the note; and the notes without one under this key.
        self.send_list = f"UPDATE {record} SET sealed_list = %s WHERE {scope} AND box = %s AND record = %s"  # noqa: S608
        self.unlisted = f"""
        SELECT record FROM {record} WHERE {scope} AND box = %s AND record = ANY(%s)
        AND (sealed_list IS NULL OR substr(sealed_list, 1, 8) <> %s)
        """  # noqa: S608
        self.own_lists = f"""
        SELECT record, sealed_list FROM {record} WHERE {scope} AND box = %s AND record = ANY(%s)
        AND sealed_list IS NOT NULL
        """  # noqa: S608
        self.drop_lists = f"""
        UPDATE {record} SET sealed_list = NULL
        WHERE {scope} AND box = %s AND record = ANY(%s) AND sealed_list IS NOT NULL
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

    def settle_retired(self, connection: Connection) -> None:
        """Erase what another box's approval covers of boxes that left for good, and forget the orders that
        waited for such a box alone."""
        connection.execute(self.erase_approved_of_retired, ())  # with values: a percent sign is doubled
        connection.execute(self.done_everywhere)
