"""The decision which notices are due. Pure: a caller's history goes in, and a decision comes out, with its
reason and all that it takes to carry it out.

This is the one place where a call is decided. `decide` is asked with what the ledger knows, and once more
where the company's own systems then say something new (asking.py). Two events are decided
anew: a ledger that cannot be read (`play_all`), and a skip that it does not take (`play_after_all`).

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
    INTERNAL_CALLER,
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
    matching_language,
    plausibility,
)
from ..model.plan import OTHERS

_LEFT_OUT = (  # else it is played
    Reason.ALREADY_INFORMED,
    Reason.SAME_CALL,
    Reason.SERVICE_DATA_ONLY,
    Reason.INTERNAL,
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
    due on every call (a country notice, a recording notice) never depends on the caller's history. A call of
    the company's own is no caller's: of that nothing is due.
    """
    earlier = {} if line.again_after_transfer else same_call or {}
    languages = (wanted_language(line, caller, asked), *line.fallback, line.language)
    decisions = []
    for step in line.plan:
        notice, version = step.notice, step.notice.current(now)
        if caller is INTERNAL_CALLER:
            decisions.append(_decision(line, languages, notice, version, Reason.INTERNAL))
            continue
        reason, known = _reason(step, version, line, history, caller, now, earlier.get(notice.id))
        decisions.append(_decision(line, languages, notice, version, reason, known))
    return decisions


def play_all(line: Line, now: datetime, language: str) -> list[Decision]:
    """Return the decisions to play everything, in `language` where it can be, because the ledger cannot say
    what the caller knows."""
    languages = (language, *line.fallback, line.language)
    return [
        _decision(line, languages, step.notice, step.notice.current(now), Reason.LEDGER_UNAVAILABLE)
        for step in line.plan
    ]


def play_after_all(decision: Decision) -> Decision:
    """Return the decision to play a notice whose leaving out could not be put on record."""
    return replace(decision, play=True, reason=Reason.LEDGER_UNAVAILABLE)


def read_by_operator(line: Line, now: datetime) -> list[tuple[Notice, Version]]:
    """Return the notices that a caller knows to whom an operator has just read those of the line: not what is
    due on every call anyway."""
    controller = line.controller
    return [
        (step.notice, version)
        for step in line.plan
        if step.repeat_after != ALWAYS
        and isinstance(
            version := plausibility.version_told(
                step.notice, "", now, now, controller.retention, controller.zone
            ),
            Version,
        )
    ]


def wanted_language(line: Line, caller: Caller, asked: str) -> str:
    """Return the language that the dialplan asks for, or that of the caller's country, or the line's."""
    country = caller.country if isinstance(caller, Identified) else ""
    return asked or line.languages.get(country) or line.language


def _reason(
    step: Step,
    version: Version,
    line: Line,
    history: CallerHistory,
    caller: Caller,
    now: datetime,
    same_call: PriorDelivery | None,
) -> tuple[Reason, PriorDelivery | None]:
    """Return why the notice is played or left out, and what the caller knows of it: the proof of a skip, the
    beginning that a supplement adds to."""
    notice, prior = step.notice, history.get(step.notice.id)
    if same_call is not None and version.id in same_call.versions:
        return Reason.SAME_CALL, same_call
    if step.repeat_after == ALWAYS:
        return Reason.OTHER_COUNTRY if OTHERS in step.countries else Reason.EVERY_CALL, None
    if line.service_data_only and version.purposes <= line.controller.service_purposes:
        return Reason.SERVICE_DATA_ONLY, None
    if isinstance(caller, Unidentified):
        return caller.reason, None
    if prior is None:
        return Reason.NOT_INFORMED, None
    if is_recycled(history, caller, now, line.controller):
        return Reason.RECYCLED, None
    period_over = step.repeat_after is not None and is_over(
        prior.last_complete, step.repeat_after, now, line.controller
    )
    # A caller to whom the whole notice is due anyway needs no supplement.
    prior_for_supplement = None if period_over else prior
    newest = newest_of(notice, prior.versions)
    if not version.purposes <= _still_told(newest, prior):
        return Reason.NEW_PURPOSE, prior_for_supplement
    if newest is not version and material_since(notice, version, newest):
        return Reason.MATERIAL_CHANGE, prior_for_supplement
    if period_over:
        return Reason.PERIOD_OVER, None
    return Reason.ALREADY_INFORMED, prior


def _decision(
    line: Line,
    languages: Sequence[str],
    notice: Notice,
    version: Version,
    reason: Reason,
    known: PriorDelivery | None = None,
) -> Decision:
    """Return the decision with all that it takes to carry it out: to play a supplement, if there is one to
    the version that the caller knows, else the whole notice."""
    play, prompts, purposes, is_supplement = reason not in _LEFT_OUT, version.short, version.purposes, False
    if play and known is not None and (newest := newest_of(notice, known.versions)) is not None:
        supplement = version.supplements.get(newest.id)
        if supplement and _goes_first(supplement, prompts, languages):
            prompts, is_supplement = supplement, True
            purposes = purposes - _still_told(newest, known)
    informs = line.fallback_informs
    return Decision(
        notice, version, play, reason, prompts, languages, purposes, known, is_supplement, informs
    )


def _goes_first(
    supplement: Mapping[str, Prompt], short: Mapping[str, Prompt], languages: Sequence[str]
) -> bool:
    """Return whether the supplement is played, and not the whole notice, which goes first where it alone has
    a prompt in the language that comes first."""
    for language in languages:
        if matching_language(language, supplement):
            return True
        if matching_language(language, short):
            return False
    return True


def _still_told(newest: Version | None, prior: PriorDelivery) -> frozenset[str]:
    """Return the purposes that he was told last, by the records, and that the newest version he knows still
    has: a purpose that was dropped there, and is taken up again later, is new. A version that is not listed
    any more counts by its record alone."""
    purposes = prior.purposes_told_last
    return purposes & newest.purposes if newest else purposes


def is_over(start: datetime | None, period: Period, now: datetime, controller: Controller) -> bool:
    """Return whether the period from `start` is over, or never began. A start in the future came from a wrong
    clock."""
    return start is None or start > now or period.after(start, controller.zone) <= now


def is_recycled(history: CallerHistory, caller: Identified, now: datetime, controller: Controller) -> bool:
    """Return whether nobody called from this number for so long that it may be somebody else's now. All
    notices count. A customer number is never somebody else's (law: 5(1)(d) GDPR)."""
    if controller.recycled_after is None or caller.customer:
        return False
    last = max(
        moment
        for prior in history.values()
        for moment in (prior.at, prior.last_complete, prior.last_call)
        if moment is not None
    )
    return is_over(last, controller.recycled_after, now, controller)


def newest_of(notice: Notice, known_ids: Container[str]) -> Version | None:
    """Return the newest version of a notice among those with these ids; `None` if it lists none of them."""
    return next((version for version in reversed(notice.versions) if version.id in known_ids), None)


def material_since(notice: Notice, current: Version, newest: Version | None) -> bool:
    """Return whether a version after the newest known one, up to the current, is a material change.

    All are "after" a version that the notice does not list any more.
    """
    after: Sequence[Version] = notice.versions[: notice.versions.index(current) + 1]
    if newest is not None:
        after = after[notice.versions.index(newest) + 1 :]
    return any(version.material for version in after)
