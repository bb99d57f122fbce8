"""`informativa explain`: what would happen to a call, and by which rule. Touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ... import bootstrap, plausibility, policy
from ... import caller as callers
from ...model import (
    Caller,
    CallerHistory,
    Decision,
    Identified,
    IncomingCall,
    Line,
    PriorDelivery,
    Reason,
)
from ...operations.controllers import of_a_call
from ...text import Text
from ..options import line_named, print_json, told_aside
from ..words import _

WITHHELD = "withheld"
WITHHELD_SHOWN = Text("withheld")
_UNAVAILABLE = 67  # Q.931 presentation

RULES = {
    Reason.NOT_INFORMED: Text("nobody has told this caller to the end yet (GDPR 13(1))"),
    Reason.NEW_PURPOSE: Text(
        "the version in force covers a purpose that this caller was not told (GDPR 13(3))"
    ),
    Reason.MATERIAL_CHANGE: Text("a version since what this caller knows is a material change (WP260)"),
    Reason.PERIOD_OVER: Text("the plan asks for it again after so long"),
    Reason.RECYCLED: Text("nobody called for so long that the number may be somebody else's now"),
    Reason.UNVERIFIED: Text("the network found the number wrong, so nothing proves that he was told"),
    Reason.EVERY_CALL: Text("the plan asks for it on every call"),
    Reason.ALREADY_INFORMED: Text("this caller already has the information (GDPR 13(4))"),
    Reason.SERVICE_DATA_ONLY: Text(
        "the line's setting: only data needed for the service are used (Garante 2007)"
    ),
    Reason.WITHHELD: Text("the caller's number is withheld, so nothing proves that he was told"),
    Reason.MALFORMED: Text("what came as the caller's number is not one, so nothing proves that he was told"),
    Reason.SHARED: Text("many callers show this number, so nothing proves that this one was told"),
    Reason.LEDGER_UNAVAILABLE: Text(
        "the company is not live, so nothing is known of its callers, and nothing recorded"
    ),
    Reason.AMBIGUOUS: Text("the digits may be two numbers, so nothing proves that he was told"),
}

BRANCHES = (
    Text("call"),
    Text("from"),
    Text("to"),
    Text("at"),
    Text("line"),
    Text("number"),
    Text("controller"),
    Text("name"),
    Text("not live"),
    Text("caller"),
    Text("recognised"),
    Text("why"),
    Text("country"),
    Text("pseudonym"),
    Text("language"),
    Text("notices"),
    Text("notice"),
    Text("caller knows"),
    Text("rule"),
    Text("would"),
    Text("unless known to"),
    Text("status"),
)
"""What facts are called: so in JSON, and for a person in his language."""


def explain(file: Path, number: str, to: str, on: datetime | None, language: str, as_json: bool) -> None:
    """Print the decision on a call from `number` (or `withheld`) to the line `to`, now or `on` that time; one
    without a zone is of the controller's."""
    companies = of_a_call(file, to)
    line = line_named(companies.configuration, to)
    told_aside(companies)
    zone = line.controller.zone
    at = plausibility.moment(on.isoformat(), zone) if on else datetime.now(UTC)
    caller = callers.recognise(ringing(number, to), line)
    refused = line.controller.refused
    history = {} if refused else known_to(line, caller)
    decisions = (
        policy.play_all(line, at, Reason.LEDGER_UNAVAILABLE)
        if refused
        else policy.decide(line, history, caller, at, asked=language)
    )
    wanted = policy.wanted_language(line, caller, language)
    shown_at = at if as_json else at.astimezone(zone)
    shown = _(WITHHELD_SHOWN) if number == WITHHELD else callers.mask(number)
    facts = {
        "call": {"from": shown, "to": to, "at": shown_at.isoformat(timespec="seconds")},
        "line": {"number": line.number, "controller": line.controller.id, "name": line.controller.name}
        | ({"not live": refused} if refused else {}),
        "caller": _caller(caller, line),
        "language": wanted,
        "notices": [_notice(decision, line, wanted, history) for decision in decisions],
    }
    if as_json:
        print_json(facts)
    else:
        print("\n".join(_tree(facts)))


def ringing(number: str, to: str) -> IncomingCall:
    """A call from `number` (or `withheld`) to `to`, as Asterisk would announce it."""
    return IncomingCall(
        id="explain",
        linked="",
        line=to,
        number="" if number == WITHHELD else number,
        presentation=_UNAVAILABLE if number == WITHHELD else 0,
        language="",
    )


def known_to(line: Line, caller: Caller) -> CallerHistory:
    """What the line's controller told this caller, under any of its keys. Raises LedgerError."""
    if not isinstance(caller, Identified) or not Path(line.controller.ledger).exists():
        return {}
    store = bootstrap.store(line.controller, read_only=True)
    try:
        known: dict[str, PriorDelivery] = {}
        for key in (line.controller.key, *line.controller.old_keys):
            for notice, found in store.history(callers.pseudonym(caller, key)).items():
                known[notice] = found.merged(known.get(notice, found))
        return known
    finally:
        store.close()


def _caller(caller: Caller, line: Line) -> dict[str, str]:
    if not isinstance(caller, Identified):
        return {"recognised": _("no"), "why": caller.reason}
    pseudonym = callers.pseudonym(caller, line.controller.key).hex()[:8]
    return {"recognised": _("yes"), "country": caller.country, "pseudonym": pseudonym}


def _notice(decision: Decision, line: Line, wanted: str, history: CallerHistory) -> dict[str, object]:
    language = policy.languages(wanted, line, decision)[0]
    prompt = decision.prompts[language]
    return {
        "notice": f"{decision.notice.id} {decision.version.id}",
        "caller knows": _known(history.get(decision.notice.id)),
        "rule": f"{decision.reason}: {_(RULES.get(decision.reason, ''))}".rstrip(": "),
        "would": _(
            "play {path} ({seconds:.1f} s, {language})",
            path=prompt.path,
            seconds=prompt.seconds,
            language=language,
        )
        if decision.play
        else _("play nothing"),
        **_lookups(decision, line),
        "status": _status(decision, line, policy.informs(language, wanted, line))
        if decision.play
        else str(decision.status_of_skip),
    }


def _status(decision: Decision, line: Line, counts: bool) -> str:
    """Of what is played. A controller that is not live has no ledger that would take it."""
    if not line.controller.refused:
        return (
            _("PLAYED, if heard to its end")
            if counts
            else _("PLAYED, if heard to its end, and still due: in that language it does not count")
        )
    return _("FALLBACK ({reason}), nothing recorded", reason=decision.reason)


def _lookups(decision: Decision, line: Line) -> dict[str, str]:
    """Which of the controller's own systems the call would ask first; they are not asked here."""
    if not decision.play or decision.reason is Reason.EVERY_CALL or line.controller.refused:
        return {}
    names = [lookup.id for lookup in line.controller.lookups if lookup.notice == decision.notice.id]
    return {"unless known to": ", ".join(names)} if names else {}


def _known(known: PriorDelivery | None) -> str:
    if known is None:
        return _("nothing")
    versions, purposes = ", ".join(sorted(known.versions)), ", ".join(sorted(known.purposes))
    return _(
        "{versions} ({purposes}), by record {record} of {at:%Y-%m-%d %H:%M} UTC",
        versions=versions,
        purposes=purposes,
        record=known.record,
        at=known.at,
    )


def _tree(facts: object, indent: str = "") -> list[str]:
    """Nested facts as lines: a branch for each name, deeper ones to the right."""
    lines: list[str] = []
    pairs = list(facts.items()) if isinstance(facts, Mapping) else []
    for index, (name, value) in enumerate(pairs):
        last = index == len(pairs) - 1
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if isinstance(value, list):
            lines.append(f"{indent}{branch}{_(name)}")
            for each in value:
                lines += _tree(each, indent + below)
        elif isinstance(value, Mapping):
            lines.append(f"{indent}{branch}{_(name)}")
            lines += _tree(value, indent + below)
        else:
            lines.append(f"{indent}{branch}{_(name)}: {value}")
    return lines
