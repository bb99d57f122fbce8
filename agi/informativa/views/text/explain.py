"""The explanation of a call, as a tree that names the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import NamesByLanguage, PriorDelivery, Status, name_and_id, names_of
from ...operations.explain import ExplainedDecision, Explanation, RecognisedCaller
from ...text import Text
from ..messages import Language
from ..record_words import RULES

Branch = tuple[Text, "str | Sequence[Sequence[Branch]]"]
"""The name of a fact, and the fact itself or groups of more facts."""

WITHHELD = Text("withheld")


def explanation(result: Explanation, say: Language) -> Iterator[str]:
    """Yield the lines of the tree: the call, the line, the caller, and each decision with its rule."""
    owner = result.line.controller
    call: Sequence[Branch] = (
        (Text("from"), say(WITHHELD) if result.number is None else result.number),
        (Text("to"), result.dialled),
        (Text("at"), result.at.astimezone(owner.zone).isoformat(timespec="seconds")),
    )
    line: list[Branch] = [
        (Text("number"), result.line.number),
        (Text("controller"), owner.id),
        (Text("name"), owner.name),
    ]
    if owner.refused:
        line.append((Text("not live"), say(owner.refused)))
    facts: Sequence[Branch] = (
        (Text("call"), [call]),
        (Text("line"), [line]),
        (Text("caller"), [_caller(result, say)]),
        (Text("language"), result.language),
        (Text("notices"), [_notice(decision, owner.names, say) for decision in result.decisions]),
    )
    yield from _tree(facts, say)


def _caller(explained: Explanation, say: Language) -> Sequence[Branch]:
    caller = explained.caller
    if not isinstance(caller, RecognisedCaller):
        return (Text("recognised"), say("no")), (Text("why"), caller.reason)
    return (
        (Text("recognised"), say("yes")),
        (Text("country"), caller.country),
        (Text("pseudonym"), caller.pseudonym.hex()[:8]),
    )


def _notice(explained: ExplainedDecision, names: NamesByLanguage, say: Language) -> Sequence[Branch]:
    decision = explained.decision
    rule = RULES.get(decision.reason)
    facts: list[Branch] = [
        (Text("notice"), f"{say(name_and_id(decision.notice.id, names))} {decision.version.id}"),
        (Text("caller knows"), _known(explained.known, names, say)),
        (Text("rule"), f"{decision.reason}: {say(rule)}" if rule else decision.reason),
        (Text("would"), _would(explained, say)),
    ]
    if explained.lookups:
        facts.append((Text("unless known to"), ", ".join(explained.lookups)))
    return [*facts, (Text("status"), _status(explained, say))]


def _known(prior: PriorDelivery | None, names: NamesByLanguage, say: Language) -> str:
    if prior is None:
        return say("nothing")
    return say(
        "{versions} ({purposes}), by record {record} of {at:%Y-%m-%d %H:%M} UTC",
        versions=", ".join(sorted(prior.versions)),
        purposes=names_of(sorted(prior.purposes), names),
        record=prior.record,
        at=prior.at,
    )


def _would(explained: ExplainedDecision, say: Language) -> str:
    if explained.playback is None:
        return say("play nothing")
    prompt = explained.playback.prompt
    return say(
        "play {path} ({seconds:.1f} s, {language})",
        path=prompt.path,
        seconds=prompt.seconds,
        language=explained.playback.language,
    )


def _status(explained: ExplainedDecision, say: Language) -> str:
    if explained.playback is None:
        return explained.status
    if explained.status is Status.FALLBACK:
        return say("FALLBACK ({reason}), nothing recorded", reason=explained.decision.reason)
    if explained.playback.informs:
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
