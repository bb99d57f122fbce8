"""Making of a backup, while calls go on.

What is published of a log is copied before its ledger, and the private lists of erasures after it: so the
ledger has all that is published, and each erasure in it has its list.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ... import __version__
from ...config import Configuration, inspect
from ...evidence.origin import log_folder, machine
from ...ledgers import owner, snapshot
from ...model import Controller, Period
from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...process import storage
from ..controllers import controller_named
from ..doctor import installation, users
from ..document import AbsolutePath, Time
from . import archive, places, sources
from .archive import ArchiveWriter
from .encryption import KeyProtection, encrypt
from .manifest import FORMAT, BackupCompany, FilePart, LeftOutCompany, Manifest

_SPARE = 16 << 20  # bytes that stay free on the disk
_SIDES = ("", "-wal", ".access", ".access-wal")


@dataclass(frozen=True)
class MadeBackup:
    """A backup that was made."""

    file: AbsolutePath
    """The file."""
    bytes: int
    """Its size."""
    made: Time
    """The time at which it was begun."""
    companies: tuple[BackupCompany, ...]
    """The companies in it."""
    left_out: tuple[LeftOutCompany, ...]
    """The companies that should be in it and are not."""
    outside: tuple[Path, ...]
    """Files that the configuration names outside of its folder, and that are not in the backup."""
    keys: bool
    """True if the keys are in it, encrypted."""
    deleted: tuple[Path, ...]
    """The backups whose time was over, and that were deleted."""


def make(
    config: Path,
    place: Path | None,
    now: datetime,
    names: Sequence[str] = (),
    protection: KeyProtection | None = None,
    keep: Period | None = None,
) -> MadeBackup:
    """Make a backup of these companies or, without names, of all; with the keys if there is a `protection`
    for them. `place` is a new file or a folder, else the configured one; in a folder, what is older than
    `keep` is deleted then. Raises InformativaError; then nothing is left of it."""
    configuration = inspect(config)[0]
    for name in names:
        controller_named(configuration, name)
    is_file = place is not None and not place.is_dir() and place.suffix == ".tar"
    folder = places.required_folder(configuration, place.absolute().parent if place and is_file else place)
    file = place if place and is_file else folder / places.file_name(now, names)
    if file.exists():
        raise InformativaError(
            Text("{file} is there already, and is not written over.", file=file), Text("Name another one.")
        )
    with _writing_to(folder, file), places.alone_in(folder):
        _require_room(configuration, names, folder)
        made = _Making(configuration, tuple(dict.fromkeys(names)), now, protection).write(file)
        keep = keep or (configuration.backup.keep if configuration.backup else None)
        deleted = places.delete_expired(folder, keep, now) if keep and not is_file else ()
    manifest, outside = made
    return MadeBackup(
        file,
        file.stat().st_size,
        now,
        manifest.companies,
        manifest.left_out,
        outside,
        manifest.has_keys,
        deleted,
    )


@dataclass(frozen=True)
class _Making:
    """One backup while it is made: of these companies, of all if none is named."""

    configuration: Configuration
    names: tuple[str, ...]
    now: datetime
    protection: KeyProtection | None

    def write(self, file: Path) -> tuple[Manifest, tuple[Path, ...]]:
        """Write the archive. Return its manifest, and the files that could not be put into it. Raises
        InformativaError and OSError."""
        configuration, companies, left_out = self.configuration, list[BackupCompany](), list[LeftOutCompany]()
        all_names = self.names or tuple(configuration.controllers)
        keys = self.protection and encrypt(
            sources.secrets(configuration, all_names, all_of_it=not self.names), self.protection
        )
        with archive.writing(file, self.now) as writer:
            outside = self._add_configuration(writer)
            for name in all_names:
                before = len(writer.files)
                try:
                    companies.append(self._add_company(writer, configuration.controllers[name], file.parent))
                except InformativaError as error:
                    if self.names or len(all_names) == 1 or _is_full(error):
                        raise
                    del writer.files[before:]  # they stay in the archive, and nobody looks for them
                    left_out.append(LeftOutCompany(name, str(error.text)))
            if keys:
                writer.add_bytes(keys, "keys.age", FilePart.KEYS, "keys.age")
            manifest = Manifest(
                format=FORMAT,
                program=__version__,
                made=self.now,
                box=configuration.evidence.box or machine(),
                configuration=configuration.file.name,
                owner=users.name(installation.owner(configuration).st_uid),
                companies=tuple(companies),
                left_out=tuple(left_out),
                files=tuple(writer.files),
            )
            writer.finish(manifest)
        return manifest, outside

    def _add_configuration(self, writer: ArchiveWriter) -> tuple[Path, ...]:
        configuration, outside = self.configuration, list[Path]()
        names = self.names or tuple(configuration.controllers)
        for source in sources.configuration_files(configuration, names, all_of_it=not self.names):
            if not source.file.is_relative_to(configuration.folder):
                outside.append(source.file)
                continue
            path = str(source.file.relative_to(configuration.folder))
            writer.add(source.file, f"configuration/{path}", source.part, path, source.controller)
        return tuple(dict.fromkeys(outside))

    def _add_company(self, writer: ArchiveWriter, controller: Controller, folder: Path) -> BackupCompany:
        """Add the ledger of a company, and what lies beside it."""
        if controller.id in self.configuration.invalid_controllers:
            raise InformativaError(
                Text("The section of {controller} has mistakes.", controller=controller.id),
                Text("Look at them: informativa check"),
            )
        name, ledger = controller.id, Path(controller.ledger)
        ledger_owner = owner.of(controller)
        key_names = ledger_owner.keys if ledger_owner else ()

        def add_log(files: Sequence[Path], part: FilePart) -> None:
            for file in files:
                place = str(file.relative_to(log_folder(ledger)))
                writer.add(file, f"companies/{name}/log/{place}", part, place, name)

        with (
            storage.existing_ledger(controller) as store,
            tempfile.TemporaryDirectory(prefix=places.STAGING, dir=folder) as staging,
        ):
            if store is None:
                return BackupCompany(name, 0, 0, (), key_names)
            add_log(sources.log_files(ledger), FilePart.LOG)
            copy, access = Path(staging, "ledger.sqlite3"), Path(staging, "access.sqlite3")
            content = snapshot.copy_ledger(store, copy)
            has_access = snapshot.copy_access_log(storage.access_log(controller), access)
            add_log(sources.private_lists(ledger), FilePart.PRIVATE_LIST)
            writer.add(copy, f"companies/{name}/{copy.name}", FilePart.LEDGER, copy.name, name)
            if has_access:
                writer.add(access, f"companies/{name}/{access.name}", FilePart.ACCESS_LOG, access.name, name)
        return BackupCompany(name, content.records, content.end, content.origins, key_names)


@contextmanager
def _writing_to(folder: Path, file: Path) -> Iterator[None]:
    """Turn an OSError into an InformativaError about the backup."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(folder) from error
        reason = Foreign(error.strerror or str(error))
        raise InformativaError(
            Text("The backup {file} cannot be written ({why}).", file=file, why=reason),
            Text(
                "Look at the owner and mode of {place}, or name another folder.",
                place=error.filename or folder,
            ),
        ) from error


def _require_room(configuration: Configuration, names: Sequence[str], folder: Path) -> None:
    """Check that the archive, and the copy of the largest ledger while it is made, find room. Raises
    InformativaError."""
    sizes = [
        sum(_size(Path(f"{controller.ledger}{side}")) for side in _SIDES)
        for name, controller in configuration.controllers.items()
        if name in names or not names
    ]
    needed = sum(sizes) + max(sizes, default=0) + _SPARE
    if shutil.disk_usage(folder).free < needed:
        raise _no_room(folder, needed)


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116  # a path that may not be looked at is reported later
    except OSError:
        return 0


def _is_full(error: InformativaError) -> bool:
    return error.code == snapshot.NO_ROOM


def _no_room(folder: Path, needed: int = 0) -> InformativaError:
    message = Text("There is no room for the backup in {folder}.", folder=folder)
    if needed:
        message = Text(
            "There is no room for the backup in {folder}: {needed} MB are needed.",
            folder=folder,
            needed=-(-needed // 10**6),
        )
    remedy = Text("Make room there, or name another folder; nothing was written.")
    return InformativaError(message, remedy, code=snapshot.NO_ROOM)
