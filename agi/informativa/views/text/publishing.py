"""Publication of logs, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...evidence.settings import EvidenceConfig
from ...operations.evidence.publishing import Publications, PublishedTo
from ..messages import Language


def published(publications: Publications, settings: EvidenceConfig, say: Language) -> Iterator[str]:
    """Yield for each log its witnesses and its targets, or their problems; by the `settings`
    of all controllers."""
    for log in publications.logs:
        yield say.counted(
            "{id}: {size} record signed.",
            "{id}: {size} records signed.",
            log.size,
            id=log.controller,
            size=log.size,
        )
        for witness in log.witnesses:
            if witness.problem is None:
                yield "  " + say("Witness {name}: signed.", name=witness.name)
            else:
                yield "  ✘ " + say(witness.problem)
        if not log.quorum:
            enough = settings.for_controller(log.controller).required_witnesses
            yield "  ✘ " + say("Fewer witnesses signed than must: {enough}.", enough=enough)
        yield from (f"  {_delivered(target, say)}" for target in log.targets)
        if not (log.witnesses or log.targets):
            yield "  " + say("Nobody else has it: `evidence:` in the configuration names no one.")


def _delivered(target: PublishedTo, say: Language) -> str:
    """Return the result of one target."""
    if target.problem is not None:
        return "✘ " + say(target.problem)
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
