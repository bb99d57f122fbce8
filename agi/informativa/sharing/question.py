"""The questions to the database while a call waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..ledgers import rows
from ..model import Controller, SharedDatabase
from ..model.errors import BoxRefusedError, SharedDatabaseError
from .box_statements import KNOWN, SENT
from .connection import Connection, company_number, connect_box, translated
from .idle import IdleConnections
from .refusals import unusable

# Not for the session, which behind pgbouncer is not ours. What a pipeline sends is one transaction: to begin
# one and to end it took longer than the question itself.
_LIMIT = "SELECT set_config('statement_timeout', %s, true)"

Subject = tuple[Controller, Sequence[bytes] | None]
"""A company, and the pseudonyms of a caller; `None` asks for the number of our last record that is there."""
AnswerRows = Sequence[tuple[Any, ...]] | None
"""The rows of an answer; `None` where this box does not serve the company."""


class Question:
    """A query of the shared database over one of the idle connections; one for each thread."""

    def __init__(self, database: SharedDatabase, idle: IdleConnections) -> None:
        self._database, self._idle = database, idle

    def __call__(self, subject: Subject) -> AnswerRows:
        """Return the records by which other boxes informed this caller, and of what he answered there, each
        row with its box. Where this box does not serve the company, that is no failure of the database, of
        which others ask, too. Raises SharedDatabaseError."""
        controller, pseudonyms = subject
        if pseudonyms is None:
            return self._run(controller, SENT, {})
        since = 0
        if controller.retention:
            since = rows.microseconds(controller.retention.before(datetime.now(UTC), controller.zone))
        return self._run(controller, KNOWN, {"pseudonyms": list(pseudonyms), "since": since})

    def _run(self, controller: Controller, statement: str, values: Mapping[str, object]) -> AnswerRows:
        """Run a statement in one round trip, and one more for the first of a company over a connection. The
        server gives it up when nobody waits any more."""
        milliseconds = f"{max(1, self._database.seconds * 1000):.0f}"
        expiry, connection = self._idle.take(partial(self._connect, controller))
        try:
            company = self._company(connection, controller)
            values = {**values, "company": company, "box": self._database.box}
            with translated(self._database), connection.pipeline():
                connection.execute(_LIMIT, (milliseconds,), prepare=True)
                cursor = connection.execute(statement, values, prepare=True)
            answer: AnswerRows = cursor.fetchall()
        except BoxRefusedError:
            answer = None
        except SharedDatabaseError:
            connection.close()
            self._idle.drop()
            raise
        self._idle.give_back(expiry, connection)
        return answer

    def _company(self, connection: Connection, controller: Controller) -> int:
        company = connection.companies.get(controller.id)
        if company is None:
            company = company_number(connection, self._database, controller.id)
            connection.companies[controller.id] = company
        return company

    def _connect(self, controller: Controller) -> Connection:
        seconds = self._database.seconds
        silence = seconds + 1.0  # the server's own limit comes first, and nobody waits for either
        explain = partial(unusable, self._database)  # nobody waits for the reason
        return connect_box(self._database, controller.id, seconds=seconds, silence=silence, explain=explain)
