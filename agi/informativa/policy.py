"""Which notices are due. Pure: what a caller already got goes in, a decision with its reason comes out.

The rule is the Garante's of 15 November 2007 and today GDPR art. 13(4): the notice is due when the
relationship starts or when the data are to serve a further purpose, and not again "insofar as the
data subject already has the information". Rewording alone is no trigger (WP260 §29).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from .model import (
    ALWAYS,
    Caller,
    Decision,
    Identified,
    Known,
    Line,
    Notice,
    Period,
    Prompt,
    Reason,
    Standing,
    Step,
    Unidentified,
    Version,
)


def decide(
    line: Line, standing: Standing, caller: Caller, now: datetime, same_call: Standing | None = None
) -> list[Decision]:
    """One decision for each step of the line's plan, in its order.

    `standing` is what the caller already got, `same_call` what was heard earlier in this very call.
    A caller who cannot be recognised is never taken as informed, whatever `standing` says; what is due
    on every call (a country notice, a recording notice) never rides on what a caller knows.
    """
    earlier = {} if line.again_after_transfer else same_call or {}
    return [_decide(step, line, standing, caller, now, earlier.get(step.notice.id)) for step in line.plan]


def play_all(line: Line, now: datetime, reason: Reason) -> list[Decision]:
    """Everything, because nothing is known of the caller."""
    return [_play(step.notice, step.notice.current(now), reason) for step in line.plan]


def wanted_language(line: Line, caller: Caller, asked: str) -> str:
    """The language that the dialplan asks for, or that of the caller's country, or the line's."""
    country = caller.country if isinstance(caller, Identified) else ""
    return asked or line.languages.get(country) or line.language


def languages(wanted: str, line: Line, decision: Decision) -> list[str]:
    """The languages to try, in order, of those that there are prompts in; never empty."""
    order = dict.fromkeys([wanted, *line.fallback, line.language])
    return [language for language in order if language in decision.prompts] or [line.language]


def _decide(
    step: Step, line: Line, standing: Standing, caller: Caller, now: datetime, same_call: Known | None
) -> Decision:
    notice, known = step.notice, standing.get(step.notice.id)
    version = notice.current(now)
    if same_call is not None and version.id in same_call.versions:
        return _skip(notice, version, Reason.SAME_CALL, same_call)
    if step.again == ALWAYS:
        return _play(notice, version, Reason.EVERY_CALL)
    if line.service_data_only:
        return _skip(notice, version, Reason.SERVICE_DATA_ONLY)
    if isinstance(caller, Unidentified):
        return _play(notice, version, caller.reason)
    if known is None:
        return _play(notice, version, Reason.NOT_INFORMED)
    if not version.purposes <= known.purposes:
        return _play(notice, version, Reason.NEW_PURPOSE, known)
    if _material_since(notice, version, known.versions):
        return _play(notice, version, Reason.MATERIAL_CHANGE, known)
    if step.again is not None and _over(known.whole, step.again, now, line):
        return _play(notice, version, Reason.PERIOD_OVER)
    return _skip(notice, version, Reason.ALREADY_INFORMED, known)


def _play(notice: Notice, version: Version, reason: Reason, known: Known | None = None) -> Decision:
    """Play a supplement to somebody who knows a version that there is one for, else all of it."""
    newest = _newest(notice, known.versions) if known else None
    supplement: Mapping[str, Prompt] = version.supplements.get(newest.id, {}) if newest else {}
    if supplement and known:
        return Decision(notice, version, True, reason, supplement, version.purposes - known.purposes, known)
    return Decision(notice, version, True, reason, version.short, version.purposes, known)


def _skip(notice: Notice, version: Version, reason: Reason, basis: Known | None = None) -> Decision:
    return Decision(notice, version, False, reason, version.short, version.purposes, basis)


def _over(whole: datetime | None, period: Period, now: datetime, line: Line) -> bool:
    """Whether he got the whole notice so long ago. A time that is still to come was a wrong clock's."""
    return whole is None or whole > now or period.after(whole, line.controller.zone) <= now


def _newest(notice: Notice, known: frozenset[str]) -> Version | None:
    return next((version for version in reversed(notice.versions) if version.id in known), None)


def _material_since(notice: Notice, current: Version, known: frozenset[str]) -> bool:
    """Whether a version after the newest known one, up to the current, is a material change.

    All are "after" a version that the notice does not list any more.
    """
    newest = _newest(notice, known)
    after: Sequence[Version] = notice.versions[: notice.versions.index(current) + 1]
    if newest is not None:
        after = after[notice.versions.index(newest) + 1 :]
    return any(version.material for version in after)
