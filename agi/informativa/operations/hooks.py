"""The hooks of companies: what waits for them, a test message, and what to do about messages that fail."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from ..call.webhook import test_content
from ..ledgers import outbox
from ..ledgers.outbox import OutboxState
from ..model import Answer, Controller
from ..model.errors import InformativaError
from ..model.hooks import HookReply
from ..model.text import Text
from ..process import storage
from ..process.hook_client import HookClient
from .document import Time
from .keys import no_hook

ALL = "all"  # in place of a message's id


@dataclass(frozen=True)
class FailingMessage:
    """A message that the hook did not take so far."""

    id: str
    """Its id, as the receiver gets it."""
    record: int
    """The record of the act in the company's ledger."""
    answer: Answer
    """The answer: granted, refused or withdrawn."""
    choice: str
    """The name of the consent in the configuration."""
    tries: int
    """The number of times that it was sent."""
    refused: bool
    """True if the receiver refused it; it is sent again every hour all the same."""
    error: str
    """The HTTP status of the last answer, or why there was none; empty where its caller has no name."""


@dataclass(frozen=True)
class HookStatus:
    """A company's hook, and the messages that wait for it."""

    controller: str
    """The company's name in the configuration."""
    name: str
    """The company's full name."""
    host: str | None
    """The scheme and the host of its address; null where no hook is configured that can be used."""
    waiting: int
    """The number of messages that it did not take yet."""
    refused: int
    """The number of those that it refused."""
    unnamed: int
    """The number of those that cannot be sent: the hook had no secret then to name their callers by."""
    oldest: Time | None
    """The time since which the oldest of them waits."""
    delivered: Time | None
    """The time at which it last took a message."""
    failed: Time | None
    """The time at which it last did not take one."""
    error: str | None
    """The HTTP status of that answer, or why there was none; null once a message was taken again."""
    stopped: Time | None
    """The time since which nothing is sent, because it answered with 410."""
    failing: tuple[FailingMessage, ...]
    """The oldest messages that it did not take so far, or that cannot be sent, 20 at most."""


@dataclass(frozen=True)
class HookTest:
    """A message about nobody that was sent to a hook."""

    controller: str
    """The company's name in the configuration."""
    id: str
    """The message's id."""
    taken: bool
    """True if the hook took it."""
    status: int | None
    """The HTTP status of its answer; null where there was none."""
    error: str | None
    """The reason why there was no answer."""


@dataclass(frozen=True)
class HookChange:
    """Messages of an outbox that were discarded, or are sent again."""

    controller: str
    """The company's name in the configuration."""
    messages: int
    """Their number."""
    done: bool
    """True if it is done; else it is what would be done."""
    resumed: bool = False
    """True if they are sent again; else they are discarded."""


@dataclass(frozen=True)
class HookReport:
    """The hooks of companies, and what was done."""

    hooks: tuple[HookStatus, ...]
    """Hooks that are configured, and those for which messages wait all the same."""
    test: HookTest | None = None
    """The test message that was sent."""
    change: HookChange | None = None
    """The messages that were discarded, or are sent again."""


def report(
    controllers: Sequence[Controller], test: HookTest | None = None, change: HookChange | None = None
) -> HookReport:
    """Return the hooks of these companies, without those that have none and for which nothing waits. Raises
    LedgerError, and InformativaError where no company has one."""
    states = ((controller, state(controller)) for controller in controllers)
    statuses = tuple(
        _status(controller, outbox_state)
        for controller, outbox_state in states
        if controller.hook is not None or outbox_state.waiting
    )
    if not (statuses or change):
        raise no_hook(controllers[0].id)
    return HookReport(statuses, test, change)


def state(controller: Controller) -> OutboxState:
    """Return the state of a company's outbox. Raises LedgerError."""
    with storage.existing_ledger(controller) as ledger:
        if ledger is None:
            return OutboxState()
        with ledger.connected() as connection:
            return outbox.state(connection)


def send_test(controller: Controller, now: datetime) -> HookTest:
    """Send a message about nobody, and note in the outbox what became of it. Raises InformativaError where
    there is no hook, and LedgerError."""
    if controller.hook is None:
        raise no_hook(controller.id)
    if not controller.hook.is_usable:
        raise InformativaError(
            Text("The hook of {id} has no address or no secret that can be used.", id=controller.id),
            Text("What is wrong with it, says: informativa check"),
        )
    message_id = f"msg_test_{secrets.token_hex(8)}"
    client = HookClient(controller.hook)
    with closing(client):
        reply: HookReply = client.send(message_id, test_content(message_id, now), now)
    if Path(controller.ledger).exists():
        with _transaction(controller) as connection:
            outbox.note_test(connection, reply, now)
    return HookTest(
        controller.id, message_id, reply.took, reply.status or None, None if reply.status else reply.reason
    )


def resume(controller: Controller) -> HookChange:
    """Send all that waits at once, also by a hook that was stopped. Raises LedgerError."""
    waiting = state(controller).waiting
    if Path(controller.ledger).exists():
        with _transaction(controller) as connection:
            outbox.resume(connection)
    return HookChange(controller.id, waiting, done=True, resumed=True)


def discard(controller: Controller, ids: Sequence[str], *, really: bool) -> HookChange:
    """Delete the messages with these ids, or `all`, so that the hook is never told of them; unless `really`
    only say how many. Raises InformativaError where there is no such message, and LedgerError."""
    selection = None if ALL in ids else ids
    if not Path(controller.ledger).exists():
        return HookChange(controller.id, 0, done=really)
    with _transaction(controller) as connection:
        messages = outbox.count(connection, selection)
        if selection is not None and messages < len({*selection}):
            raise InformativaError(
                Text("There is no such message in the outbox of {id}.", id=controller.id),
                Text("Those that fail are shown by: informativa consent hook {id}", id=controller.id),
            )
        if really:
            outbox.discard(connection, selection)
    return HookChange(controller.id, messages, done=really)


@contextmanager
def _transaction(controller: Controller) -> Iterator[sqlite3.Connection]:
    """Open a company's ledger, which must exist, for one transaction. Raises LedgerError."""
    with (
        closing(storage.store(controller, create=False)) as ledger,
        ledger.transaction(),
        ledger.connected() as connection,
    ):
        yield connection


def host(controller: Controller) -> str | None:
    """Return the scheme and the host of a company's hook: the rest of an address may be a secret."""
    if controller.hook is None or not controller.hook.url:
        return None
    parts = urlsplit(controller.hook.url)
    return f"{parts.scheme}://{parts.netloc}"


def _status(controller: Controller, outbox_state: OutboxState) -> HookStatus:
    return HookStatus(
        controller=controller.id,
        name=controller.name,
        host=host(controller),
        waiting=outbox_state.waiting,
        refused=outbox_state.refused,
        unnamed=outbox_state.unnamed,
        oldest=outbox_state.oldest,
        delivered=outbox_state.delivered,
        failed=outbox_state.failed,
        error=outbox_state.error or None,
        stopped=outbox_state.stopped,
        failing=tuple(
            FailingMessage(
                message.id,
                message.record,
                message.word,
                message.choice,
                message.tries,
                message.refused,
                message.error,
            )
            for message in outbox_state.failing
        ),
    )
