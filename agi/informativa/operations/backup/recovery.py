"""Restoring of an installation, or of one company's part, from a backup.

Configuration, prompts and keys are laid first, then the files of each company's log, then its ledger by
`ledgers/restoring.py`, which erases and purges again what was erased and purged since, and last its access
log. What is there already is never lost: a configuration or a prompt that differs is moved aside, a key, a
log's file or an access log stays as it is, for it is as new as the backup's or newer.
"""

from __future__ import annotations

import os
import pwd
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ...config import Configuration, inspect
from ...config.build import inspect_text
from ...evidence.log_folder import LogFolder
from ...evidence.origin import log_folder
from ...evidence.settings import EvidenceConfig
from ...ledgers import snapshot
from ...ledgers.instructions import require_instruction
from ...model import Controller
from ...model.errors import InformativaError
from ...model.text import NOTHING, Foreign, Text
from ...process import retrieval, storage
from ...system import files
from ..dialplan import link_script
from ..document import AbsolutePath, OptionalSentence, Time
from . import archive, conditions, sources
from .encryption import KeyAccess, decrypt
from .manifest import BackupFile, FilePart, Manifest


@dataclass(frozen=True)
class RestoredCompany:
    """A company's part that was restored, or could not be."""

    controller: str
    """The controller's name in the configuration."""
    records: int = 0
    """Number of records that its ledger has now."""
    gone_again: int = 0
    """Number of records of the backup that were erased or purged since, and are so again."""
    lost: int = 0
    """Number of records that were published since the backup, and are lost."""
    epoch: int = 0
    """The number of the controller's log in which it goes on; 0 if it has no ledger."""
    before: Path | None = None
    """The file of the ledger that was there before; null if there was none."""
    unknown_since: Time | None = None
    """The time since which erasures are not known here, unless they were published; null if the ledger that
    was there before has all of them. Callers who were erased since have come back."""
    must_begin_log: bool = False
    """True if the signing key of its log is lost, so that another log must be begun."""
    signed_beyond: OptionalSentence = NOTHING
    """The word of a witness that signed more of its log than anybody could give back, or another log; null if
    none says so."""
    problem: OptionalSentence = NOTHING
    """The reason why nothing of its ledger was changed; null if it was restored."""


@dataclass(frozen=True)
class RestoredBackup:
    """A backup that was restored, or would be."""

    done: bool
    """True if it is; false if it only would be."""
    file: AbsolutePath
    """The backup."""
    made: Time
    """The time at which it was begun."""
    written: tuple[Path, ...]
    """Files of the configuration, prompts and keys that were written, or would be."""
    aside: tuple[Path, ...]
    """The names under which files that were different are kept, or would be."""
    unchanged: tuple[Path, ...]
    """Keys that are others than in the backup, and stay."""
    companies: tuple[RestoredCompany, ...]
    """The companies."""


def restore(
    file: Path,
    config: Path,
    now: datetime,
    names: Sequence[str] = (),
    access: KeyAccess | None = None,
    instruction: str = "",
    *,
    really: bool,
) -> RestoredBackup:
    """Restore the parts of these companies or, without names, all of a backup; the keys, too, if `access`
    opens them. Notes about what is lost have the controller's `instruction`. Without `really` only tell what
    would be done. Raises InformativaError; nothing is lost then."""
    require_instruction(instruction)
    manifest = archive.verify(file)
    chosen = [manifest.company(name).controller for name in names] or [
        company.controller for company in manifest.companies
    ]
    if not config.exists() and names and set(names) != {company.controller for company in manifest.companies}:
        raise InformativaError(
            Text(
                "There is no configuration {file} to put {names} into.", file=config, names=", ".join(names)
            ),
            Text("Restore all of the backup, without --controller, or lay the configuration first."),
        )
    restoration = _Restoration(file, manifest, config.absolute(), now, instruction, really=really)
    with archive.reading(file) as (tar, _manifest), _failing():
        secrets = restoration.secrets(tar, access)
        if config.exists():
            conditions.require_possible(inspect(config)[0], manifest, chosen)
        restoration.lay_configuration(tar, names)
        restoration.lay_keys(secrets)
        if really:
            companies = restoration.companies(tar, chosen)
        else:
            companies = restoration.preview(tar, chosen, has_keys=bool(secrets))
    return RestoredBackup(
        really,
        file,
        manifest.made,
        tuple(restoration.written),
        tuple(restoration.aside),
        tuple(restoration.unchanged),
        companies,
    )


@dataclass
class _Restoration:
    """One restoration; the lists are of what it wrote, moved aside, and left as it was."""

    file: Path
    manifest: Manifest
    config: Path
    now: datetime
    instruction: str
    really: bool
    written: list[Path] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)

    @property
    def owner(self) -> os.stat_result | None:
        """The user whom the files of the backup belonged to, for root, if there is such a user here."""
        if os.geteuid() == 0:
            with suppress(KeyError):
                user = pwd.getpwnam(self.manifest.owner)
                return os.stat_result((0, 0, 0, 0, user.pw_uid, user.pw_gid, 0, 0, 0, 0))
        return None

    def secrets(self, tar: tarfile.TarFile, access: KeyAccess | None) -> dict[str, bytes]:
        """Return the keys, by path; none if they are not to be opened. Raises InformativaError."""
        if access is None:
            return {}
        for declared in self.manifest.files:
            if declared.part is FilePart.KEYS:
                return sources.parse_secrets(decrypt(self._content(tar, declared), access))
        raise InformativaError(
            Text("There are no keys in the backup {file}.", file=self.file),
            Text("Put them back from where you keep them, and leave out --identity and --passphrase."),
        )

    def lay_configuration(self, tar: tarfile.TarFile, names: Sequence[str]) -> None:
        """Lay the configuration and prompts; with names, the prompts of these companies, and a configuration
        only where there is none."""
        for declared in self.manifest.files:
            is_all = declared.part is FilePart.CONFIGURATION and (not names or not self.config.exists())
            is_prompt = declared.part is FilePart.PROMPT and (not names or declared.controller in names)
            if is_all or is_prompt:
                place = declared.place
                is_config = place == self.manifest.configuration
                target = self.config if is_config else self.config.parent / place
                self._lay(target, self._content(tar, declared), mode=0o644)

    def lay_keys(self, secrets: dict[str, bytes]) -> None:
        """Lay the keys that are missing."""
        for path, content in secrets.items():
            target = self.config.parent / path
            if not target.exists():
                self._lay(target, content, mode=0o600)
            elif target.read_bytes() != content:
                self.unchanged.append(target)

    def preview(
        self, tar: tarfile.TarFile, names: Sequence[str], *, has_keys: bool
    ) -> tuple[RestoredCompany, ...]:
        """Return what would become of these companies by the configuration that would be there, and which
        keys would be missing; those that would be laid, too, are not (`has_keys`)."""
        laid = {file.place: file for file in self.manifest.files if file.part is FilePart.CONFIGURATION}
        declared = laid.get(self.manifest.configuration)
        if self.config in self.written and declared:
            configuration, _problems = inspect_text(self.config, self._content(tar, declared).decode())
        else:
            configuration, _problems = inspect(self.config)
        return tuple(self._previewed(configuration, name, has_keys=has_keys) for name in names)

    def _previewed(self, configuration: Configuration, name: str, *, has_keys: bool) -> RestoredCompany:
        try:
            controller = self._controller(configuration, name)
            if not has_keys:
                conditions.require_key(self.manifest, controller, _key_file(configuration, name))
        except InformativaError as error:
            return RestoredCompany(name, problem=error.text)
        return RestoredCompany(name)

    def companies(self, tar: tarfile.TarFile, names: Sequence[str]) -> tuple[RestoredCompany, ...]:
        """Restore the ledgers of these companies, each by itself: what is wrong with one stops no other. Make
        the link by which the dialplan starts the script, too, for it is in no backup."""
        configuration = inspect(self.config)[0]
        link_script(configuration)
        return tuple(self._company(tar, configuration, name) for name in names)

    def _controller(self, configuration: Configuration, name: str) -> Controller:
        controller = configuration.controllers.get(name)
        if controller is None:
            raise InformativaError(
                Text("The configuration {file} has no company {name}.", file=self.config, name=name),
                Text("Write its section first, or restore all of the backup."),
            )
        return controller

    def _company(self, tar: tarfile.TarFile, configuration: Configuration, name: str) -> RestoredCompany:
        try:
            controller = self._controller(configuration, name)
            conditions.require_key(self.manifest, controller, _key_file(configuration, name))
            settings = configuration.evidence.for_controller(name)
            self._lay_log(tar, controller)
            retrieval.retrieve(controller, settings)
            return self._restore_ledger(tar, controller, settings)
        except InformativaError as error:
            return RestoredCompany(name, problem=error.text)

    def _lay_log(self, tar: tarfile.TarFile, controller: Controller) -> None:
        """Add the log's files that are missing."""
        folder = log_folder(Path(controller.ledger))
        self._make_folder(folder.parent)
        declared_files = self.manifest.of(controller.id, FilePart.LOG)
        lists = self.manifest.of(controller.id, FilePart.PRIVATE_LIST)
        for declared in declared_files:
            key = folder / declared.place
            if key.name == "key" and key.exists() and key.read_bytes() != self._content(tar, declared):
                raise InformativaError(
                    Text("The log in {folder} is another one than that of the backup.", folder=folder),
                    Text(
                        "It was begun since, or is another machine's. If so, put it aside with its ledger,"
                        " and try again: mv {folder} {folder}.aside; mv {ledger} {ledger}.aside",
                        folder=folder,
                        ledger=controller.ledger,
                    ),
                )
        for declared in (*declared_files, *lists):
            target = folder / declared.place
            if not target.exists():
                mode = 0o600 if declared.part is FilePart.PRIVATE_LIST else 0o644
                self._make_folder(target.parent, 0o700 if mode == 0o600 else 0o755)
                self._write(target, archive.contents(self.file, tar, declared), mode)

    def _restore_ledger(
        self, tar: tarfile.TarFile, controller: Controller, settings: EvidenceConfig
    ) -> RestoredCompany:
        declared_files = self.manifest.of(controller.id, FilePart.LEDGER)
        if not declared_files:
            return RestoredCompany(controller.id)
        ledger, is_known = Path(controller.ledger), conditions.knows_erasures(controller)
        # The name is one that an erasure looks for, should this process be killed.
        copy = ledger.with_name(f"{ledger.name}.rescued-{self.now:%Y-%m-%dT%H-%M-%S}-0")
        try:
            self._write(copy, archive.contents(self.file, tar, declared_files[0]), 0o600)
            restored = storage.restore(controller, copy, self.now, self.instruction)
            self._restore_access_log(tar, controller, copy)
        finally:
            copy.unlink(missing_ok=True)
        log = LogFolder(ledger)
        is_signed = log.published(restored.epoch).checkpoint() is not None
        return RestoredCompany(
            controller.id,
            restored.records,
            restored.gone_again,
            restored.lost,
            restored.epoch,
            restored.before,
            None if is_known else self.manifest.made,
            must_begin_log=is_signed and not (log.folder / "signing" / f"{restored.epoch}.key").exists(),
            signed_beyond=retrieval.signed_beyond(controller, settings),
        )

    def _restore_access_log(self, tar: tarfile.TarFile, controller: Controller, copy: Path) -> None:
        """Lay the access log if there is none, and erase from it whom the ledger has erased since."""
        log = storage.access_log(controller)
        for declared in self.manifest.of(controller.id, FilePart.ACCESS_LOG):
            if not log.file.exists():
                self._write(log.file, archive.contents(self.file, tar, declared), 0o600)
        log.erase(snapshot.erased_since(Path(controller.ledger), copy))

    def _content(self, tar: tarfile.TarFile, declared: BackupFile) -> bytes:
        return b"".join(archive.contents(self.file, tar, declared))

    def _lay(self, target: Path, content: bytes, mode: int) -> None:
        """Write a file, and move aside one that is different. One that two companies have is written once."""
        if target in self.written:
            return
        if target.exists():
            if target.read_bytes() == content:
                return
            before = target.with_name(f"{target.name}.before-{self.now:%Y-%m-%dT%H-%M-%S}")
            if self.really:
                target.rename(before)
            self.aside.append(before)
        if self.really:
            self._make_folder(target.parent, 0o700 if mode == 0o600 else 0o755)
            self._write(target, [content], mode)
        self.written.append(target)

    def _make_folder(self, folder: Path, mode: int = 0o700) -> None:
        files.make_folder(folder, self.owner, mode)

    def _write(self, target: Path, content: Iterable[bytes], mode: int) -> None:
        like = self.owner or target.parent.stat()
        with files.open_for_replacement(target, like, most=mode, durable=True) as out:
            for chunk in content:
                out.write(chunk)


def _key_file(configuration: Configuration, name: str) -> Path:
    return configuration.folder / configuration.key_files[name]


@contextmanager
def _failing() -> Iterator[None]:
    """Turn an OSError into an InformativaError."""
    try:
        yield
    except OSError as error:
        reason = Foreign(error.strerror or str(error))
        raise InformativaError(
            Text("{file} cannot be written ({why}).", file=error.filename or "?", why=reason),
            Text("Look at its owner, its mode and the room there, and try again: what is done stays."),
        ) from error
