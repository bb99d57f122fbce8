"""What would happen to a call, as a tree that names the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import NamesByLanguage, PriorDelivery, Status, name_and_id, names_of
from ...operations.explain import ExplainedDecision, Explanation, RecognisedCaller
from ...text import Text
from ..messages import Language
from ..record_words import RULES

Branch = tuple[Text, "str | Sequence[Sequence[Branch]]"]
"""What a fact is called, and the fact itself or groups of more facts."""

WITHHELD = Text("withheld")


def explanation(found: Explanation, say: Language) -> Iterator[str]:
    """The decisions on a call, each with its rule."""
    owner = found.line.controller
    call: Sequence[Branch] = (
        (Text("from"), say(WITHHELD) if found.number is None else found.number),
        (Text("to"), found.dialled),
        (Text("at"), found.at.astimezone(owner.zone).isoformat(timespec="seconds")),
    )
    line: list[Branch] = [
        (Text("number"), found.line.number),
        (Text("controller"), owner.id),
        (Text("name"), owner.name),
    ]
    if owner.refused:
        line.append((Text("not live"), say(owner.refused)))
    facts: Sequence[Branch] = (
        (Text("call"), [call]),
        (Text("line"), [line]),
        (Text("caller"), [_caller(found, say)]),
        (Text("language"), found.language),
        (Text("notices"), [_notice(decision, owner.names, say) for decision in found.decisions]),
    )
    yield from _tree(facts, say)


def _caller(found: Explanation, say: Language) -> Sequence[Branch]:
    caller = found.caller
    if not isinstance(caller, RecognisedCaller):
        return (Text("recognised"), say("no")), (Text("why"), caller.reason)
    return (
        (Text("recognised"), say("yes")),
        (Text("country"), caller.country),
        (Text("pseudonym"), caller.pseudonym.hex()[:8]),
    )


def _notice(found: ExplainedDecision, names: NamesByLanguage, say: Language) -> Sequence[Branch]:
    decision = found.decision
    rule = RULES.get(decision.reason)
    facts: list[Branch] = [
        (Text("notice"), f"{say(name_and_id(decision.notice.id, names))} {decision.version.id}"),
        (Text("caller knows"), _known(found.known, names, say)),
        (Text("rule"), f"{decision.reason}: {say(rule)}" if rule else decision.reason),
        (Text("would"), _would(found, say)),
    ]
    if found.lookups:
        facts.append((Text("unless known to"), ", ".join(found.lookups)))
    return [*facts, (Text("status"), _status(found, say))]


def _known(known: PriorDelivery | None, names: NamesByLanguage, say: Language) -> str:
    if known is None:
        return say("nothing")
    return say(
        "{versions} ({purposes}), by record {record} of {at:%Y-%m-%d %H:%M} UTC",
        versions=", ".join(sorted(known.versions)),
        purposes=names_of(sorted(known.purposes), names),
        record=known.record,
        at=known.at,
    )


def _would(found: ExplainedDecision, say: Language) -> str:
    if found.playback is None:
        return say("play nothing")
    prompt = found.playback.prompt
    return say(
        "play {path} ({seconds:.1f} s, {language})",
        path=prompt.path,
        seconds=prompt.seconds,
        language=found.playback.language,
    )


def _status(found: ExplainedDecision, say: Language) -> str:
    if found.playback is None:
        return found.status
    if found.status is Status.FALLBACK:
        return say("FALLBACK ({reason}), nothing recorded", reason=found.decision.reason)
    if found.playback.informs:
        return say("PLAYED, if heard to its end")
    return say("PLAYED, if heard to its end, and still due: in that language it does not count")


def _tree(facts: Sequence[Branch], say: Language, indent: str = "") -> Iterator[str]:
    """Facts as lines: a branch for each name, deeper ones to the right."""
    for index, (name, value) in enumerate(facts):
        branch, below = ("└─ ", "   ") if index == len(facts) - 1 else ("├─ ", "│  ")
        if isinstance(value, str):
            yield f"{indent}{branch}{say(name)}: {value}"
            continue
        yield f"{indent}{branch}{say(name)}"
        for group in value:
            yield from _tree(group, say, indent + below)
