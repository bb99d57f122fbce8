"""A log with leaves of all kinds: records, and notes of every kind, each by what makes it; and the log in
which it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from evidence.honest import APPROVERS, WITNESS, Company
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.note import Verifier
from informativa.model.plan import LogRule

APPROVER = APPROVERS[0].verifier


@dataclass(frozen=True)
class MixedLog:
    """A published log and its key."""

    log: PublishedLog
    key: Verifier
    size: int

    @property
    def entries(self) -> list[bytes]:
        """All entries, as the program reads them."""
        return [self.log.entry(index, self.size) for index in range(self.size)]


def grown(folder: Path) -> list[MixedLog]:
    """Both logs of a call centre whose calls go on for five years: it erases a caller with the company's
    approval, puts a copy back, purges, and changes the key of the log."""
    rule = LogRule("each", (str(WITNESS.verifier),), str(APPROVER), "OPS/1")
    company = Company(folder, 1, rule, outsourced=True)
    (box,) = company.boxes

    def pass_on(days: float = 0.0, *numbers: int) -> None:
        company.now += timedelta(days=days)
        for number in numbers:
            company.call(box, number)
        company.sign(box)
        company.publish(box)

    pass_on(0, 0, 1, 2)
    company.copy(box)
    pass_on(1, 0, 3)
    company.restore(box, 0, alone=False)
    pass_on(1)
    company.erase(box, 0)
    pass_on()
    company.approve()
    company.carry_out(box)
    pass_on(1, 4)
    for _ in range(4):
        pass_on(31 * 16, 1)
    company.purge(box)
    pass_on(1, 2)
    company.change_key(box)
    pass_on(0, 1)
    return list(_logs(company))


def _logs(company: Company) -> Iterator[MixedLog]:
    for log, key in company.boxes[0].all_logs():
        yield MixedLog(log, key, log.newest()[0])
