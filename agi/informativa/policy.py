"""Which notices are due. Pure: what a caller already got goes in, a decision with its reason comes out.

The rule is the Garante's of 15 November 2007 and today GDPR art. 13(4): the notice is due when the
relationship starts or when the data are to serve a further purpose, and not again "insofar as the
data subject already has the information". Rewording alone is no trigger (WP260 §29).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from .model import (
    ALWAYS,
    Caller,
    CallerHistory,
    Controller,
    Decision,
    Identified,
    Line,
    Notice,
    Period,
    PriorDelivery,
    Prompt,
    Reason,
    Step,
    Unidentified,
    Version,
    spoken,
)


def decide(
    line: Line,
    history: CallerHistory,
    caller: Caller,
    now: datetime,
    same_call: CallerHistory | None = None,
    asked: str = "",
) -> list[Decision]:
    """One decision for each step of the line's plan, in its order.

    `history` is what the caller already got, `same_call` what was heard earlier in this very call, `asked`
    the language that the dialplan asks for.
    A caller who cannot be recognised is never taken as informed, whatever `history` says; what is due
    on every call (a country notice, a recording notice) never rides on what a caller knows.
    """
    earlier = {} if line.again_after_transfer else same_call or {}
    wanted = wanted_language(line, caller, asked)
    decided = [_decide(step, line, history, caller, now, earlier.get(step.notice.id)) for step in line.plan]
    return [_in_its_language(decision, wanted, line) for decision in decided]


def play_all(line: Line, now: datetime, reason: Reason) -> list[Decision]:
    """Everything, because nothing is known of the caller."""
    return [_play(step.notice, step.notice.current(now), reason) for step in line.plan]


def wanted_language(line: Line, caller: Caller, asked: str) -> str:
    """The language that the dialplan asks for, or that of the caller's country, or the line's."""
    country = caller.country if isinstance(caller, Identified) else ""
    return asked or line.languages.get(country) or line.language


def language(wanted: str, line: Line, decision: Decision) -> str:
    """The first of the languages to try, for which most calls need not look further."""
    return spoken(wanted, decision.prompts) or languages(wanted, line, decision)[0]


def languages(wanted: str, line: Line, decision: Decision) -> list[str]:
    """The languages to try, in order, of those that there are prompts in; never empty."""
    tried = [language for _, language in _tried(wanted, line, decision.prompts)]
    return list(dict.fromkeys(tried)) or list(decision.prompts)


def informs(language: str, wanted: str, line: Line) -> bool:
    """Whether a notice in this language counts for a caller to whom another would have been spoken (law:
    12(1) GDPR, intelligible)."""
    return line.fallback_informs or bool(spoken(wanted, (language,)))


def _tried(wanted: str, line: Line, there: Container[str]) -> list[tuple[int, str]]:
    """Of the languages to try those that are `there`, each with its place among them all."""
    order = enumerate((wanted, *line.fallback, line.language))
    return [(place, one) for place, language in order if (one := spoken(language, there))]


def _in_its_language(decision: Decision, wanted: str, line: Line) -> Decision:
    """The whole in place of a supplement, where only the whole is there in the language that comes first."""
    if not decision.supplement:
        return decision
    short = decision.version.short
    first, whole = (_tried(wanted, line, there)[:1] for there in (decision.prompts, short))
    if not whole or (first and first[0][0] <= whole[0][0]):
        return decision
    return replace(decision, prompts=short, purposes=decision.version.purposes, supplement=False)


def _decide(
    step: Step,
    line: Line,
    history: CallerHistory,
    caller: Caller,
    now: datetime,
    same_call: PriorDelivery | None,
) -> Decision:
    notice, known = step.notice, history.get(step.notice.id)
    version = notice.current(now)
    if same_call is not None and version.id in same_call.versions:
        return _skip(notice, version, Reason.SAME_CALL, same_call)
    if step.repeat_after == ALWAYS:
        return _play(notice, version, Reason.EVERY_CALL)
    if line.service_data_only and version.purposes <= line.controller.service_purposes:
        return _skip(notice, version, Reason.SERVICE_DATA_ONLY)
    if isinstance(caller, Unidentified):
        return _play(notice, version, caller.reason)
    if known is None:
        return _play(notice, version, Reason.NOT_INFORMED)
    if _recycled(history, caller, now, line.controller):
        return _play(notice, version, Reason.RECYCLED)
    over = step.repeat_after is not None and _over(known.whole, step.repeat_after, now, line.controller)
    rest = None if over else known  # to whom the whole is due anyway, no supplement need be played before
    newest = _newest(notice, known.versions)
    if not version.purposes <= _still_told(newest, known):
        return _play(notice, version, Reason.NEW_PURPOSE, rest)
    if newest is not version and _material_since(notice, version, newest):
        return _play(notice, version, Reason.MATERIAL_CHANGE, rest)
    if over:
        return _play(notice, version, Reason.PERIOD_OVER)
    return _skip(notice, version, Reason.ALREADY_INFORMED, known)


def _play(notice: Notice, version: Version, reason: Reason, known: PriorDelivery | None = None) -> Decision:
    """Play a supplement to somebody who knows a version that there is one for, else all of it."""
    newest = _newest(notice, known.versions) if known else None
    supplement: Mapping[str, Prompt] = version.supplements.get(newest.id, {}) if newest else {}
    if supplement and known:
        new = version.purposes - _still_told(newest, known)
        return Decision(notice, version, True, reason, supplement, new, known, supplement=True)
    return Decision(notice, version, True, reason, version.short, version.purposes, known)


def _skip(notice: Notice, version: Version, reason: Reason, basis: PriorDelivery | None = None) -> Decision:
    return Decision(notice, version, False, reason, version.short, version.purposes, basis)


def _still_told(newest: Version | None, known: PriorDelivery) -> frozenset[str]:
    """The purposes that he was told of last, by what is on record, and that the newest version he knows still
    has: what was dropped there, and is taken up again later, is new. A version that is not listed any more
    counts by its record alone."""
    purposes = known.purposes_told_last
    return purposes & newest.purposes if newest else purposes


def _over(whole: datetime | None, period: Period, now: datetime, controller: Controller) -> bool:
    """Whether he got the whole notice so long ago. A time that is still to come was a wrong clock's."""
    return whole is None or whole > now or period.after(whole, controller.zone) <= now


def _recycled(history: CallerHistory, caller: Identified, now: datetime, controller: Controller) -> bool:
    """Whether nobody called from this number for so long that it may be somebody else's now, by all that is
    known of its caller, whichever notice. A customer number is nobody else's ever (law: 5(1)(d) GDPR)."""
    if controller.recycled_after is None or caller.customer:
        return False
    last = max(
        moment
        for known in history.values()
        for moment in (known.at, known.whole, known.seen)
        if moment is not None
    )
    return _over(last, controller.recycled_after, now, controller)


def _newest(notice: Notice, known: frozenset[str]) -> Version | None:
    return next((version for version in reversed(notice.versions) if version.id in known), None)


def _material_since(notice: Notice, current: Version, newest: Version | None) -> bool:
    """Whether a version after the newest known one, up to the current, is a material change.

    All are "after" a version that the notice does not list any more.
    """
    after: Sequence[Version] = notice.versions[: notice.versions.index(current) + 1]
    if newest is not None:
        after = after[notice.versions.index(newest) + 1 :]
    return any(version.material for version in after)
