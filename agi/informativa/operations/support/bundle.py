"""Everything that somebody who helps needs to see, in one file: nothing of a caller or a secret is in it."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ... import files
from ...errors import InformativaError
from ...text import Foreign, Text
from .. import check, status
from ..doctor import examination
from .configuration import ShownConfiguration, shown
from .journal import last_errors
from .versions import Versions, versions

Result = TypeVar("Result")


@dataclass(frozen=True)
class Collected:
    """What was found, each or why it could not be. Nothing of it is clean yet but `configuration` and
    `journal`: the rest is for `configuration.cleaner`."""

    at: datetime
    versions: Versions
    configuration: ShownConfiguration
    checked: check.Checked
    doctor: examination.Examination | InformativaError
    status: status.Report | InformativaError
    journal: tuple[str, ...]


@dataclass(frozen=True)
class SupportBundle:
    """The file, how many bytes it has, and what is in it."""

    file: Path
    size: int
    members: tuple[str, ...]


def collect(file: Path, now: datetime) -> Collected:
    """Look at all of it, and change nothing. A configuration with mistakes is no reason to fail."""
    configuration = shown(file)
    return Collected(
        now,
        versions(),
        configuration,
        check.looked(file, now),
        _or_why(lambda: asyncio.run(examination.examine(file))),
        _or_why(lambda: _without_callers(status.look(file, now))),
        tuple(last_errors(status.UNIT, configuration.cleaner)),
    )


def write(file: Path, members: Mapping[str, str], at: datetime) -> SupportBundle:
    """Write these texts into a new .tar.gz that its owner alone may read. Raises InformativaError, also where
    there is such a file already."""
    packed = io.BytesIO()
    folder = file.name.removesuffix(".tar.gz")
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=int(at.timestamp())) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, text in members.items():
            about = tarfile.TarInfo(
                f"{folder}/{name}"
            )  # whose it is and on which machine it was made stays out
            about.size, about.mtime, about.mode = len(text.encode()), int(at.timestamp()), 0o600
            tar.addfile(about, io.BytesIO(text.encode()))
    try:
        files.create(file, packed.getvalue(), mode=0o600)
    except FileExistsError as error:
        raise InformativaError(
            Text("{file} is there already, and is not written over.", file=file),
            Text("Name another one: -o FILE"),
        ) from error
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written ({why}).", file=file, why=Foreign(error.strerror or "")),
            Text("Name a file in a folder that you can write: -o FILE"),
        ) from error
    return SupportBundle(file, len(packed.getvalue()), tuple(members))


def _or_why(look: Callable[[], Result]) -> Result | InformativaError:
    try:
        return look()
    except InformativaError as error:
        return error


def _without_callers(report: status.Report) -> status.Report:
    """Without the last record of each ledger, which is of a caller."""
    return replace(
        report,
        controllers=tuple(
            replace(each, counts=each.counts and replace(each.counts, last=None))
            for each in report.controllers
        ),
    )
