"""Publication of logs, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...publication import Publication, TargetAnswer
from ..messages import Language


def publications(results: Iterable[Publication], say: Language) -> Iterator[str]:
    """Yield for each log its witnesses, its time-stamp and its targets, or the errors of these."""
    for publication in results:
        yield say.counted(
            "{id}: {size} record signed.",
            "{id}: {size} records signed.",
            publication.size,
            id=publication.controller.id,
            size=publication.size,
        )
        for witness in publication.witnesses:
            if witness.error is None:
                yield "  " + say("Witness {name}: signed.", name=witness.name)
            else:
                yield "  ✘ " + say(witness.error.text)
        if not publication.quorum:
            yield "  ✘ " + say("Fewer witnesses signed than must: {enough}.", enough=publication.enough)
        if publication.stamp is not None and publication.stamp.error is not None:
            yield "  ✘ " + say(publication.stamp.error.text)
        elif publication.stamp is not None and publication.stamp.at is not None:
            yield "  " + say(
                "Time-stamp of {size} records by {url}: {at:%Y-%m-%d %H:%M} UTC.",
                size=publication.stamp.size,
                url=publication.stamp.authority,
                at=publication.stamp.at,
            )
        yield from (f"  {_delivered(target, say)}" for target in publication.targets)
        if not (publication.witnesses or publication.targets):
            yield "  " + say("Nobody else has it: `evidence:` in the configuration names no one.")


def _delivered(target: TargetAnswer, say: Language) -> str:
    """Return the result of one target."""
    if target.error is not None:
        return "✘ " + say(target.error.text)
    result = say.counted(
        "{place}: {files} file written.",
        "{place}: {files} files written.",
        target.files,
        place=target.place,
        files=target.files,
    )
    if target.independent:
        return result
    return f"{result} {say('It proves nothing against whoever can change it too.')}"
