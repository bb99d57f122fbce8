"""The explanation of a call, as a tree that names the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Controller, Line, Status, name_and_id, names_of
from ...model.text import Text
from ...operations.explain import Decision, ExplainedCaller, Explanation, PriorDelivery
from ...operations.explained_choices import ExplainedChoice
from ..choice_sentences import ASKS
from ..messages import Language
from ..record_words import RULES
from ..times import local_time
from .choices import explained_key, outlook, silence

Branch = tuple[Text, "str | Sequence[Sequence[Branch]]"]
"""The name of a fact, and the fact itself or groups of more facts."""

WITHHELD = Text("withheld")


def explanation(result: Explanation, line: Line, say: Language) -> Iterator[str]:
    """Yield the lines of the tree: the call, its line, the caller, and each decision with its rule."""
    controller = line.controller
    call_facts: Sequence[Branch] = (
        (Text("from"), say(WITHHELD) if result.call.number is None else result.call.number),
        (Text("to"), result.call.to),
        (Text("at"), local_time(result.call.at, controller.zone, seconds=True)),
    )
    line_facts: list[Branch] = [
        (Text("number"), result.line.number),
        (Text("controller"), result.line.controller),
        (Text("name"), result.line.name),
    ]
    if not result.line.live:
        line_facts.append((Text("not live"), say(result.line.why_not)))
    facts: list[Branch] = [
        (Text("call"), [call_facts]),
        (Text("line"), [line_facts]),
        (Text("caller"), [_caller(result.caller, say)]),
        (Text("language"), result.language),
        *([(Text("operators in"), result.country)] if result.country else []),
        (Text("notices"), [_notice(decision, controller, say) for decision in result.notices]),
    ]
    if result.choices is not None:
        branches = [_choice(choice, controller, say) for choice in result.choices]
        facts.append((Text("choices"), branches))
    yield from _tree(facts, say)


def _caller(caller: ExplainedCaller, say: Language) -> Sequence[Branch]:
    if not caller.recognised:
        return (Text("recognised"), say("no")), (Text("why"), caller.reason or "")
    return (
        (Text("recognised"), say("yes")),
        (Text("country"), caller.country or ""),
        (Text("pseudonym"), (caller.pseudonym or "")[:8]),
    )


def _notice(decision: Decision, company: Controller, say: Language) -> Sequence[Branch]:
    names, rule = company.names, RULES.get(decision.reason)
    facts: list[Branch] = [
        (Text("notice"), f"{say(name_and_id(decision.notice, names))} {decision.version}"),
        (Text("caller knows"), _prior_text(decision.known, company, say)),
        (Text("rule"), f"{decision.reason}: {say(rule)}" if rule else decision.reason),
        (Text("would"), _would(decision, say)),
    ]
    if decision.lookups:
        facts.append((Text("unless known to"), ", ".join(decision.lookups)))
    return [*facts, (Text("status"), _status(decision, say))]


def _choice(choice: ExplainedChoice, company: Controller, say: Language) -> Sequence[Branch]:
    names, zone = company.names, company.zone
    facts: list[Branch] = [
        (Text("choice"), f"{say(name_and_id(choice.choice, names))} {choice.version}"),
        (Text("after"), "" if choice.after is None else say(name_and_id(choice.after, names))),
        (Text("asks"), say(ASKS[choice.asks])),
        (Text("would"), outlook(choice, zone, say)),
    ]
    if choice.rests_on is not None:
        facts.append((Text("rests on"), say(name_and_id(choice.rests_on, names))))
    keys = [(Text("key {key}", key=key.key), explained_key(key, zone, say)) for key in choice.keys]
    return [*facts, *keys, (Text("no key"), silence(choice.silence, say))]


def _prior_text(prior: PriorDelivery | None, company: Controller, say: Language) -> str:
    if prior is None:
        return say("nothing")
    return say(
        "{versions} ({purposes}), by record {record} of {at}",
        versions=", ".join(prior.versions),
        purposes=names_of(prior.purposes, company.names),
        record=prior.record,
        at=local_time(prior.at, company.zone),
    )


def _would(decision: Decision, say: Language) -> str:
    playback = decision.playback
    if playback is None:
        return say("play nothing")
    return say(
        "play {path} ({seconds:.1f} s, {language})",
        path=playback.prompt,
        seconds=playback.seconds,
        language=playback.language,
    )


def _status(decision: Decision, say: Language) -> str:
    if decision.playback is None:
        return decision.status
    if decision.status is Status.FALLBACK:
        return say("FALLBACK ({reason}), nothing recorded", reason=decision.reason)
    if decision.playback.informs:
        return say("PLAYED, if heard to its end")
    return say("PLAYED, if heard to its end, and still due: in that language it does not count")


def _tree(facts: Sequence[Branch], say: Language, indent: str = "") -> Iterator[str]:
    """Yield facts as lines: a branch for each name, deeper ones to the right."""
    for index, (name, value) in enumerate(facts):
        branch, below = ("└─ ", "   ") if index == len(facts) - 1 else ("├─ ", "│  ")
        if isinstance(value, str):
            yield f"{indent}{branch}{say(name)}: {value}"
            continue
        yield f"{indent}{branch}{say(name)}"
        for group in value:
            yield from _tree(group, say, indent + below)
