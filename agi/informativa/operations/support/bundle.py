"""The support bundle: one file with the information that a helper needs, without callers' data and
secrets."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ...model.errors import InformativaError
from ...model.text import Text
from ...system import files
from ...system.patience import run
from .. import check, status
from ..doctor import examination
from ..document import AbsolutePath
from ..generated import unwritten
from .configuration import ShownConfiguration, shown_configuration
from .journal import last_errors
from .versions import Versions, versions

Result = TypeVar("Result")


@dataclass(frozen=True)
class Collected:
    """The content of a bundle; an error stands in place of a part that could not be collected.

    Only `configuration` and `journal` are clean already. The other parts must go through
    `configuration.cleaner`.
    """

    at: datetime
    versions: Versions
    configuration: ShownConfiguration
    checked: check.Checked
    doctor: examination.Examination | InformativaError
    status: status.StatusReport | InformativaError
    journal: tuple[str, ...]


@dataclass(frozen=True)
class SupportBundle:
    """A file for somebody who helps."""

    file: AbsolutePath
    """The place where it was written."""
    bytes: int
    """The size of the file."""
    members: tuple[str, ...]
    """The names of the files in it."""


def collect(file: Path, now: datetime) -> Collected:
    """Collect the content of a bundle. Changes nothing, and does not fail for a configuration with
    mistakes."""
    configuration = shown_configuration(file)
    return Collected(
        now,
        versions(),
        configuration,
        check.check_read_only(file, now),
        _result_or_error(lambda: run(examination.examine(file))),
        _result_or_error(lambda: _without_callers(status.look(file, now))),
        tuple(last_errors(status.UNIT, configuration.cleaner)),
    )


def write(file: Path, members: Mapping[str, str], at: datetime) -> SupportBundle:
    """Write texts by name into a new .tar.gz that only its owner may read. Raises InformativaError if it
    cannot be written or exists already."""
    packed = io.BytesIO()
    folder = file.name.removesuffix(".tar.gz")
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=int(at.timestamp())) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, text in members.items():
            member = tarfile.TarInfo(f"{folder}/{name}")  # without owner and machine
            member.size, member.mtime, member.mode = len(text.encode()), int(at.timestamp()), 0o600
            tar.addfile(member, io.BytesIO(text.encode()))
    try:
        files.create(file, packed.getvalue(), mode=0o600)
    except FileExistsError as error:
        raise InformativaError(
            Text("{file} is there already, and is not written over.", file=file),
            Text("Name another one: -o FILE"),
        ) from error
    except OSError as error:
        remedy = Text("Name a file in a folder that you can write: -o FILE")
        raise unwritten(file, error, remedy) from error
    return SupportBundle(file, len(packed.getvalue()), tuple(members))


def _result_or_error(look: Callable[[], Result]) -> Result | InformativaError:
    try:
        return look()
    except InformativaError as error:
        return error


def _without_callers(report: status.StatusReport) -> status.StatusReport:
    """Return a report without the last record of each ledger, which concerns a caller."""
    return replace(
        report,
        controllers=tuple(
            replace(controller, counts=controller.counts and replace(controller.counts, last_record=None))
            for controller in report.controllers
        ),
    )
