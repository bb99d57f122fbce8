"""What is asked of the database while a call waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..errors import SharedDatabaseError
from ..ledgers import rows
from ..model import Controller, SharedDatabase
from .connection import Connection, connect, translated
from .idle import IdleConnections
from .rows import Statements

Asked = Sequence[bytes] | None
"""The pseudonyms of a caller; `None`: up to which of our records they are there."""
Answer = Sequence[tuple[Any, ...]]


class Question:
    """Asks over one of the connections that are idle. One per thread."""

    def __init__(self, database: SharedDatabase, controller: Controller, idle: IdleConnections) -> None:
        self._database, self._controller, self._idle = database, controller, idle
        self._sql = Statements(controller.id)

    def __call__(self, asked: Asked) -> Answer:
        """What other boxes told this caller, each row with its box. Raises SharedDatabaseError."""
        if asked is None:
            return self._run(self._sql.sent, (self._database.box,))
        controller, since = self._controller, 0
        if controller.retention:
            since = rows.microseconds(controller.retention.before(datetime.now(UTC), controller.zone))
        return self._run(self._sql.known, (list(asked), self._database.box, since))

    def _run(self, statement: str, given: Sequence[object]) -> Answer:
        """In one round trip, and the server gives it up when nobody waits any more."""
        limit = f"SET LOCAL statement_timeout = {max(1, self._database.seconds * 1000):.0f}"
        until, connection = self._idle.take(self._opened)
        try:
            with translated(self._database), connection.pipeline(), connection.transaction():
                # Not for the session, which behind pgbouncer is not ours.
                connection.execute(limit)
                found = connection.execute(statement, given)
            answer = found.fetchall()
        except SharedDatabaseError:
            connection.close()
            self._idle.drop()
            raise
        self._idle.give_back(until, connection)
        return answer

    def _opened(self) -> Connection:
        seconds = self._database.seconds
        silence = seconds + 1.0  # the server's own limit comes first, and nobody waits for either
        return connect(self._database, self._controller.id, seconds=seconds, silence=silence)
