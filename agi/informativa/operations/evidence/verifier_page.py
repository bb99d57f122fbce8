"""The page that a company publishes for callers to check their receipts in: whom it trusts, and its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...evidence.note import Verifier
from ...evidence.settings import EvidenceConfig
from ...model import Controller
from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...system.files import write_file
from . import logs


@dataclass(frozen=True)
class VerifierPage:
    """The content of the page: the company, the keys of its logs, and those of witnesses, as vkeys."""

    controller: Controller
    keys: tuple[str, ...]
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class WrittenVerifierPage:
    """The page in which callers check their receipts, as it was written."""

    controller: str
    """The controller's name in the configuration."""
    file: Path
    """The file to publish."""
    keys: tuple[str, ...]
    """The keys of logs by which a receipt holds in it."""
    witnesses: tuple[str, ...]
    """The keys of witnesses whose signatures it knows."""


def verifier_page(
    controller: Controller, evidence: EvidenceConfig, further: Iterable[Verifier] = ()
) -> VerifierPage:
    """Collect the keys of all logs of a controller, with `further` ones, and its witnesses. Raises
    LedgerError, EvidenceError, and InformativaError if there is no key yet."""
    signed = (log_key.key for log_key in logs.keys(controller) if log_key.key)
    keys = tuple(dict.fromkeys([*signed, *map(str, further)]))
    if not keys:
        raise InformativaError(
            Text("{id} has no key yet, so no receipt of it could hold.", id=controller.id),
            Text("Type: informativa evidence checkpoint --controller {id}", id=controller.id),
        )
    witnesses = evidence.for_controller(controller.id).witnesses
    return VerifierPage(controller, keys, tuple(dict.fromkeys(witness.key for witness in witnesses)))


def write(page: VerifierPage, file: Path, text: Callable[[VerifierPage], str]) -> WrittenVerifierPage:
    """Write the page, whose text `text` returns. Raises InformativaError."""
    try:
        write_file(file, text(page).encode())
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Name a file in a folder of yours with -o."),
        ) from error
    return WrittenVerifierPage(page.controller.id, file, page.keys, page.witnesses)
