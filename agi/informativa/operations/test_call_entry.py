"""Context of Asterisk's dialplan that a test call enters, so that it goes as other calls do and yet rings
nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..asterisk.ami import ManagerSession
from ..asterisk.dialplan import TEST_CONTEXT
from ..asterisk.test_call_entries import NoticeEntry, direct, entries, exists, guarded
from ..model.errors import InformativaError
from ..model.text import Text, joined

_ALONE = Text("Leave --context and --through out to try the notice alone.")


@dataclass(frozen=True)
class CallEntry:
    """The context that the call enters."""

    context: str
    notes: tuple[Text, ...] = ()
    """Facts to know about it."""


async def entry(manager: ManagerSession, dialled: str, context: str, *, through: bool) -> CallEntry:
    """Return the context that other calls enter, or `context`, if nobody is rung on the way from there; else
    the project's own context for test calls. With `through` the former, even if it rings somebody.

    Raises InformativaError where several contexts are possible, or there is none.
    """
    candidates = await entries(manager, dialled, context)
    await _require_one(manager, candidates, dialled, context, through=through)
    if not candidates:
        reason = Text(
            "no extension for {line} in the dialplan calls Gosub(informativa,s,1(...))", line=dialled
        )
        return await _direct(manager, reason)
    first = replace(candidates[0], context=context or candidates[0].context)
    stops = await guarded(manager)
    if through:
        return CallEntry(first.context, _rung(first, stops=stops))
    if stops and not first.risky:
        return CallEntry(first.context)
    reason = Text("before the notice stands {step}, which may ring somebody", step=first.risky)
    return await _direct(manager, reason)


async def _require_one(
    manager: ManagerSession, candidates: list[NoticeEntry], dialled: str, context: str, *, through: bool
) -> None:
    """Raise InformativaError where there are several contexts to choose from, or none that was asked for."""
    if len(candidates) > 1 and not context:
        raise InformativaError(
            Text(
                "Calls to {line} come to informativa in several contexts: {names}.",
                line=dialled,
                names=_names(candidates),
            ),
            Text("Name one: --context {name}", name=min(candidate.context for candidate in candidates)),
        )
    if context and not candidates and not await exists(manager, context):
        names = _names(await entries(manager, dialled))
        raise InformativaError(
            Text("Asterisk's dialplan has no context {context}.", context=context),
            Text("Calls to {line} come to informativa in: {names}", line=dialled, names=names)
            if names
            else _ALONE,
        )
    if not candidates and (through or (context and context != TEST_CONTEXT)):
        raise InformativaError(
            Text("No extension for {line} in the dialplan calls Gosub(informativa,s,1(...)).", line=dialled),
            _ALONE,
        )


def _rung(entry: NoticeEntry, *, stops: bool) -> tuple[Text, ...]:
    """Return a note on steps that may ring somebody. Steps after the notice count only where the dialplan
    does not end a test call there."""
    if stops and not entry.risky:
        return ()
    steps = joined(", ", entry.risky, *(() if stops else entry.after))
    return (Text("this may have run, and may have rung somebody: {steps}", steps=steps),)


async def _direct(manager: ManagerSession, reason: Text) -> CallEntry:
    """Return the context for test calls, because the call cannot enter as others do. Raises InformativaError
    where it is not loaded."""
    if not await direct(manager):
        raise InformativaError(
            Text(
                "Asterisk has no context {context}: its informativa.conf is not loaded, or an older one.",
                context=TEST_CONTEXT,
            ),
            Text("Write it again with `informativa dialplan`, then type: asterisk -rx 'dialplan reload'"),
        )
    return CallEntry(
        TEST_CONTEXT, (Text("the call did not come in as others do, because {why}", why=reason),)
    )


def _names(candidates: list[NoticeEntry]) -> str:
    return ", ".join(sorted(candidate.context for candidate in candidates))
