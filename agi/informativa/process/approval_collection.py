"""The fetching of approvals from the witnesses that serve them, beside the calls and apart from signing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from ..evidence.settings import EvidenceConfig, WitnessAddress
from ..model import Controller
from ..model.errors import ElsewhereError, EvidenceError, LedgerError
from ..model.text import Text
from ..system.patience import in_thread
from ..system.turns import OnceLogged
from . import log_storage

if TYPE_CHECKING:
    from ..evidence.witness_client import WitnessClient

READING_SECONDS = 300.0  # of one witness, for one company; the rest is read the next time

log = structlog.get_logger("informativa")


class ApprovalCollection:
    """The work of fetching approvals, for as long as notes wait for one. A witness that cannot be asked is
    logged once for as long as that lasts, and an approval that is refused once.

    Nothing is stored: after a restart all are read once more, so that a ledger from a backup gets back what
    it lacks.
    """

    def __init__(self) -> None:
        self._errors = OnceLogged("no approvals were fetched")
        self._next: dict[tuple[str, str], int] = {}  # the number to ask for, by the witness's key and the log

    async def collect(self, controller: Controller, settings: EvidenceConfig) -> None:
        """Ask the witnesses of a controller for approvals of its notes, and write those into its log.
        `settings` are those of the controller. Errors are logged."""
        if controller.refused or not settings.witnesses:
            return
        try:
            waiting, noted = await in_thread(log_storage.waiting_notes, controller)
        except (LedgerError, EvidenceError) as error:
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            return
        self._errors.over(controller.id)
        origins = sorted({standing.entry.leaf.origin for standing in waiting})
        for address in settings.witnesses if origins else ():
            await in_thread(self._ask, controller, address, origins, noted)

    def _ask(
        self, controller: Controller, address: WitnessAddress, origins: list[str], noted: set[str]
    ) -> None:
        """Take the new approvals that a witness has for these logs, but for those that are `noted`."""
        from ..evidence.witness_client import WitnessClient  # and with it cryptography

        subject, deadline = f"{controller.id} {address.key}", time.monotonic() + READING_SECONDS
        try:
            client = WitnessClient(address)
            for origin in origins:
                self._read(controller, client, origin, noted, deadline)
        except (LedgerError, EvidenceError) as error:
            self._errors.tell(subject, controller=controller.id, error=str(error))
        else:
            self._errors.over(subject)

    def _read(
        self, controller: Controller, client: WitnessClient, origin: str, noted: set[str], deadline: float
    ) -> None:
        """Raises LedgerError, EvidenceError: then the same approval is asked for the next time."""
        from ..evidence.approval import Approval

        place = str(client.key), origin
        while (data := client.approval(origin, self._next.get(place, 0))) is not None:
            if Approval.unverified(data).file_name not in noted:
                _take(controller, client.name, data)
            self._next[place] = self._next.get(place, 0) + 1
            if time.monotonic() > deadline:
                raise ElsewhereError(
                    Text("{name} is slow: its other approvals are read later", name=client.name)
                )


def _take(controller: Controller, witness: str, data: bytes) -> None:
    from ..evidence.note_values import NoteSource

    try:
        approval = log_storage.take_approval(controller, data, datetime.now(UTC), NoteSource.SERVICE)
    except EvidenceError as error:
        log.warning("an approval was refused", controller=controller.id, witness=witness, error=str(error))
        return
    if approval is not None and not approval.is_there:
        leaves = [f"{standing.entry.leaf.origin} {standing.entry.leaf.index}" for standing in approval.notes]
        log.info("an approval was noted", controller=controller.id, witness=witness, notes=leaves)
