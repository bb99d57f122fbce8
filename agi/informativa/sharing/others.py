"""What a call asks of the other boxes, and what it waits for: the port `OtherBoxes`.

Nothing here loads the driver before it is needed: a script that knows its caller does without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import InformativaError, SharedDatabaseError
from ..guard import Guard, Wait
from ..model import Controller, Record, SharedDatabase, SharedState
from ..ports import OtherBoxes
from .idle import OLDEST_SECONDS, IdleConnections
from .rows import readable

if TYPE_CHECKING:
    from .loop import ExchangeLoop
    from .question import Answer, Asked


class SharedBoxes(OtherBoxes):
    """Those of one company. The `loop` sends our records and takes in the others'; a script has none, and
    relies on the service for it."""

    def __init__(
        self,
        controller: Controller,
        database: SharedDatabase,
        wait: Wait,
        loop: ExchangeLoop | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.controller, self.database, self.loop = controller, database, loop
        self.asked = self.unanswered = self.late = 0
        """How many callers the database was asked for, how many of them in vain, and how often records were
        not there in time."""
        self._monotonic = monotonic
        self._idle = IdleConnections(OLDEST_SECONDS, monotonic)
        name = f"shared database {controller.id}"
        self._guard: Guard[Asked, Answer] = Guard(name, self._question, database.seconds, wait, monotonic)
        if loop is not None:
            loop.connected = self._connect_ahead

    @property
    def state(self) -> SharedState | None:
        """How it is now, where a loop knows."""
        if self.loop is None:
            return None
        now = self.loop.state
        usable = now.contact > 0 and now.error is None
        counts = (self.asked, self.unanswered, self.late)
        return SharedState(now.behind, now.contact, usable, self.paused, *counts, error=now.error)

    @property
    def paused(self) -> bool:
        """Whether it is left in peace, because it did not answer."""
        return self._guard.paused

    async def ask(self, pseudonyms: Sequence[bytes]) -> Sequence[tuple[str, Record]]:
        self.asked += 1
        found = await self._answer(tuple(pseudonyms))
        if found is None:
            self.unanswered += 1
        return [(row[0], record) for row in found or () for record in readable([row[1:]])]

    async def wait(self, record: int) -> None:
        if not self.database.wait:
            return
        if self.paused:
            there = False
        elif self.loop is not None:
            there = await self.loop.sent_up_to(record, self.database.seconds)
        else:
            there = await self._sent_by_the_service(record)
        self.late += not there

    def close(self) -> None:
        self._guard.close()
        self._idle.close()
        if self.loop is not None:
            self.loop.stop()

    async def _sent_by_the_service(self, record: int) -> bool:
        until = self._monotonic() + self.database.seconds
        while self._monotonic() < until:
            found = await self._answer(None)
            if found is None:
                return False
            if found and found[0][0] >= record:  # before the service's first contact there is nothing
                return True
        return False

    async def _answer(self, asked: Asked) -> Answer | None:
        from . import question  # noqa: F401  # its time is none of the database's

        try:
            return await self._guard.ask(asked)
        except (InformativaError, TimeoutError):
            return None  # the loop tells why; here it is counted

    def _connect_ahead(self) -> None:
        """So that the first calls need not wait for it: three in vain, and nobody asks for a while. Too slow
        for a call that waits is not too slow for records."""
        from .question import Question

        with suppress(SharedDatabaseError):
            Question(self.database, self.controller, self._idle)(None)

    def _question(self) -> Callable[[Asked], Answer]:
        from .question import Question

        return Question(self.database, self.controller, self._idle)
