"""The reason why calls get no answer from the shared database, for the log and for `status`.

The exchange has its own connection, which goes on where a server takes no more of them: then nothing else
would say that callers hear again what they heard on another box.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

import structlog

from ..model import Controller, SharedDatabase
from ..model.errors import DefectError, InformativaError, SharedDatabaseError
from ..model.text import Text
from ..system.patience import start_apart
from ..system.turns import OnceLogged
from .connection import server_refusal

_CANCELLED = "57014"  # by the server, after the time that a call waits

log = structlog.get_logger("informativa")


class CallTroubles:
    """The last trouble of calls with one database, `None` once it answers again."""

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database
        self._errors = OnceLogged("calls are not told what other boxes know")
        self._lock, self._answered = threading.Lock(), 0
        self.error: InformativaError | None = None

    def learn(self, controller: Controller, error: Exception) -> None:
        """Find out why a question about a company failed, and log it once for as long as it is the same.
        No call waits for that."""
        with suppress(RuntimeError, MemoryError):  # no thread is to be had: the next failure tries again
            start_apart(partial(self._explain, controller, error, self._answered))

    def over(self) -> None:
        """Forget the trouble, also one of which the reason is not known yet: a question was answered."""
        with self._lock:
            self._answered += 1
            was, self.error = self.error, None
            self._errors.over("")
        if was is not None:
            log.info("calls are told again what other boxes know", database=self._database.name)

    def _explain(self, controller: Controller, error: Exception, answered: int) -> None:
        defect: Exception | None = None
        try:
            reason = self._reason(controller, error)
        except Exception as unforeseen:
            reason, defect = DefectError(unforeseen), unforeseen
        database = self._database.of(controller.id).name
        with self._lock:
            if answered == self._answered:
                self.error = reason
                self._errors.tell("", database=database, error=str(reason), exc_info=defect)

    def _reason(self, controller: Controller, error: Exception) -> InformativaError:
        if not isinstance(error, (SharedDatabaseError, TimeoutError)):
            raise error
        if isinstance(error, TimeoutError) or error.state == _CANCELLED:
            error = _slow(self._database.of(controller.id))
        elif error.state:
            return error
        return server_refusal(self._database, controller.id) or error


def _slow(database: SharedDatabase) -> SharedDatabaseError:
    """Return the error of a database that takes writes, and answers later than a call waits for it."""
    return SharedDatabaseError(
        Text(
            "The shared database {database} on {hosts} does not answer calls within {milliseconds:.0f} ms.",
            database=database.name,
            hosts=", ".join(database.hosts),
            milliseconds=database.seconds * 1000,
        ),
        Text("See how busy it is. If it is far away, let calls wait longer for it: shared.milliseconds"),
    )
