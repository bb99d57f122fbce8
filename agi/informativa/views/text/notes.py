"""Notes in logs, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...operations.evidence.note_words import RuleChange
from ..messages import Language


def change_lines(changes: Iterable[RuleChange], say: Language) -> Iterator[str]:
    """Yield the values that a rule changes, one on each line."""
    for change in changes:
        after = say("nothing") if change.after is None else change.after
        if change.before is None:
            yield f"  {change.name}: {after}"
        else:
            yield "  " + say(
                "{name}: {value} instead of {before}", name=change.name, value=after, before=change.before
            )
