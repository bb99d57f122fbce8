"""Which notices are due. Pure: what a caller already got goes in, a decision with its reason comes out.

The rule is the Garante's of 15 November 2007 and today GDPR art. 13(4): the notice is due when the
relationship starts or when the data are to serve a further purpose, and not again "insofar as the
data subject already has the information". Rewording alone is no trigger (WP260 §29).
"""

from __future__ import annotations

from collections.abc import Sequence

from .model import Caller, Decision, Known, Notice, Reason, Standing, Unidentified


def decide(plan: Sequence[Notice], standing: Standing, caller: Caller) -> list[Decision]:
    """One decision for each notice of the plan, in its order.

    A caller who cannot be recognised is never taken as informed, whatever `standing` says.
    """
    return [_decide(notice, standing.get(notice.id), caller) for notice in plan]


def _decide(notice: Notice, known: Known | None, caller: Caller) -> Decision:
    if isinstance(caller, Unidentified):
        return Decision(notice, notice.current, True, caller.reason)
    if known is None:
        return Decision(notice, notice.current, True, Reason.NOT_INFORMED)
    if not notice.current.purposes <= known.purposes:
        return Decision(notice, notice.current, True, Reason.NEW_PURPOSE, known)
    if _material_since(notice, known.versions):
        return Decision(notice, notice.current, True, Reason.MATERIAL_CHANGE, known)
    return Decision(notice, notice.current, False, Reason.ALREADY_INFORMED, known)


def _material_since(notice: Notice, known: frozenset[str]) -> bool:
    """Whether a version after the newest known one is a material change.

    All are "after" a version that the notice does not list any more.
    """
    newest = max((index for index, version in enumerate(notice.versions) if version.id in known), default=-1)
    return any(version.material for version in notice.versions[newest + 1 :])
