"""The plan of a rollback: what would change, looked at without changing anything. It is the result, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from .. import __version__
from ..config import Configuration, load_usable
from ..ledgers import migrating
from ..model.errors import InformativaError, LedgerDamagedError, LedgerError
from ..model.text import Text
from ..process import storage
from . import dialplan_install, systemd_unit
from .controller_state import left_out
from .document import AbsolutePath, Sentence
from .earlier_version import EarlierVersion, PackageKind, UnknownWordsError


@dataclass(frozen=True)
class ReversedLedger:
    """A ledger that goes back to an earlier schema, with all of its records."""

    controller: str
    """The controller's name in the configuration."""
    ledger: Path
    """The file."""
    schema: int
    """The number of the last migration before."""
    target: int
    """The number of the last migration afterwards."""
    records: int
    """Number of its records, all of which stay."""


@dataclass(frozen=True)
class Rollback:
    """A rollback to an earlier version, done or as it would be."""

    done: bool
    """True if it is done; false if it only would be."""
    file: AbsolutePath
    """The file that brings the earlier version."""
    version: str
    """The present version."""
    earlier: str
    """The version to go back to."""
    ledgers: tuple[ReversedLedger, ...]
    """Ledgers whose schema the earlier version does not know."""
    written: tuple[Path, ...]
    """Units and the dialplan that the earlier version wants otherwise."""
    stopped: tuple[str, ...]
    """Units that run: they are stopped first, and started last."""
    commands: tuple[str, ...]
    """The commands that install the earlier version."""
    warnings: tuple[Sentence, ...] = ()
    """Companies whose ledger is damaged and stays so, whose part of the configuration has mistakes, or whose
    access log the earlier version cannot show."""


@dataclass(frozen=True)
class Places:
    """The folders that a rollback concerns: Asterisk's, systemd's units, the one for the last steps, that of
    the program, and the one that is there where systemd runs (sd_booted(3))."""

    asterisk: Path = Path("/etc/asterisk")
    units: Path = Path("/etc/systemd/system")
    steps: Path = Path("/var/lib/informativa/rollback")
    prefix: Path = Path(sys.prefix)
    systemd: Path = Path("/run/systemd/system")


@dataclass(frozen=True)
class Replacement:
    """A file as the earlier version writes it."""

    file: Path
    text: str
    is_dialplan: bool


@dataclass(frozen=True)
class RollbackPlan:
    """All that a rollback takes."""

    configuration: Configuration
    earlier: EarlierVersion
    places: Places
    ledgers: tuple[ReversedLedger, ...]
    replacements: tuple[Replacement, ...]
    running: tuple[str, ...]
    warnings: tuple[Text, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that install the earlier version."""
        return self.earlier.install_commands(self.places.prefix)

    def result(self, *, done: bool) -> Rollback:
        """Return it as the result, done or as it would be."""
        return Rollback(
            done,
            self.earlier.file,
            __version__,
            self.earlier.version,
            self.ledgers,
            tuple(replacement.file for replacement in self.replacements),
            self.running,
            self.commands,
            self.warnings,
        )


def make(config: Path, earlier: EarlierVersion, places: Places, running: tuple[str, ...]) -> RollbackPlan:
    """Return the plan, for the units that are `running`. Changes nothing. Raises InformativaError where the
    version is not an earlier one, cannot read the configuration, or could not keep a record."""
    _require_earlier(earlier)
    configuration = load_usable(config)
    replacements = tuple(_replacements(configuration, earlier, places))
    load_usable(config, keep=True)  # for scripts of this version: the earlier one has parsed it its way
    warnings = left_out(configuration)
    ledgers = tuple(_ledgers(configuration, earlier, warnings))
    warnings += _unreadable_looks(configuration, earlier)
    return RollbackPlan(configuration, earlier, places, ledgers, replacements, running, tuple(warnings))


def _require_earlier(earlier: EarlierVersion) -> None:
    """Raise InformativaError for the present version, and for a newer one."""
    newest = migrating.newest()
    if earlier.schema > newest or _order(earlier.version) > _order(__version__):
        raise InformativaError(
            Text("{file} is newer than this informativa.", file=earlier.file),
            Text("To upgrade, install it; its `informativa upgrade-check` says what would happen."),
        )
    if earlier.version == __version__ and earlier.schema == newest:
        raise InformativaError(
            Text("{file} is the version that is installed.", file=earlier.file),
            Text("Name the file of the version before it."),
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _ledgers(
    configuration: Configuration, earlier: EarlierVersion, warnings: list[Text]
) -> Iterator[ReversedLedger]:
    """Yield the ledgers that go back. One that is damaged is of no use to either version: it gets a warning,
    and holds no other company's (I10)."""
    for controller in configuration.controllers.values():
        if not Path(controller.ledger).exists():
            continue
        try:
            reversal = storage.plan_reversal(controller, earlier.of_ledgers)
        except LedgerDamagedError as error:
            text = Text("the ledger of {id} stays as it is: {error}", id=controller.id, error=error.text)
            warnings.append(text)
            continue
        if reversal.schema > reversal.target:
            yield ReversedLedger(
                controller.id, reversal.ledger, reversal.schema, reversal.target, reversal.records
            )


def _unreadable_looks(configuration: Configuration, earlier: EarlierVersion) -> Iterator[Text]:
    """Yield a warning for each access log with words that the earlier version does not know: it cannot show
    that log, and adds to it all the same."""
    actions = earlier.actions
    if actions is None:
        return
    for controller in configuration.controllers.values():
        with suppress(LedgerError):  # neither version can read that one
            unknown = storage.access_log(controller).count().keys() - actions
            if unknown:
                yield Text(
                    "informativa {version} cannot show the access log of {id}, for it has entries with the"
                    " words {words}; nothing of it is lost, and an upgrade shows it again",
                    version=earlier.version,
                    id=controller.id,
                    words=", ".join(sorted(unknown)),
                )


def _replacements(
    configuration: Configuration, earlier: EarlierVersion, places: Places
) -> Iterator[Replacement]:
    """Yield the units and the dialplan that exist, where the earlier version writes another text. The units
    of a Debian package are written when it is installed."""
    config = configuration.file
    unit_text = earlier.ask("systemd", "-c", config)  # also shows that it can load the configuration
    unknown = []
    for unit, option in systemd_unit.UNITS.items():
        file = places.units / systemd_unit.file_name(unit)
        if earlier.kind is PackageKind.DEBIAN or not file.exists():
            continue
        if file.read_text(errors="replace") == (present := systemd_unit.render(configuration, unit)):
            try:
                text = earlier.ask("systemd", *option.split(), "-c", config) if option else unit_text
            except UnknownWordsError:
                unknown.append(file)
                continue
            if text != present:
                yield Replacement(file, text, is_dialplan=False)
    if unknown:
        raise _foreign_units(earlier, unknown)
    file = places.asterisk / dialplan_install.FILE
    if file.exists() and dialplan_install.is_up_to_date(configuration, places.asterisk) is not None:
        text = earlier.ask("dialplan", "-c", config)
        if text.encode() != file.read_bytes():
            yield Replacement(file, text, is_dialplan=True)


def _foreign_units(earlier: EarlierVersion, files: Sequence[Path]) -> InformativaError:
    """Return that the earlier version cannot run these units, and the commands that take them away."""
    return InformativaError(
        Text(
            "informativa {version} does not have what these units run: {files}.",
            version=earlier.version,
            files=" ".join(map(str, files)),
        ),
        Text(
            "Type: systemctl disable --now {units}; rm {files}; systemctl daemon-reload."
            " Then type the same again.",
            units=" ".join(file.name for file in files),
            files=" ".join(quote(str(file)) for file in files),
        ),
    )
