"""The questions of a call to the other boxes, and its waits for them: the port `OtherBoxes`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..call.guard import Wait
from ..model import Controller, Record, SharedDatabase, SharedState
from ..model.ports import OtherBoxes
from .question_desk import QuestionDesk
from .rows import readable

if TYPE_CHECKING:
    from .loop import ExchangeLoop
    from .question import AnswerRows


class SharedBoxes(OtherBoxes):
    """The other boxes of one company. The `loop` sends our records and takes in the others'; companies whose
    loops have one meeting place ask at one desk. A script has none, and relies on the service for it."""

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
        """The numbers of callers that the database was asked for, of those in vain, and of calls whose
        records were not there in time."""
        self._monotonic = monotonic
        opened = partial(QuestionDesk, database, wait, monotonic)
        self._desk = opened() if loop is None else loop.place.desk(opened)

    @property
    def state(self) -> SharedState | None:
        """Return the present state, where a loop knows it."""
        if self.loop is None:
            return None
        loop_state = self.loop.state
        usable = loop_state.contact > 0 and loop_state.error is None
        counts = (self.asked, self.unanswered, self.late)
        return SharedState(
            loop_state.behind,
            loop_state.contact,
            usable,
            self.paused,
            *counts,
            error=loop_state.error,
            trouble=self._desk.trouble,
        )

    @property
    def paused(self) -> bool:
        """Return whether the database is not asked, because it did not answer."""
        return self._desk.guard.paused

    async def ask(self, pseudonyms: Sequence[bytes]) -> Sequence[tuple[str, Record]]:
        self.asked += 1
        rows = await self._answer(tuple(pseudonyms))
        if rows is None:
            self.unanswered += 1
        return [(row[0], record) for row in rows or () for record in readable([row[1:]])]

    async def wait(self, record: int) -> None:
        if self.loop is not None:
            self.loop.wake()
        if not self.database.wait:
            return
        if self.paused:
            sent = False
        elif self.loop is not None:
            sent = await self.loop.sent_up_to(record, self.database.seconds)
        else:
            sent = await self._sent_by_the_service(record)
        self.late += not sent

    def close(self) -> None:
        if self.loop is None:
            self._desk.close()
        else:
            self.loop.stop()

    async def _sent_by_the_service(self, record: int) -> bool:
        deadline = self._monotonic() + self.database.seconds
        while self._monotonic() < deadline:
            rows = await self._answer(None)
            if rows is None:
                return False
            if rows and rows[0][0] >= record:  # before the service's first contact there is nothing
                return True
        return False

    async def _answer(self, pseudonyms: Sequence[bytes] | None) -> AnswerRows:
        from . import question  # noqa: F401  # before the time for the database begins

        return await self._desk.ask((self.controller, pseudonyms))
