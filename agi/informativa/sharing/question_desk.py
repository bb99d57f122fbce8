"""The desk at which calls ask one database about callers of any company.

The driver is not loaded before it is needed: a script that knows its caller does without.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..call.guard import Guard, Wait
from ..model import Controller, SharedDatabase
from ..model.errors import InformativaError, SharedDatabaseError
from .idle import OLDEST_SECONDS, IdleConnections

if TYPE_CHECKING:
    from .call_troubles import CallTroubles
    from .question import AnswerRows, Subject


class QuestionDesk:
    """The threads, the breaker and the idle connections by which calls ask one database."""

    def __init__(self, database: SharedDatabase, wait: Wait, monotonic: Callable[[], float]) -> None:
        self._database = database
        self.idle = IdleConnections(OLDEST_SECONDS, monotonic)
        self.guard: Guard[Subject, AnswerRows] = Guard(
            f"shared database {database.name}", self._question, database.seconds, wait, monotonic
        )
        self._troubles: CallTroubles | None = None

    @property
    def trouble(self) -> InformativaError | None:
        """Return the reason why calls get no answer, once it is known; `None` while they get some."""
        return self._troubles.error if self._troubles else None

    async def ask(self, subject: Subject) -> AnswerRows:
        """Return the answer; `None` if there is none. Where the database is left in peace from now on, the
        reason is found out and logged. Never raises."""
        try:
            answer = await self.guard.ask(subject)
        except Exception as error:
            if self.guard.paused:
                from .call_troubles import CallTroubles  # not for a script, whose one call asks twice at most

                self._troubles = self._troubles or CallTroubles(self._database)
                self._troubles.learn(subject[0], error)
            return None
        if answer is not None and self._troubles:
            self._troubles.over()
        return answer

    def connect_ahead(self, controller: Controller) -> None:
        """Connect before the first calls need it: after three in vain nobody asks for a while. A connection
        that is too slow for a call that waits is not too slow for records."""
        from .question import Question

        self.idle.drop()
        with suppress(SharedDatabaseError):
            Question(self._database, self.idle)((controller, None))

    def close(self) -> None:
        """End the threads, and close the connections. Closing twice is harmless."""
        self.guard.close()
        self.idle.close()

    def _question(self) -> Callable[[Subject], AnswerRows]:
        from .question import Question

        return Question(self._database, self.idle)
