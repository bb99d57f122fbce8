"""The decision which notices are due. Pure: a caller's history goes in, a decision with its reason comes out.

The rule is the Garante's of 15 November 2007 and today GDPR art. 13(4): the notice is due when the
relationship starts or when the data are to serve a further purpose, and not again "insofar as the data
subject already has the information". Rewording alone is no trigger (WP260 §29).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..model import (
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
    """Return one decision for each step of the line's plan, in its order.

    `history` is what the caller already got, `same_call` what he heard earlier in this very call, `asked` the
    language that the dialplan asks for.

    A caller who cannot be recognised is never taken as informed, whatever `history` says. A notice that is
    due on every call (a country notice, a recording notice) never depends on the caller's history.
    """
    earlier = {} if line.again_after_transfer else same_call or {}
    preferred = wanted_language(line, caller, asked)
    decisions = [_decide(step, line, history, caller, now, earlier.get(step.notice.id)) for step in line.plan]
    return [_in_its_language(decision, preferred, line) for decision in decisions]


def play_all(line: Line, now: datetime, reason: Reason) -> list[Decision]:
    """Return the decisions to play everything, because nothing is known of the caller."""
    return [_play(step.notice, step.notice.current(now), reason) for step in line.plan]


def wanted_language(line: Line, caller: Caller, asked: str) -> str:
    """Return the language that the dialplan asks for, or that of the caller's country, or the line's."""
    country = caller.country if isinstance(caller, Identified) else ""
    return asked or line.languages.get(country) or line.language


def language(preferred: str, line: Line, decision: Decision) -> str:
    """Return the first of the languages to try; for most calls it is the only one needed."""
    return spoken(preferred, decision.prompts) or languages(preferred, line, decision)[0]


def languages(preferred: str, line: Line, decision: Decision) -> list[str]:
    """Return the languages to try, in order, that have prompts; never empty."""
    candidates = [language for _, language in _candidates(preferred, line, decision.prompts)]
    return list(dict.fromkeys(candidates)) or list(decision.prompts)


def informs(language: str, preferred: str, line: Line) -> bool:
    """Return whether a notice in this language counts for a caller to whom another would have been spoken
    (law: 12(1) GDPR, intelligible)."""
    return line.fallback_informs or bool(spoken(preferred, (language,)))


def _candidates(preferred: str, line: Line, available: Container[str]) -> list[tuple[int, str]]:
    """Return the languages to try that are `available`, each with its place among all languages to try."""
    order = enumerate((preferred, *line.fallback, line.language))
    return [(place, match) for place, language in order if (match := spoken(language, available))]


def _in_its_language(decision: Decision, preferred: str, line: Line) -> Decision:
    """Replace a supplement by the whole notice where only the whole notice has prompts in the language that
    comes first."""
    if not decision.supplement:
        return decision
    short = decision.version.short
    first, whole = (_candidates(preferred, line, prompts)[:1] for prompts in (decision.prompts, short))
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
    notice, prior = step.notice, history.get(step.notice.id)
    version = notice.current(now)
    if same_call is not None and version.id in same_call.versions:
        return _skip(notice, version, Reason.SAME_CALL, same_call)
    if step.repeat_after == ALWAYS:
        return _play(notice, version, Reason.EVERY_CALL)
    if line.service_data_only and version.purposes <= line.controller.service_purposes:
        return _skip(notice, version, Reason.SERVICE_DATA_ONLY)
    if isinstance(caller, Unidentified):
        return _play(notice, version, caller.reason)
    if prior is None:
        return _play(notice, version, Reason.NOT_INFORMED)
    if _recycled(history, caller, now, line.controller):
        return _play(notice, version, Reason.RECYCLED)
    period_over = step.repeat_after is not None and _is_over(
        prior.whole, step.repeat_after, now, line.controller
    )
    # A caller to whom the whole notice is due anyway needs no supplement.
    prior_for_supplement = None if period_over else prior
    newest = _newest(notice, prior.versions)
    if not version.purposes <= _still_told(newest, prior):
        return _play(notice, version, Reason.NEW_PURPOSE, prior_for_supplement)
    if newest is not version and _material_since(notice, version, newest):
        return _play(notice, version, Reason.MATERIAL_CHANGE, prior_for_supplement)
    if period_over:
        return _play(notice, version, Reason.PERIOD_OVER)
    return _skip(notice, version, Reason.ALREADY_INFORMED, prior)


def _play(notice: Notice, version: Version, reason: Reason, prior: PriorDelivery | None = None) -> Decision:
    """Return the decision to play a supplement, if there is one to the version that the caller knows, else
    the whole notice."""
    newest = _newest(notice, prior.versions) if prior else None
    supplement: Mapping[str, Prompt] = version.supplements.get(newest.id, {}) if newest else {}
    if supplement and prior:
        new = version.purposes - _still_told(newest, prior)
        return Decision(notice, version, True, reason, supplement, new, prior, supplement=True)
    return Decision(notice, version, True, reason, version.short, version.purposes, prior)


def _skip(notice: Notice, version: Version, reason: Reason, basis: PriorDelivery | None = None) -> Decision:
    return Decision(notice, version, False, reason, version.short, version.purposes, basis)


def _still_told(newest: Version | None, prior: PriorDelivery) -> frozenset[str]:
    """Return the purposes that he was told last, by the records, and that the newest version he knows still
    has: a purpose that was dropped there, and is taken up again later, is new. A version that is not listed
    any more counts by its record alone."""
    purposes = prior.purposes_told_last
    return purposes & newest.purposes if newest else purposes


def _is_over(start: datetime | None, period: Period, now: datetime, controller: Controller) -> bool:
    """Return whether the period from `start` is over, or never began. A start in the future came from a wrong
    clock."""
    return start is None or start > now or period.after(start, controller.zone) <= now


def _recycled(history: CallerHistory, caller: Identified, now: datetime, controller: Controller) -> bool:
    """Return whether nobody called from this number for so long that it may be somebody else's now. All
    notices count. A customer number is never somebody else's (law: 5(1)(d) GDPR)."""
    if controller.recycled_after is None or caller.customer:
        return False
    last = max(
        moment
        for prior in history.values()
        for moment in (prior.at, prior.whole, prior.seen)
        if moment is not None
    )
    return _is_over(last, controller.recycled_after, now, controller)


def _newest(notice: Notice, known_ids: frozenset[str]) -> Version | None:
    return next((version for version in reversed(notice.versions) if version.id in known_ids), None)


def _material_since(notice: Notice, current: Version, newest: Version | None) -> bool:
    """Return whether a version after the newest known one, up to the current, is a material change.

    All are "after" a version that the notice does not list any more.
    """
    after: Sequence[Version] = notice.versions[: notice.versions.index(current) + 1]
    if newest is not None:
        after = after[notice.versions.index(newest) + 1 :]
    return any(version.material for version in after)
