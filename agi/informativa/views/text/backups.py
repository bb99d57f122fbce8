"""Backups for a terminal: made, listed, verified and restored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from ...operations.backup.listing import BackupList, ListedBackup, VerifiedBackup
from ...operations.backup.making import MadeBackup
from ...operations.backup.manifest import BackupCompany
from ...operations.backup.recovery import RestoredBackup, RestoredCompany
from ..messages import Language
from ..times import local_time
from .records import changed_since_backup

_MEGABYTE = 1_000_000


def made(result: MadeBackup, say: Language) -> Iterator[str]:
    """Yield the result of a backup."""
    yield say("{file}: {size} MB.", file=result.file, size=_size(result.bytes, say))
    yield from _companies(result.companies, say)
    if result.keys:
        yield say("The keys are in it, encrypted; without what opens them they are of no use.")
    else:
        yield from _needed_keys(result.companies, say)
    for path in result.outside:
        yield say("Not in it, because it is outside of the configuration's folder: {file}", file=path)
    for company in result.left_out:
        yield say("Not in it: {id}. {reason}", id=company.controller, reason=company.reason)
    for path in result.deleted:
        yield say("Deleted, because its time was over: {file}", file=path)


def backup_list(result: BackupList, say: Language) -> Iterator[str]:
    """Yield the backups of a folder."""
    if not result.backups:
        yield say("There is no backup in {folder}.", folder=result.folder)
    for backup in result.backups:
        yield from _entry(backup, say)


def _entry(backup: ListedBackup, say: Language) -> Iterator[str]:
    yield say(
        "{file}: of {made}, {size} MB",
        file=backup.file.name,
        made=local_time(backup.made),
        size=_size(backup.bytes, say),
    )
    if backup.problem:
        yield "  " + say(backup.problem)
        return
    yield "  " + say("companies: {names}", names=", ".join(backup.controllers))
    if backup.keys:
        yield "  " + say("with keys, encrypted")
    if backup.expires:
        yield "  " + say("kept until {day}", day=local_time(backup.expires))
    for erasures in backup.holds:
        yield "  " + say.counted(
            "still holds {count} caller of {id} who was erased on {day}",
            "still holds {count} callers of {id} who were erased on {day}",
            erasures.callers,
            id=erasures.controller,
            day=erasures.day,
        )
    for name in backup.unknown:
        yield "  " + say(
            "who of {id} was erased since is not known: its ledger is missing, or cannot be read", id=name
        )


def verified(result: VerifiedBackup, say: Language) -> Iterator[str]:
    """Yield the result of a verification."""
    manifest = result.manifest
    yield say.counted(
        "{file}: of {made}, by informativa {program}. {count} file is as it was written.",
        "{file}: of {made}, by informativa {program}. All {count} files are as they were written.",
        len(manifest.files),
        file=result.file,
        made=local_time(manifest.made),
        program=manifest.program,
    )
    yield from _companies(manifest.companies, say)
    for company in manifest.left_out:
        yield say("Not in it: {id}. {reason}", id=company.controller, reason=company.reason)
    if not manifest.has_keys:
        yield from _needed_keys(manifest.companies, say)


def restored_backup(result: RestoredBackup, say: Language) -> Iterator[str]:
    """Yield the result of a restoration, or what it would be, and the next step."""
    if result.written:
        folder, count = os.path.commonpath([path.parent for path in result.written]), len(result.written)
        if result.done:
            yield say.counted(
                "{count} file is written, of configuration, prompts and keys, below {folder}.",
                "{count} files are written, of configuration, prompts and keys, below {folder}.",
                count,
                folder=folder,
            )
        else:
            yield say.counted(
                "{count} file would be written, of configuration, prompts and keys, below {folder}.",
                "{count} files would be written, of configuration, prompts and keys, below {folder}.",
                count,
                folder=folder,
            )
    for path in result.aside:
        yield (
            say("What was there before is {file}.", file=path)
            if result.done
            else say("What is there now would be {file}.", file=path)
        )
    for path in result.unchanged:
        yield say("{file} is another one than in the backup, and stays.", file=path)
    for company in result.companies:
        if result.done:
            yield from _restored_company(company, say)
        elif company.problem:
            yield say(
                "{id}: its ledger would stay as it is. {problem}",
                id=company.controller,
                problem=say(company.problem),
            )
        else:
            yield say(
                "{id}: its ledger of {made} would be restored.",
                id=company.controller,
                made=local_time(result.made),
            )
    if not result.done:
        yield say("Nothing was changed yet. To do it, add --yes.")
    elif not any(company.problem for company in result.companies):
        yield say("Next: informativa check; then: systemctl start informativa")


def _restored_company(company: RestoredCompany, say: Language) -> Iterator[str]:
    if company.problem:
        yield say(
            "{id}: its ledger is as it was. {problem}", id=company.controller, problem=say(company.problem)
        )
        return
    yield say.counted(
        "{id}: its ledger has {records} record.",
        "{id}: its ledger has {records} records.",
        company.records,
        id=company.controller,
        records=company.records,
    )
    yield from changed_since_backup(company.gone_again, company.lost, say)
    if company.before:
        yield say("What was there before is {file}.", file=company.before)
    if company.unknown_since:
        yield say(
            "Who was erased after {time} is known only as far as it was published. Look through the"
            " requests since, and erase those callers again:"
            " informativa caller erase NUMBER --controller {id} --yes",
            time=local_time(company.unknown_since),
            id=company.controller,
        )
    if company.signed_beyond:
        yield say(
            "{statement}. Who follows that log, such as the controller's monitor, has a copy: name its folder"
            " in evidence.publish and restore again. Where nobody has one, these records are lost, and an"
            " audit goes on to say so.",
            statement=say(company.signed_beyond),
        )
    if company.must_begin_log:
        yield say(
            "The key that signed its log is in no backup. Begin another log, which names the old one:"
            " informativa evidence key --new --controller {id}",
            id=company.controller,
        )


def _companies(companies: Iterable[BackupCompany], say: Language) -> Iterator[str]:
    for company in companies:
        yield say.counted(
            "{id}: {records} record.",
            "{id}: {records} records.",
            company.records,
            id=company.controller,
            records=company.records,
        )


def _needed_keys(companies: Sequence[BackupCompany], say: Language) -> Iterator[str]:
    """Yield the keys without which a backup is of no use."""
    for company in companies:
        if company.keys:
            yield say(
                "To restore it, the key of {id} with the fingerprint {fingerprint} is needed:"
                " keep it elsewhere.",
                id=company.controller,
                fingerprint=company.keys[0],
            )


def _size(number: int, say: Language) -> str:
    return say.number(max(number / _MEGABYTE, 0.1), ".1f")
