"""A rollback for a terminal: done, or as it would be."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.rollback.plan import Rollback
from ..messages import Language


def rollback(result: Rollback, say: Language) -> Iterator[str]:
    """Yield the steps of a rollback, in their order."""
    versions = {"version": result.version, "earlier": result.earlier}
    if result.done:
        yield say("informativa {earlier} has taken the place of {version}.", **versions)
    else:
        yield say("informativa {earlier} would take the place of {version}:", **versions)
    if result.stopped:
        yield say("stop, once their calls are over: {units}", units=", ".join(result.stopped))
    for ledger in result.ledgers:
        yield say.counted(
            "{ledger}: from schema {schema} to {target}, with its {count} record, and a copy beside it",
            "{ledger}: from schema {schema} to {target}, with all {count} records, and a copy beside it",
            ledger.records,
            ledger=ledger.ledger,
            schema=ledger.schema,
            target=ledger.target,
        )
    for file in result.written:
        yield say("write as that version has it: {file}", file=file)
    for line in result.commands:
        yield say("install: {command}", command=line)
    if result.stopped:
        yield say("start: {units}", units=", ".join(result.stopped))
    if not result.done:
        yield say("Nothing was changed. With --yes it is done.")
