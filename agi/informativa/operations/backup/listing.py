"""The backups in a folder: their age, the time of their deletion, and the erased callers in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

from ...config import Configuration, inspect
from ...ledgers import snapshot
from ...ledgers.snapshot import PastErasure
from ...model import Controller, Period
from ...model.errors import InformativaError
from ...model.text import NOTHING, Foreign, Text
from ...process import storage
from ..document import AbsolutePath, OptionalSentence, Time
from . import archive, places
from .manifest import Manifest
from .places import BackupPlace


@dataclass(frozen=True)
class HeldErasures:
    """Callers of a company who were erased after a backup was made, and are in it."""

    controller: str
    """The controller's name in the configuration."""
    day: date
    """The day on which they were erased, in the company's zone."""
    callers: int
    """Number of erasures that day."""


@dataclass(frozen=True)
class ListedBackup:
    """A backup in a folder."""

    file: AbsolutePath
    """The file."""
    made: Time
    """The time at which it was begun."""
    bytes: int
    """Its size."""
    controllers: tuple[str, ...]
    """The companies in it."""
    keys: bool
    """True if the keys are in it, encrypted."""
    expires: Time | None
    """The time from which it is deleted when the next backup is made; null if backups are kept for ever."""
    holds: tuple[HeldErasures, ...]
    """Callers who were erased since, and are in it until then; by company and day."""
    unknown: tuple[str, ...]
    """The companies in it of which that is not known, because their ledger is missing or
    cannot be read."""
    problem: OptionalSentence = NOTHING
    """The reason why it cannot be used; null if its manifest can be read."""


@dataclass(frozen=True)
class BackupList:
    """The backups in a folder, the oldest first."""

    folder: AbsolutePath
    """The folder."""
    backups: tuple[ListedBackup, ...]


@dataclass(frozen=True)
class VerifiedBackup:
    """A backup whose files are as they were written."""

    file: AbsolutePath
    """The file."""
    manifest: Manifest
    """Its manifest."""


def verify(file: Path) -> VerifiedBackup:
    """Compare all files of a backup with its manifest. Raises InformativaError."""
    return VerifiedBackup(file, archive.verify(file))


def list_backups(config: Path, folder: Path | None = None, keep: Period | None = None) -> BackupList:
    """List the backups in a folder, else in the configured one. Raises InformativaError."""
    configuration = inspect(config)[0]
    place = places.required_folder(configuration, folder)
    keep = keep or (configuration.backup.keep if configuration.backup else None)
    erasures = _erasures(configuration)
    zones = {controller.id: controller.zone for controller in configuration.in_shape()}
    return BackupList(
        place, tuple(_entry(backup, keep, erasures, zones) for backup in places.backups_in(place))
    )


def newest(folder: Path) -> datetime | None:
    """Return the time of the newest backup of all companies in a folder; `None` if there is none. Raises
    OSError."""
    return max((place.made for place in places.backups_in(folder) if not place.companies), default=None)


def holding_last_erased(configuration: Configuration, controller: Controller) -> Iterator[Text]:
    """Yield which backups of the configured folder still hold the caller whom this company erased last, or
    why that is not known; nothing where none is configured or none holds him."""
    if configuration.backup is None:
        return
    folder, keep = Path(configuration.backup.folder), configuration.backup.keep
    try:
        with storage.existing_ledger(controller) as ledger:
            erasures = list(snapshot.past_erasures(ledger)) if ledger else []
        last = max(erasures, key=lambda erasure: erasure.leaf, default=None)
        holding = [
            place
            for place in places.backups_in(folder)
            if last is not None and _has(place, controller.id, last)
        ]
    except (InformativaError, OSError) as error:
        reason = error.text if isinstance(error, InformativaError) else Foreign(error.strerror or "")
        yield Text("which backups in {folder} still hold him is not known: {why}", folder=folder, why=reason)
        return
    if holding:
        message = Text.counted(
            "{count} backup in {folder} still holds him, until {until}: informativa backup list",
            "{count} backups in {folder} still hold him, the last until {until}: informativa backup list",
            len(holding),
        )
        yield message.format(
            folder=folder, until=places.expires(holding[-1], keep).astimezone(controller.zone).date()
        )


def _has(place: BackupPlace, controller: str, erasure: PastErasure) -> bool:
    with archive.reading(place.file) as (_tar, manifest):
        return any(
            company.controller == controller and erasure.is_held_before(company.leaves)
            for company in manifest.companies
        )


def _entry(
    place: BackupPlace,
    keep: Period | None,
    erasures: Mapping[str, Sequence[PastErasure] | None],
    zones: Mapping[str, tzinfo],
) -> ListedBackup:
    expiry = places.expires(place, keep).astimezone(UTC) if keep else None
    size = place.file.stat().st_size
    try:
        with archive.reading(place.file) as (_tar, manifest):
            pass
    except InformativaError as error:
        return ListedBackup(place.file, place.made, size, (), False, expiry, (), (), error.text)
    names = tuple(company.controller for company in manifest.companies)
    return ListedBackup(
        place.file,
        manifest.made,
        size,
        names,
        manifest.has_keys,
        expiry,
        tuple(_holds(manifest, erasures, zones)),
        tuple(
            company.controller
            for company in manifest.companies
            if company.leaves and erasures.get(company.controller) is None
        ),
    )


def _holds(
    manifest: Manifest,
    erasures: Mapping[str, Sequence[PastErasure] | None],
    zones: Mapping[str, tzinfo],
) -> list[HeldErasures]:
    callers = Counter(
        (company.controller, erasure.at.astimezone(zones[company.controller]).date())
        for company in manifest.companies
        for erasure in erasures.get(company.controller) or ()
        if erasure.is_held_before(company.leaves)
    )
    return [HeldErasures(controller, day, count) for (controller, day), count in sorted(callers.items())]


def _erasures(configuration: Configuration) -> dict[str, Sequence[PastErasure] | None]:
    """Return the erasures of each company, `None` where they cannot be read."""
    erasures: dict[str, Sequence[PastErasure] | None] = {}
    for controller in configuration.in_shape():
        try:
            with storage.existing_ledger(controller) as ledger:
                erasures[controller.id] = list(snapshot.past_erasures(ledger)) if ledger else None
        except InformativaError:
            erasures[controller.id] = None
    return erasures
