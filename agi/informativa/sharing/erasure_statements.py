"""The SQL statements by which boxes erase callers and order it of each other, for one company's schema."""

from __future__ import annotations

from ..ledgers.gathered_caller import ERASED_ROW
from . import schema


class ErasureStatements:
    """The statements for one company's schema, as it is from a migration on. `%s` stands for a value."""

    def __init__(self, controller: str, number: int = schema.OLDEST) -> None:
        self.proofs, self.sealed = number >= schema.EVIDENCE, number >= schema.SEALED
        name = schema.quoted(schema.role(controller))
        box, record, erasure = f"{name}.box", f"{name}.record", f"{name}.erasure"

        openings = ["salt_who", "binding", *(["opening"] if number >= schema.VERSION_2 else [])]
        closing = ", ".join(f"{name} = NULL" for name in openings)
        opened = " OR ".join(f"{name} IS NOT NULL" for name in openings)  # as the index has it
        closed = f", {closing}" if self.proofs else ""
        unplaced = "rank = NULL, withdrawal = NULL, " if number >= schema.ANSWERS else ""
        erase = f"UPDATE {record} SET informs = 0, {unplaced}{ERASED_ROW.replace('%', '%%')}{closed}"  # noqa: S608  # our own names, here and below
        self.erase = f"{erase} WHERE box = %s AND record = ANY(%s) AND erased = 0"
        self.erase_caller = f"{erase} WHERE pseudonym = ANY(%s)"
        self.rests_no_more = f"""
        UPDATE {record} SET basis = NULL, elsewhere = NULL{closed} WHERE box = %s AND record = ANY(%s)
        """  # noqa: S608
        # Where there are proofs: for what a box of an earlier informativa erased, which knows of no salts.
        self.close_erased = f"""
        UPDATE {record} SET {unplaced}{closing}
        WHERE erased = 1 AND ({opened})
        """  # noqa: S608

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
        self.lock_boxes = f"""
        SELECT name, erasures, retired IS NOT NULL FROM {box} ORDER BY name FOR UPDATE
        """  # noqa: S608
        self.newest_erasure = f"SELECT coalesce(max(erasure), 0) FROM {erasure}"  # noqa: S608
        sealed_too = (", sealed", ", %s") if self.sealed else ("", "")
        self.add_erasure = (
            f"INSERT INTO {erasure} (erasure, pseudonyms{sealed_too[0]}) VALUES (%s, %s{sealed_too[1]})"  # noqa: S608
        )
        self.count_erasure = f"UPDATE {box} SET erasures = %s"  # noqa: S608
        # For a box that erased the caller before it ordered the others to.
        self.applied_here = f"UPDATE {box} SET applied = %s WHERE name = %s AND applied = %s"  # noqa: S608
        self.done_everywhere = f"""
        DELETE FROM {erasure} WHERE erasure <= (SELECT min(applied) FROM {box} WHERE retired IS NULL)
        """  # noqa: S608

        self.pending = f"""
        SELECT erasure, pseudonyms, {"sealed" if self.sealed else "NULL"} FROM {erasure}
        WHERE erasure > %s ORDER BY erasure
        """  # noqa: S608
        self.applied = f"""
        UPDATE {box} SET applied = greatest(applied, %s) WHERE name = %s AND identity = %s
        """  # noqa: S608
        # The newest erasure, the one up to which all boxes applied them, and these: all of one moment.
        self.orders = f"""
        SELECT counted.erasures, counted.applied, {erasure}.erasure, {erasure}.pseudonyms
        FROM (
            SELECT max(erasures) AS erasures, min(applied) FILTER (WHERE retired IS NULL) AS applied
            FROM {box}
        ) AS counted LEFT JOIN {erasure} ON {erasure}.erasure = ANY(%s)
        """  # noqa: S608

        # The other names under which the records of a ledger are there: it was restored under a new one.
        self.earlier_names = f"SELECT name FROM {box} WHERE identity = %s AND name <> %s"  # noqa: S608
        self.erased_of = f"""
        SELECT DISTINCT record FROM {record} WHERE box = ANY(%s) AND erased = 1
        """  # noqa: S608
        self.known_nowhere = f"""
        SELECT pseudonym FROM unnest(%s::bytea[]) AS learnt (pseudonym)
        WHERE NOT EXISTS (SELECT 1 FROM {record} AS told WHERE told.pseudonym = learnt.pseudonym)
        AND NOT EXISTS (SELECT 1 FROM {record} AS told WHERE told.earlier = learnt.pseudonym)
        """  # noqa: S608
