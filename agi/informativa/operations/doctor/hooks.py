"""The check that the hooks of companies are told of consents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ...ledgers.outbox import OutboxState
from ...model import Controller
from ...model.errors import LedgerError
from ...model.text import Foreign, Text
from . import ledger_facts
from .findings import Finding, ok, warning, wrong
from .system import System

LATE = timedelta(hours=1)  # for which a message may wait; the service sends within seconds


def hooks(system: System) -> Iterator[Finding]:
    """Check that no hook is stopped, that each took a message at some time, and that none waits for long."""
    faultless = 0
    for controller in system.recording():
        try:
            state = system.fact(controller, ledger_facts.OUTBOX)
        except LedgerError:  # reported by the check `ledgers`
            continue
        findings = list(_findings(controller, state, system))
        yield from findings
        faultless += controller.hook is not None and not findings
    if faultless:
        text = Text.counted(
            "{number} hook is told of consents", "{number} hooks are told of consents", faultless
        )
        yield ok(text.format(number=faultless))


def _findings(controller: Controller, state: OutboxState, system: System) -> Iterator[Finding]:
    names = {"id": controller.id, "count": state.waiting}
    if controller.hook is None:
        if state.waiting:
            text = Text.counted(
                "{id} has no hook any more, and {count} message about a consent waits for one",
                "{id} has no hook any more, and {count} messages about consents wait for one",
                state.waiting,
            )
            discard = Text("To delete them: informativa consent hook {id} --discard all --yes", **names)
            yield warning(text.format(**names), discard)
        return
    if state.stopped is not None:
        text = Text.counted(
            "the hook of {id} answered that it wants no messages any more (410): {count} waits",
            "the hook of {id} answered that it wants no messages any more (410): {count} wait",
            state.waiting,
        )
        resume = Text("When it takes them again: informativa consent hook {id} --resume", **names)
        yield wrong(text.format(**names), resume)
        return
    if state.unnamed:
        text = Text.counted(
            "the hook of {id} cannot be told of {count} consent, which came while it had no secret",
            "the hook of {id} cannot be told of {count} consents, which came while it had no secret",
            state.unnamed,
        )
        remedy = Text(
            "Whoever acts again is named then. What the others on your list answered is on the caller's page"
            " of the console; then discard these: informativa consent hook {id}",
            **names,
        )
        yield warning(text.format(id=controller.id, count=state.unnamed), remedy)
    if state.oldest is not None and system.now - state.oldest > LATE:
        text = Text.counted(
            "{count} message about a consent waits for the hook of {id} since {since:%Y-%m-%d %H:%M} ({why})",
            "{count} messages about consents wait for the hook of {id}, the oldest since"
            " {since:%Y-%m-%d %H:%M} ({why})",
            state.waiting,
        )
        since = state.oldest.astimezone(controller.zone)
        error = Foreign(state.error) if state.error else Text("is the service running?")
        yield wrong(text.format(**names, since=since, why=error), _look(controller))
    elif state.refused:
        text = Text.counted(
            "the hook of {id} refuses {count} message about a consent",
            "the hook of {id} refuses {count} messages about consents",
            state.refused,
        )
        yield warning(text.format(id=controller.id, count=state.refused), _look(controller))
    elif state.delivered is None:
        text = Text("the hook of {id} took no message yet", id=controller.id)
        yield warning(text, Text("Type: informativa consent hook {id} --send-test", id=controller.id))


def _look(controller: Controller) -> Text:
    return Text("Type: informativa consent hook {id}", id=controller.id)
