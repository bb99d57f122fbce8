"""Opening of ledgers, so that none of them can keep a service from its other companies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from ..model.errors import LedgerError
from ..model.ports import Ledger
from ..model.text import Text
from ..system.patience import start_in_thread
from .write_lock import BUSY_SECONDS

OPEN_SECONDS = 5 * BUSY_SECONDS  # it waits as long as that for another program, and more than once


class LedgerOpener:
    """Opens ledgers, and waits for each no longer than a bound. One that hangs, as on a network folder that
    has stalled, is not opened a second time meanwhile."""

    def __init__(self, seconds: float = OPEN_SECONDS) -> None:
        self._seconds = seconds
        self._hanging: dict[str, Future[Ledger]] = {}

    def open(self, file: str, opened: Callable[[], Ledger]) -> Ledger:
        """Return the ledger that `opened` makes of a file. Raises LedgerError, also after the bound."""
        hanging = self._hanging.pop(file, None)
        if hanging is None or hanging.done():
            hanging = start_in_thread(opened)
            try:
                return hanging.result(self._seconds)
            except TimeoutError:
                hanging.add_done_callback(_close)
        self._hanging[file] = hanging
        raise LedgerError(
            Text(
                "The ledger {file} cannot be opened within {seconds:.0f} s.",
                file=file,
                seconds=self._seconds,
            ),
            Text("Look at the disk or the network folder that it lies on."),
        )


def _close(future: Future[Ledger]) -> None:
    """Close a ledger that nobody waits for any more."""
    if future.exception() is None:
        future.result().close()
