"""The owner of a ledger, so that no ledger is taken for another company's, or read with a wrong key.

Under another key all callers are strangers, and in another company's ledger theirs are found: both would go
unnoticed. So a ledger stores the company's name in the configuration and the key's fingerprint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..call.caller import fingerprint
from ..evidence.origin import put_aside
from ..model import Controller
from ..model.errors import LedgerError
from ..model.frozen import dataclass
from ..model.text import Text

if TYPE_CHECKING:
    from ..evidence.notes import RuleNote

_READ = "SELECT controller, key FROM owner"
_WRITE = "INSERT OR REPLACE INTO owner VALUES (1, ?, ?)"


@dataclass(frozen=True)
class LedgerOwner:
    """A company by its name in the configuration, and the fingerprints of its keys, the current one first.
    `rule` returns the rule that its log states from the first leaf on, `None` if it states none."""

    controller: str
    keys: tuple[str, ...]
    rule: Callable[[], RuleNote | None] = field(default=lambda: None, compare=False, repr=False)


def of(controller: Controller) -> LedgerOwner | None:
    """The owner of a company's ledger; `None` for a company without a key, which no configuration has."""
    if not controller.key:
        return None
    return LedgerOwner(controller.id, tuple(map(fingerprint, controller.keys)), partial(_rule, controller))


def _rule(controller: Controller) -> RuleNote | None:
    if controller.rule is None:
        return None
    from ..evidence.rules import configured_rule  # it loads OpenSSL, which only a ledger's first call needs

    return configured_rule(controller)


def require(connection: sqlite3.Connection, file: Path, owner: LedgerOwner) -> bool:
    """Return whether the ledger names its present owner and key. Raises LedgerError if it names others and
    has records; without records, but for a rule, anybody may take it."""
    row = connection.execute(_READ).fetchone()
    if row is None:
        return False
    controller, key = row
    if controller == owner.controller and key in owner.keys:
        return bool(key == owner.keys[0])
    if connection.execute("SELECT 1 FROM event WHERE kind <> 'rule' LIMIT 1").fetchone() is None:
        return False
    raise _foreign(file, controller, owner) if controller != owner.controller else _unlocked(file, owner)


def write(connection: sqlite3.Connection, owner: LedgerOwner) -> None:
    """Write the owner into the ledger, within a transaction."""
    connection.execute(_WRITE, (owner.controller, owner.keys[0]))


def _foreign(file: Path, other: str, owner: LedgerOwner) -> LedgerError:
    return LedgerError(
        Text(
            "{file} is the ledger of {other}, and the configuration gives it to {id}.",
            file=file,
            other=other,
            id=owner.controller,
        ),
        Text(
            "Give each company its own (`ledger:`). Where {other} was renamed, call it {other} again, or"
            " begin another ledger: {aside}",
            other=other,
            aside=put_aside(file),
        ),
    )


def _unlocked(file: Path, owner: LedgerOwner) -> LedgerError:
    return LedgerError(
        Text(
            "The callers in {file} are known by another key than those of {id}.",
            file=file,
            id=owner.controller,
        ),
        Text(
            "Put its key back (keys/{id}.key), or beside the new one as an old one. Where it is lost, all"
            " callers are strangers: begin another ledger: {aside}",
            id=owner.controller,
            aside=put_aside(file),
        ),
    )
