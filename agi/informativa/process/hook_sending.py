"""The sending of messages about consents to the hooks of companies, beside the calls.

A message is sent until the hook takes it. One that fails is put off for longer each time, and holds only
later ones of the same caller. While nothing is taken the whole hook is left in peace for longer each time,
too. What a crash keeps from being noted is sent once more, under the same id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from ..call.webhook import content
from ..ledgers import outbox
from ..ledgers.outbox import OutboxState
from ..ledgers.sqlite import SqliteStore
from ..model import Controller
from ..model.errors import LedgerError
from ..model.hooks import Hook, HookMessage, HookReply
from ..model.text import command
from ..system.turns import OnceLogged
from . import storage
from .hook_client import HookClient

PAGE = 50  # messages that are looked up at once
UNNOTED_SECONDS = 1.0  # of sending, after which the replies are written down
ROUND_SECONDS = 60.0  # of sending, after which the configuration is looked at anew
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5 * 60.0  # seconds, of a hook that takes nothing
FIRST_DELAY, LONGEST_DELAY = 10.0, 10 * 60.0  # seconds, of a message that was not taken
REFUSED_DELAY = 60 * 60.0  # seconds, of a message that was refused

log = structlog.get_logger("informativa")


@dataclass
class _Delivery:
    """The state of the sending to one hook: until when it is left in peace (by a clock that never goes back),
    after how many failures in a row, and the replies that are not written down yet."""

    client: HookClient
    failures: int = 0
    resume_at: float = 0.0
    replies: list[tuple[HookMessage, HookReply, datetime]] = field(default_factory=list)


class HookSending:
    """The sending for all companies of a service. `jitter` returns numbers from 0 to 1."""

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._now, self._monotonic, self._jitter = now, monotonic, jitter
        self._deliveries: dict[str, _Delivery] = {}
        self._errors = OnceLogged("the hook does not take a message about a consent")
        self._ledger_errors = OnceLogged("messages about consents cannot be read")

    def send(self, controller: Controller) -> OutboxState | None:
        """Send what a company's outbox has and may be sent now, and return the state of the outbox; `None`
        without a ledger or a hook, or where the ledger cannot be used, which is logged."""
        if controller.hook is None or not Path(controller.ledger).exists():
            return None
        delivery = self._delivery(controller.id, controller.hook)
        try:
            with closing(storage.store(controller, create=False)) as ledger:
                self._note(controller, ledger, delivery)  # what could not be written down the last time
                end = self._monotonic() + ROUND_SECONDS
                while controller.hook.is_usable and end > self._monotonic() >= delivery.resume_at:
                    with ledger.connected() as connection:
                        messages = outbox.due(connection, self._now(), PAGE)
                    if not messages:
                        break
                    self._send_page(messages, delivery)
                    self._note(controller, ledger, delivery)
                with ledger.connected() as connection:
                    state = outbox.state(connection)
        except LedgerError as error:
            self._ledger_errors.tell(controller.id, controller=controller.id, error=str(error))
            return None
        self._ledger_errors.over(controller.id)
        return state

    def _delivery(self, company: str, hook: Hook) -> _Delivery:
        """Return the state of the sending to a company's hook; anew after a change of the hook's settings."""
        delivery = self._deliveries.get(company)
        if delivery is None or delivery.client.hook != hook:
            replies = delivery.replies if delivery else []
            if delivery is not None:
                delivery.client.close()
            delivery = self._deliveries[company] = _Delivery(HookClient(hook), replies=replies)
        return delivery

    def _send_page(self, messages: list[HookMessage], delivery: _Delivery) -> None:
        """Send messages until one is not taken, or the replies should be written down."""
        began = self._monotonic()
        for message in messages:
            now = self._now()
            reply = delivery.client.send(message.id, content(message), now)
            delivery.replies.append((message, reply, now))
            if not reply.took:
                delivery.failures += 1
                pause = self._pause(FIRST_PAUSE, LONGEST_PAUSE, delivery.failures - 1)
                delivery.resume_at = self._monotonic() + max(pause, reply.retry_after)
                return
            delivery.failures = 0
            if self._monotonic() - began > UNNOTED_SECONDS:
                return

    def _note(self, controller: Controller, ledger: SqliteStore, delivery: _Delivery) -> None:
        """Write the replies into the outbox, and log those that matter. Raises LedgerError; then it is done
        the next time, before anything is sent."""
        if not delivery.replies:
            return
        with ledger.turn(brief=True), ledger.connected() as connection:
            for message, reply, at in delivery.replies:
                outbox.note(connection, message, reply, at, at + self._delay(message, reply))
        for _message, reply, _at in delivery.replies:
            self._log(controller.id, reply)
        delivery.replies.clear()

    def _delay(self, message: HookMessage, reply: HookReply) -> timedelta:
        """Return for how long a message is put off that was not taken."""
        if reply.refused:
            return timedelta(seconds=REFUSED_DELAY)
        return timedelta(seconds=self._pause(FIRST_DELAY, LONGEST_DELAY, message.tries))

    def _pause(self, first: float, longest: float, failures: int) -> float:
        """Return a pause that doubles with each failure up to the longest, half of it by chance, so that not
        all senders come at once."""
        return min(longest, first * 2.0 ** min(failures, 30)) * (1 + self._jitter()) / 2

    def _log(self, company: str, reply: HookReply) -> None:
        if reply.took:
            self._errors.over(company)
        elif reply.stops:
            log.error(
                "the hook was stopped: the receiver wants no messages any more (410)",
                controller=company,
                remedy=command("informativa", "consent", "hook", company, "--resume"),
            )
        else:
            self._errors.tell(company, controller=company, error=reply.error)
