"""Records past the retention, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.retention import Purged
from ..messages import Language


def purged(part: Purged, done: bool, say: Language) -> Iterator[str]:
    """Yield lines about one controller's records; `done`: they are deleted."""
    if part.instruction:
        yield instructed(part.name, part.controller, part.instruction, done, say)
    yield _purged(part, done, say)
    if part.why_less:
        yield f"    {say(part.why_less)}"
    elif part.older_kept:
        yield say.counted(
            "    {count} record recorded before stays for now: it is not among the first that may go",
            "    {count} records recorded before stay for now: they are not among the first that may go",
            part.older_kept,
            count=part.older_kept,
        )
    if part.doubt:
        yield f"    {say(part.doubt)}"


def instructed(name: str, controller: str, instruction: str, done: bool, say: Language) -> str:
    """Return a line about the rule that the log of a controller states anew; `done`: it does."""
    names = {"name": name, "id": controller, "instruction": instruction}
    if done:
        return say("{name} ({id}): the log states its rule anew, by the instruction {instruction}", **names)
    return say("{name} ({id}): the log would state its rule anew, by the instruction {instruction}", **names)


def _purged(purged: Purged, done: bool, say: Language) -> str:
    company = {"name": purged.name, "id": purged.controller}
    if purged.before is None:
        return say("{name} ({id}): no retention is set, records are kept for ever", **company)
    count = purged.records or 0
    facts = {**company, "count": count, "cutoff": purged.before}
    if done:
        return say.counted(
            "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} deleted",
            "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} deleted",
            count,
            **facts,
        )
    return say.counted(
        "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} would be deleted",
        "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} would be deleted",
        count,
        **facts,
    )
