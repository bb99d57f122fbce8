"""The SQL statement for the records of one company that a filter selects. No connection here.

It has conditions for the fields that are set, and for no others: of `field IS NULL OR …` a plan for any
values, as a login makes it (`schema.served`), is a look through all records of the company. Words of the
program's own stand in the statement, where each plan sees them. No condition calls a function that is not
leakproof: such a condition comes after row security, and is not looked up in an index.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ledgers.rows import microseconds
from ..model import RecordFilter
from . import schema
from .rows import Statements


def search_statement(
    company: int, record_filter: RecordFilter, last: int | None = None
) -> tuple[str, dict[str, object]]:
    """Return the statement for the records of a filter, or the last ones of them, in the order in which they
    happened, each with its box; and its values."""
    conditions, values = list[str](), dict[str, object]()
    for condition, named in _conditions(record_filter):
        conditions.append(f" AND {condition}")
        values |= named
    selected = Statements(company).selected + "".join(conditions)
    if last is None:
        return f"{selected} ORDER BY at, box, record", values
    latest = f"{selected} ORDER BY at DESC, box DESC, record DESC LIMIT %(last)s"
    statement = f"SELECT * FROM ({latest}) AS latest ORDER BY at, box, record"  # noqa: S608  # our own names
    return statement, values | {"last": last}


def _conditions(record_filter: RecordFilter) -> Iterator[tuple[str, dict[str, object]]]:
    """Iterate over the conditions of a filter, each with its values."""
    if record_filter.line:
        yield "line = %(line)s", {"line": record_filter.line}
    if record_filter.status is not None:  # `record_rare` has most words, and only of a literal that is plain
        yield f"status = {schema.literal(str(record_filter.status))}", {}
    if record_filter.reason is not None:
        yield "reason = %(reason)s", {"reason": str(record_filter.reason)}
    if record_filter.since is not None:
        yield "at >= %(since)s::bigint", {"since": microseconds(record_filter.since)}
    if record_filter.until is not None:
        yield "at < %(until)s::bigint", {"until": microseconds(record_filter.until)}
    if record_filter.callers:
        yield "pseudonym = ANY(%(callers)s::bytea[])", {"callers": list(record_filter.callers)}
    if record_filter.without:
        kinds = ", ".join(schema.literal(str(kind)) for kind in record_filter.without)
        yield f"kind NOT IN ({kinds})", {}
    if record_filter.caller:
        yield "pseudonym >= %(caller)s::bytea", {"caller": record_filter.caller}
        if after := _first_after(record_filter.caller):
            yield "pseudonym < %(after)s::bytea", {"after": after}


def _first_after(prefix: bytes) -> bytes:
    """Return the first bytes after all that begin with the prefix; none where nothing comes after them."""
    shortened = prefix.rstrip(b"\xff")
    return shortened[:-1] + bytes([shortened[-1] + 1]) if shortened else b""
