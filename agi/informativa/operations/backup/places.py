"""Names and places of backups: one file for each, in one folder."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...config import Configuration
from ...model import Period
from ...model.errors import InformativaError
from ...model.text import Text

STAGING = ".informativa-backup-"
_NAME = re.compile(r"informativa-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)Z(-[a-z0-9_-]+)?\.tar")


@dataclass(frozen=True)
class BackupPlace:
    """A backup in a folder: its file, the time of its name, and the part of its name for the companies, '' if
    it is of all."""

    file: Path
    made: datetime
    companies: str


def file_name(now: datetime, names: Sequence[str]) -> str:
    """Return the name of a backup that is made now, of all companies or of these."""
    return f"informativa-{now.astimezone(UTC):%Y-%m-%dT%H-%M-%S}Z{''.join(f'-{name}' for name in names)}.tar"


def backups_in(folder: Path) -> list[BackupPlace]:
    """Return the backups in a folder, by their names, the oldest first. Raises OSError."""
    places = []
    for file in folder.iterdir():
        if match := _NAME.fullmatch(file.name):
            with suppress(ValueError):
                made = datetime.strptime(match[1], "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
                places.append(BackupPlace(file, made, match[2] or ""))
    return sorted(places, key=lambda place: (place.made, place.file))


def expires(place: BackupPlace, keep: Period) -> datetime:
    """Return the time from which a backup is no longer kept."""
    return keep.after(place.made, UTC)


def delete_expired(folder: Path, keep: Period, now: datetime) -> tuple[Path, ...]:
    """Delete the backups that are no longer kept, and return their files. The newest of the same companies
    stays, whatever its age. Raises OSError."""
    places = backups_in(folder)
    newest = {place.companies: place for place in places}
    expired = [
        place for place in places if place is not newest[place.companies] and expires(place, keep) <= now
    ]
    for place in expired:
        place.file.unlink()
    return tuple(place.file for place in expired)


def required_folder(configuration: Configuration, folder: Path | None) -> Path:
    """Return the folder that was named, or else the configured one. It is never made, because the disk that
    should be mounted there may be missing. Raises InformativaError."""
    if folder is None and configuration.backup is None:
        raise InformativaError(
            Text("No folder for backups is named."),
            Text(
                "Name one, or write into {file}: `backup: {{folder: /var/backups/informativa}}`",
                file=configuration.file,
            ),
        )
    place = folder or Path(configuration.backup.folder if configuration.backup else "")
    if not place.is_dir():
        raise InformativaError(
            Text("There is no folder {folder}.", folder=place),
            Text("Mount it, or make it once: mkdir -p -m 700 {folder}", folder=place),
        )
    return place


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock under which one backup is made in a folder, and delete what an interrupted one left.
    Raises InformativaError if another one is being made, and OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InformativaError(
                Text("Another backup is being made in {folder}.", folder=folder),
                Text("Wait until it is done, and try again."),
            ) from None
        for remains in folder.glob(f"{STAGING}*"):
            shutil.rmtree(remains, ignore_errors=True)
        for remains in folder.glob(".informativa-*.tar.part"):
            remains.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)
