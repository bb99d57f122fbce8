"""Who else has logs, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...publication import Publication, TargetAnswer
from ..messages import Language


def publications(found: Iterable[Publication], say: Language) -> Iterator[str]:
    """For each log who signed and where it is, or why not."""
    for each in found:
        yield say.counted(
            "{id}: {size} record signed.",
            "{id}: {size} records signed.",
            each.size,
            id=each.controller.id,
            size=each.size,
        )
        for witness in each.witnesses:
            if witness.error is None:
                yield "  " + say("Witness {name}: signed.", name=witness.name)
            else:
                yield "  ✘ " + say(witness.error.text)
        if not each.quorum:
            yield "  ✘ " + say("Fewer witnesses signed than must: {enough}.", enough=each.enough)
        if each.stamp is not None and each.stamp.error is not None:
            yield "  ✘ " + say(each.stamp.error.text)
        elif each.stamp is not None and each.stamp.at is not None:
            yield "  " + say(
                "Time-stamp of {size} records by {url}: {at:%Y-%m-%d %H:%M} UTC.",
                size=each.stamp.size,
                url=each.stamp.authority,
                at=each.stamp.at,
            )
        yield from (f"  {_delivered(target, say)}" for target in each.targets)
        if not (each.witnesses or each.targets):
            yield "  " + say("Nobody else has it: `evidence:` in the configuration names no one.")


def _delivered(target: TargetAnswer, say: Language) -> str:
    """What came to one target, or why nothing did."""
    if target.error is not None:
        return "✘ " + say(target.error.text)
    written = say.counted(
        "{place}: {files} file written.",
        "{place}: {files} files written.",
        target.files,
        place=target.place,
        files=target.files,
    )
    if target.independent:
        return written
    return f"{written} {say('It proves nothing against whoever can change it too.')}"
