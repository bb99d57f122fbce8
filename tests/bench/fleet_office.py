"""The folder of a box that serves many companies: one configuration, a key and a ledger of each."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lab.office import Office
from lab.postgres import SUPERUSER, Postgres

from . import rivals

PASSWORD = "of the boxes"
_COMPANY = """\
  {id}:
    name: Company {number}
    outsourcing:
      processor: Acme S.p.A.
      contract: {{reference: "2026/12", date: 2026-10-01}}
      analysis: {{reference: "2026/11", date: 2026-09-15}}
    key: keys/{id}.key
    ledger: ledger/{id}.sqlite3
    retention: 5 years
    time_zone: Europe/Rome
    notices:
      privacy:
        versions:
          - version: "2026-11"
            purposes: [service]
            short: {{it: prompts/it/short, en: prompts/en/short}}
            short_nokey: {{it: prompts/it/short-nokey, en: prompts/en/short-nokey}}
            full: {{it: prompts/it/full, en: prompts/en/full}}
"""
_LINE = """\
  "{line}":
    controller: {id}
    language: it
    region: IT
    plan: [{{notice: privacy, when: once}}]
    keys: {{full: "1"}}
    callers: either
"""
_SHARED = """\

shared:
  hosts: ['127.0.0.1:{port}']
  database: postgres
  box: {box}
  passwords: keys/database.pgpass
"""


def company(number: int) -> str:
    """Return the name of a company in the configuration."""
    return f"company-{number:03d}"


def line(number: int) -> str:
    """Return the called number of a company; the first has the one that the load generator calls."""
    return f"+3902700{number:05d}" if number else rivals.LINE


class FleetOffice(Office):
    """A box of an installation: all boxes have the same companies, keys and lines, and each its ledgers,
    which lie in a folder of their own where one is named."""

    def __init__(self, folder: Path, companies: int, box: str, ledgers: Path | None = None) -> None:
        super().__init__(folder)
        self.box, self.companies = box, [company(number) for number in range(companies)]
        if ledgers is not None:
            ledgers.mkdir(parents=True)
            (folder / "ledger").symlink_to(ledgers)
        text = self.config.read_text(encoding="utf-8")
        head, _controllers, _rest = text.partition("\ncontrollers:\n")
        blocks = (_COMPANY.format(id=company(number), number=number) for number in range(companies))
        lines = (_LINE.format(id=company(number), line=line(number)) for number in range(companies))
        self._alone = f"{head}\ncontrollers:\n{''.join(blocks)}\nlines:\n{''.join(lines)}"
        self.config.write_text(self._alone, encoding="utf-8")
        for name in self.companies:
            file = folder / "keys" / f"{name}.key"
            file.write_text(f"{hashlib.sha256(name.encode()).hexdigest()}\n")
            file.chmod(0o600)

    def share(self, server: Postgres | None) -> None:
        """Have the box meet the others at a server, or nowhere."""
        shared = ""
        if server is not None:
            file = self.folder / "keys/database.pgpass"
            file.write_text(f"*:*:*:{SUPERUSER}:{server.password}\n*:*:*:*:{PASSWORD}\n")
            file.chmod(0o600)
            shared = _SHARED.format(port=server.port, box=self.box)
        self.config.write_text(self._alone + shared, encoding="utf-8")
