"""The manifest of a backup: what is in it, of whom, and the digest of each file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from pydantic import TypeAdapter, ValidationError

from ...model.errors import InformativaError
from ...model.text import Text
from ..document import Time

FORMAT = 1
"""The form of backups; a program refuses a later one than its own."""


class FilePart(StrEnum):
    """The part of an installation that a file of a backup is of."""

    CONFIGURATION = "configuration"
    PROMPT = "prompt"
    LEDGER = "ledger"
    ACCESS_LOG = "access-log"
    LOG = "log"
    PRIVATE_LIST = "private-list"
    KEYS = "keys"


@dataclass(frozen=True)
class BackupFile:
    """A file in a backup."""

    name: str
    """Its name in the archive."""
    part: FilePart
    """The part of the installation that it is of."""
    controller: str | None
    """The controller whose it is; null if it is of all."""
    place: str
    """Its path, from the configuration's folder or the log's folder on; of a ledger, an access log and the
    keys the name alone."""
    bytes: int
    """Its size."""
    sha256: str
    """SHA-256 of its content, in hexadecimal digits."""


@dataclass(frozen=True)
class BackupCompany:
    """A company in a backup."""

    controller: str
    """The controller's name in the configuration."""
    records: int
    """Number of records in its ledger."""
    leaves: int
    """Number of leaves of its logs, of all epochs."""
    logs: tuple[str, ...]
    """The origins of its logs."""
    keys: tuple[str, ...]
    """The fingerprints of the keys that its callers are known by, the current one first: without the first of
    them all callers are strangers."""


@dataclass(frozen=True)
class LeftOutCompany:
    """A company that is missing in a backup, because of a fault of its own."""

    controller: str
    """The controller's name in the configuration."""
    reason: str
    """The fault, in a sentence."""


@dataclass(frozen=True)
class Manifest:
    """The manifest of a backup."""

    format: int
    """The form of the backup."""
    program: str
    """The version of informativa that made it."""
    made: Time
    """The time at which it was begun."""
    box: str
    """The name of the machine."""
    configuration: str
    """The name of the configuration's file."""
    owner: str
    """The user whose the ledgers were."""
    companies: tuple[BackupCompany, ...]
    """The companies in it."""
    left_out: tuple[LeftOutCompany, ...]
    """The companies that should be in it and are not."""
    files: tuple[BackupFile, ...]
    """The files in it."""

    @property
    def has_keys(self) -> bool:
        """Return whether the keys are in it, encrypted."""
        return any(file.part is FilePart.KEYS for file in self.files)

    def of(self, controller: str, part: FilePart) -> list[BackupFile]:
        """Return the files of a part of one company."""
        return [file for file in self.files if (file.controller, file.part) == (controller, part)]

    def company(self, controller: str) -> BackupCompany:
        """Return a company that is in it. Raises InformativaError if it is not."""
        for company in self.companies:
            if company.controller == controller:
                return company
        raise InformativaError(
            Text("The backup has nothing of {controller}.", controller=controller),
            Text("It has: {names}.", names=", ".join(company.controller for company in self.companies)),
        )

    def encode(self) -> bytes:
        """Return it as JSON."""
        return _ADAPTER.dump_json(self, indent=1)


@dataclass(frozen=True)
class _Form:
    format: int


_ADAPTER = TypeAdapter(Manifest)
_FORM_ADAPTER = TypeAdapter(_Form)


def parse(data: bytes) -> Manifest | None:
    """Parse a manifest; `None` for what is none. Raises InformativaError for one of a later form."""
    try:
        form = _FORM_ADAPTER.validate_json(data)
        if form.format > FORMAT:
            raise InformativaError(
                Text(
                    "The backup is of a newer informativa (its form is {format}, this one knows {known}).",
                    format=form.format,
                    known=FORMAT,
                ),
                Text("Install the version that made it, or a later one."),
            )
        manifest = _ADAPTER.validate_json(data)
    except ValidationError:
        return None
    return manifest if all(map(_is_safe, manifest.files)) else None


def _is_safe(file: BackupFile) -> bool:
    """Return whether a file's place stays in the folder that it is put into."""
    place = PurePosixPath(file.place)
    return not place.is_absolute() and ".." not in place.parts and bool(place.parts)
