"""An installation that is backed up, wiped and restored, as an admin does it with the commands."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from commands import explained, typed
from informativa.config import load
from informativa.process import storage

KNOWN, ERASED, OTHER = "+393331234567", "+393337654321", "+393330000009"


def config(folder: Path) -> Path:
    """The configuration's file."""
    return folder / "informativa.yaml"


def publish_to(folder: Path, *settings: str) -> None:
    """Have the logs of an installation known elsewhere, by these settings of `evidence`."""
    file = config(folder)
    evidence = f"evidence: {{{', '.join(('domain: acme.example', *settings))}}}"
    file.write_text(file.read_text().replace("operator: ", f"{evidence}\noperator: ", 1))


def inform(folder: Path, *numbers: str, controller: str = "acme") -> None:
    """Record that these callers were told by an operator."""
    for number in numbers:
        words = ("--controller", controller, "--by", "operator", "--reference", "r1", number)
        assert typed("record", *words, "-c", config(folder))[0] == 0


def erase(folder: Path, number: str) -> None:
    """Erase a caller of the first company."""
    assert typed("caller", "erase", number, "--controller", "acme", "--yes", "-c", config(folder))[0] == 0


def sign(folder: Path) -> None:
    """Sign what is on record, and publish it where that is configured."""
    code, _out, error = typed("evidence", "checkpoint", "-c", config(folder))
    assert code == 0, error
    typed("evidence", "publish", "-c", config(folder))


def back_up(folder: Path, *words: object) -> Path:
    """Back up an installation into a new folder beside it, and return the file."""
    place = folder.parent / "backups"
    place.mkdir(exist_ok=True)
    before = set(place.iterdir())
    code, _out, error = typed("backup", place, "-c", config(folder), *words)
    assert code == 0, error
    (made,) = {*place.iterdir()} - before
    return made


def wipe(folder: Path, *, keys: bool = False) -> None:
    """Lose the disk, all but the keys if these were kept elsewhere."""
    for place in folder.iterdir():
        if not (keys and place.name == "keys"):
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def restore(folder: Path, file: Path, *words: object) -> tuple[int, str, str]:
    """Restore a backup; what the command comes to."""
    return typed("restore", file, "-c", config(folder), "--yes", *words)


def is_informed(folder: Path, number: str) -> bool:
    """Return whether a call of that number to the first line would hear no notice."""
    return all(not notice["play"] for notice in explained(folder, number)["notices"])


def records(folder: Path, controller: str = "acme") -> int:
    """Count the records of a company."""
    with closing(storage.store(load(config(folder)).controllers[controller], read_only=True)) as ledger:
        return ledger.count()


class QuickAge:
    """A library that encrypts by a passphrase in no time."""

    class DecryptError(Exception):
        """Another passphrase."""

    @staticmethod
    def encrypt(data: bytes, passphrase: str) -> bytes:
        """Put the passphrase before the data."""
        return passphrase.encode() + b"\0" + data

    @classmethod
    def decrypt(cls, data: bytes, passphrase: str) -> bytes:
        """Take it away."""
        before, _, rest = data.partition(b"\0")
        if before != passphrase.encode():
            raise cls.DecryptError
        return rest
