"""The SQL statements of a box for all companies that it serves, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rows import ANSWER, COLUMNS, EVIDENCE, INFORMS, KINDS, LAST_BATCH, LISTED, RECORD_COLUMNS, arrays_of
from .schema import SCHEMA

SEEN = f"""
INSERT INTO {SCHEMA}.box (box, program, ahead) VALUES (%s, %s, %s)
ON CONFLICT (box) DO UPDATE SET
    seen = now(), program = excluded.program, ahead = coalesce(excluded.ahead, box.ahead)
RETURNING extract(epoch FROM clock_timestamp())
"""  # noqa: S608  # our own names
"""The statement by which a box says that it is alive, and how far its clock is ahead. It returns the server's
time."""
BATCH = f"""
UPDATE {SCHEMA}.box SET batch = batch + 1,
    epoch = CASE WHEN batch = %(known)s THEN epoch ELSE %(random)s END
WHERE box = %(box)s RETURNING batch
"""  # noqa: S608
"""The statement before each transaction that sends something. Where the last batch is not the one that this
sender knows, as on a server that was promoted without it, a new epoch begins."""
LISTEN, NOTIFY = f"LISTEN {SCHEMA}", f"NOTIFY {SCHEMA}"
"""The statements by which boxes call each other to look. Whoever misses a call looks somewhat later."""
HINTS = f"SELECT box, epoch, batch FROM {SCHEMA}.box WHERE box <> %s"  # noqa: S608
"""The last batch of each other box."""
# By the index of boxes, also where the server has no statistics: else it reads all ledgers.
NEWS = f"""
SELECT given.box, ledger.*
FROM unnest(%s::text[], %s::bigint[]) AS given (box, since)
CROSS JOIN LATERAL (
    SELECT identity, company, record, answered FROM {SCHEMA}.ledger
    WHERE ledger.box = given.box AND batch > since OFFSET 0
) AS ledger
"""  # noqa: S608
"""The ledgers of which boxes sent something since a batch of the same epoch."""
TO_ERASE = f"SELECT company FROM {SCHEMA}.ledger WHERE box = %s AND applied < erasures"  # noqa: S608
"""The companies of which a box has callers to erase."""
STANDING = f"SELECT company, record, retired IS NOT NULL FROM {SCHEMA}.ledger WHERE box = %s"  # noqa: S608
"""The last record there of each company's ledger of a box."""


_GIVEN_ROWS = {
    "company": "integer", "record": "bigint", "identity": "bytea", "erasures": "bigint", "sent": "bigint",
    "proven": "bigint", "proves": "bigint",
}  # fmt: skip
# Only for ledgers that know of all erasures, since a new erasure waits for transactions in progress; and only
# for records that follow on those that are there. A ledger that somebody else locks has its turn later: the
# others do not wait for it. Until what was sent before is there with its answers, only that moves `answered`.
SENDING = f"""
WITH given AS (
    SELECT * FROM unnest({arrays_of(_GIVEN_ROWS.values())}) AS given ({", ".join(_GIVEN_ROWS)})
), free AS (
    SELECT l.company FROM {SCHEMA}.ledger AS l JOIN given ON l.company = given.company
    WHERE l.box = %s AND l.identity = given.identity AND l.erasures = given.erasures
    AND l.record = given.sent AND l.retired IS NULL
    FOR NO KEY UPDATE OF l SKIP LOCKED
)
UPDATE {SCHEMA}.ledger AS l SET
    record = greatest(l.record, given.record), newest = greatest(l.newest, given.record),
    answered = CASE WHEN l.answered = l.record THEN greatest(l.record, given.record) ELSE l.answered END,
    proven = CASE WHEN l.proven = given.proven THEN given.proves ELSE l.proven END,
    batch = ({LAST_BATCH} l.box)
FROM given JOIN free USING (company) WHERE l.company = given.company AND l.box = %s
RETURNING l.company
"""  # noqa: S608  # our own names, here and below
"""The statement before records of several companies are sent: it returns those whose records may be."""
_SENT = ", ".join((LISTED, *EVIDENCE, *ANSWER))
_SENT_KINDS = ("integer", "smallint", *KINDS.values(), *EVIDENCE.values(), *ANSWER.values())
SEND = f"""
INSERT INTO {SCHEMA}.record (company, box, informs, {_SENT})
SELECT company, %s, informs, {_SENT}
FROM unnest({arrays_of(_SENT_KINDS)}) AS given (company, informs, {_SENT})
ON CONFLICT DO NOTHING
"""  # noqa: S608
"""The statement by which records of several companies are sent."""
_WANTED = {
    "number": "integer", "company": "integer", "box": "text", "identity": "bytea", "after": "bigint",
    "upto": "bigint", "seen": "boolean",
}  # fmt: skip
# One statement is of one moment of one server: where `record` of the ledger says so, all up to it are there.
RECEIVE = f"""
SELECT given.number, taken.*
FROM unnest({arrays_of(_WANTED.values())}) AS given ({", ".join(_WANTED)})
CROSS JOIN LATERAL (
    SELECT FROM {SCHEMA}.ledger AS l
    WHERE l.company = given.company AND l.box = given.box AND l.identity = given.identity
    AND l.record >= given.upto
) AS complete
LEFT JOIN LATERAL (
    SELECT {", ".join(f"r.{name}" for name in (*COLUMNS, *ANSWER))} FROM {SCHEMA}.record AS r
    WHERE r.company = given.company AND r.box = given.box
    AND r.record > given.after AND r.record <= given.upto AND r.due = 0
    AND CASE WHEN given.seen IS NULL THEN r.rank IS NOT NULL ELSE r.pseudonym IS NOT NULL
        AND (r.informs = 1 OR (given.seen AND r.reason = 'already-informed') OR r.rank IS NOT NULL) END
    ORDER BY r.record LIMIT %s
) AS taken ON true
"""  # noqa: S608
"""The statement by which records of other boxes are received, for several companies and boxes at once:
records that inform callers or have their answers, and with `seen` calls of callers who knew a notice;
where `seen` is NULL, those with answers alone. It returns the number of each request, with a record or
NULL; and nothing of a request where the server has not got all records of that ledger up to `upto`.
Records of a caller whose erasure waits for an approval are left out: a box that did not know him is not
told any more."""


SENT = f"SELECT record FROM {SCHEMA}.ledger WHERE company = %(company)s AND box = %(box)s"  # noqa: S608
"""The number of the last record of a box that is there."""
# Under an earlier key as well, which may be the only one that this box has. A part for each index: of one
# condition a planner without statistics makes a look through all records of the company, and by the index of
# answers, or of times, one through all of those. No record is of two parts, so nothing is sorted for that.
_HIS = "box <> %(box)s AND at + 0 >= %(since)s AND due = 0"
_OF_COMPANY = f"SELECT box, {RECORD_COLUMNS} FROM {SCHEMA}.record WHERE company = %(company)s"  # noqa: S608
KNOWN = f"""
{_OF_COMPANY} AND pseudonym = ANY(%(pseudonyms)s) AND informs = 1 AND {_HIS}
UNION ALL
{_OF_COMPANY} AND pseudonym = ANY(%(pseudonyms)s) AND informs <> 1 AND rank IS NOT NULL AND {_HIS}
UNION ALL
{_OF_COMPANY} AND earlier = ANY(%(pseudonyms)s) AND rank + 0 IS NOT NULL AND {_HIS}
    AND (pseudonym = ANY(%(pseudonyms)s)) IS NOT TRUE
"""
"""The records that informed a caller, and his answers. The company is a value, as in all of these: a
connection plans the question once for all companies."""


def sending(box: str, ledgers: Sequence[Sequence[Any]]) -> list[object]:
    """Return the values of SENDING for ledgers with the values of _GIVEN_ROWS each."""
    return [*map(list, zip(*ledgers, strict=True)), box, box]


def arrays(box: str, pages: Sequence[tuple[int, Sequence[Sequence[Any]]]]) -> list[object]:
    """Return the values of SEND for pages of ledgers, each with the number of its company. The rows of a page
    have COLUMNS, whether the caller is informed, EVIDENCE, ANSWER."""
    companies = [company for company, page in pages for _row in page]
    columns = list(map(list, zip(*(row for _company, page in pages for row in page), strict=True)))
    return [box, companies, columns.pop(INFORMS), *columns]
