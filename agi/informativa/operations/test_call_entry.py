"""Where in Asterisk's dialplan a test call comes in, so that it goes as others do and yet rings nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..asterisk.ami import ManagerSession
from ..asterisk.dialplan import TEST_CONTEXT
from ..asterisk.test_call_entries import Entry, direct, entries, exists, guarded
from ..errors import InformativaError
from ..text import Text, joined

_ALONE = Text("Leave --context and --through out to try the notice alone.")


@dataclass(frozen=True)
class CallEntry:
    """The context that the call comes in to, and what is to be known about that."""

    context: str
    notes: tuple[Text, ...] = ()


async def entry(manager: ManagerSession, dialled: str, context: str, *, through: bool) -> CallEntry:
    """Where others come in, or in `context`, if nobody is rung on the way from there; else our own context
    for test calls. With `through` it is the former, whatever it may ring.

    Raises InformativaError where it is not clear what is meant, or there is no such place.
    """
    found = await entries(manager, dialled, context)
    await _require_one(manager, found, dialled, context, through=through)
    if not found:
        why = Text("no extension for {line} in the dialplan calls Gosub(informativa,s,1(...))", line=dialled)
        return await _direct(manager, why)
    first = replace(found[0], context=context or found[0].context)
    stops = await guarded(manager)
    if through:
        return CallEntry(first.context, _rung(first, stops=stops))
    if stops and not first.risky:
        return CallEntry(first.context)
    why = Text("before the notice stands {step}, which may ring somebody", step=first.risky)
    return await _direct(manager, why)


async def _require_one(
    manager: ManagerSession, found: list[Entry], dialled: str, context: str, *, through: bool
) -> None:
    """Raises InformativaError where there are several to choose from, or none that was asked for."""
    if len(found) > 1 and not context:
        raise InformativaError(
            Text(
                "Calls to {line} come to informativa in several contexts: {names}.",
                line=dialled,
                names=_names(found),
            ),
            Text("Name one: --context {name}", name=min(each.context for each in found)),
        )
    if context and not found and not await exists(manager, context):
        coming = _names(await entries(manager, dialled))
        raise InformativaError(
            Text("Asterisk's dialplan has no context {context}.", context=context),
            Text("Calls to {line} come to informativa in: {names}", line=dialled, names=coming)
            if coming
            else _ALONE,
        )
    if not found and (through or (context and context != TEST_CONTEXT)):
        raise InformativaError(
            Text("No extension for {line} in the dialplan calls Gosub(informativa,s,1(...)).", line=dialled),
            _ALONE,
        )


def _rung(entry: Entry, *, stops: bool) -> tuple[Text, ...]:
    """Which steps may ring somebody; after the notice only where our dialplan does not stop a test call."""
    if stops and not entry.risky:
        return ()
    steps = joined(", ", entry.risky, *(() if stops else entry.after))
    return (Text("this may have run, and may have rung somebody: {steps}", steps=steps),)


async def _direct(manager: ManagerSession, why: Text) -> CallEntry:
    """Our own context for test calls, because the call cannot come in as others do."""
    if not await direct(manager):
        raise InformativaError(
            Text(
                "Asterisk has no context {context}: its informativa.conf is not loaded, or an older one.",
                context=TEST_CONTEXT,
            ),
            Text("Write it again with `informativa dialplan`, then type: asterisk -rx 'dialplan reload'"),
        )
    return CallEntry(TEST_CONTEXT, (Text("the call did not come in as others do, because {why}", why=why),))


def _names(found: list[Entry]) -> str:
    return ", ".join(sorted(each.context for each in found))
