"""`informativa explain`: what would happen to a call, and by which rule. Touches nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from .. import bootstrap, policy
from .. import caller as callers
from ..config import load
from ..errors import InformativaError
from ..model import Caller, Decision, Identified, IncomingCall, Known, Line, Reason, Standing, Status

WITHHELD = "withheld"
_UNAVAILABLE = 67  # Q.931 presentation

RULES = {
    Reason.NOT_INFORMED: "nobody has told this caller to the end yet (GDPR 13(1))",
    Reason.NEW_PURPOSE: "the version in force covers a purpose that this caller was not told (GDPR 13(3))",
    Reason.MATERIAL_CHANGE: "a version since what this caller knows is a material change (WP260)",
    Reason.PERIOD_OVER: "the plan asks for it again after so long",
    Reason.EVERY_CALL: "the plan asks for it on every call",
    Reason.ALREADY_INFORMED: "this caller already has the information (GDPR 13(4))",
    Reason.SERVICE_DATA_ONLY: "the line's setting: only data needed for the service are used (Garante 2007)",
    Reason.WITHHELD: "the caller's number is withheld, so nothing proves that he was told",
    Reason.MALFORMED: "what came as the caller's number is not one, so nothing proves that he was told",
    Reason.SHARED: "many callers show this number, so nothing proves that this one was told",
    Reason.AMBIGUOUS: "the digits may be two numbers, so nothing proves that he was told",
}


def explain(file: Path, number: str, to: str, at: datetime, language: str, as_json: bool) -> None:
    """Print the decision on a call from `number` (or `withheld`) to the line `to` at `at`."""
    configuration = load(file)
    line = configuration.spelled.get(to)
    if line is None:
        known = ", ".join(found.number for found in configuration.lines)
        raise InformativaError(
            f"There is no line {to}: its callers hear fallback_prompt.", f"There are: {known}."
        )
    caller = callers.recognise(ringing(number, to), line)
    standing = known_to(line, caller)
    decisions = policy.decide(line, standing, caller, at)
    wanted = policy.wanted_language(line, caller, language)
    facts = {
        "call": {"from": callers.mask(number), "to": to, "at": at.isoformat(timespec="seconds")},
        "line": {"number": line.number, "controller": line.controller.id, "name": line.controller.name}
        | ({"not live": line.controller.refused} if line.controller.refused else {}),
        "caller": _caller(caller, line),
        "language": wanted,
        "notices": [_notice(decision, line, wanted, standing) for decision in decisions],
    }
    print(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else "\n".join(_tree(facts)))


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


def known_to(line: Line, caller: Caller) -> Standing:
    """What the line's controller told this caller, under any of its keys. Raises LedgerError."""
    if not isinstance(caller, Identified) or not Path(line.controller.ledger).exists():
        return {}
    store = bootstrap.store(line.controller, read_only=True)
    try:
        known: dict[str, Known] = {}
        for key in (line.controller.key, *line.controller.old_keys):
            for notice, found in store.standing(callers.pseudonym(caller, key)).items():
                known[notice] = found.merged(known.get(notice, found))
        return known
    finally:
        store.close()


def _caller(caller: Caller, line: Line) -> dict[str, str]:
    if not isinstance(caller, Identified):
        return {"recognised": "no", "why": caller.reason}
    pseudonym = callers.pseudonym(caller, line.controller.key).hex()[:8]
    return {"recognised": "yes", "country": caller.country, "pseudonym": pseudonym}


def _notice(decision: Decision, line: Line, wanted: str, standing: Standing) -> dict[str, object]:
    language = policy.languages(wanted, line, decision)[0]
    prompt = decision.prompts[language]
    skipped = Status.SKIPPED if decision.reason is Reason.SERVICE_DATA_ONLY else Status.NOTDUE
    return {
        "notice": f"{decision.notice.id} {decision.version.id}",
        "caller knows": _known(standing.get(decision.notice.id)),
        "rule": f"{decision.reason}: {RULES.get(decision.reason, '')}".rstrip(": "),
        "would": f"play {prompt.path} ({prompt.seconds:.1f} s, {language})"
        if decision.play
        else "play nothing",
        **_lookups(decision, line),
        "status": "PLAYED, if heard to its end" if decision.play else str(skipped),
    }


def _lookups(decision: Decision, line: Line) -> dict[str, str]:
    """Which of the controller's own systems the call would ask first; they are not asked here."""
    if not decision.play or decision.reason is Reason.EVERY_CALL:
        return {}
    names = [lookup.id for lookup in line.controller.lookups if lookup.notice == decision.notice.id]
    return {"unless known to": ", ".join(names)} if names else {}


def _known(known: Known | None) -> str:
    if known is None:
        return "nothing"
    versions, purposes = ", ".join(sorted(known.versions)), ", ".join(sorted(known.purposes))
    return f"{versions} ({purposes}), by record {known.record} of {known.at:%Y-%m-%d %H:%M} UTC"


def _tree(facts: object, indent: str = "") -> list[str]:
    """Nested facts as lines: a branch for each name, deeper ones to the right."""
    lines: list[str] = []
    pairs = list(facts.items()) if isinstance(facts, Mapping) else []
    for index, (name, value) in enumerate(pairs):
        last = index == len(pairs) - 1
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if isinstance(value, list):
            lines.append(f"{indent}{branch}{name}")
            for each in value:
                lines += _tree(each, indent + below)
        elif isinstance(value, Mapping):
            lines.append(f"{indent}{branch}{name}")
            lines += _tree(value, indent + below)
        else:
            lines.append(f"{indent}{branch}{name}: {value}")
    return lines
