"""The file of a backup, and the keys in it: what is written is read, and everything else is told."""

from __future__ import annotations

import errno
import hashlib
import io
import shlex
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pyrage
import pytest

from backups import QuickAge
from informativa.model.errors import InformativaError
from informativa.operations.backup import archive
from informativa.operations.backup.encryption import KeyAccess, KeyProtection, decrypt, encrypt
from informativa.operations.backup.manifest import BackupCompany, BackupFile, FilePart, Manifest

NOW = datetime(2026, 11, 30, 3, 20, 5, 999_999, tzinfo=UTC)
ACME = BackupCompany("acme", 3, 4, ("log/1",), ("ab12",))
MANIFEST = Manifest(1, "0.2.0", NOW, "box", "informativa.yaml", "asterisk", (ACME,), (), ())
ANOTHER = "Take another one, by its day: informativa backup list"
PROMPT = b"sound" * 300_000  # more than one chunk


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a prompt, which two companies have, of one that is a company's alone, and of some bytes."""
    (tmp_path / "a.wav").write_bytes(PROMPT)
    (tmp_path / "b.wav").write_bytes(b"keys")
    file = tmp_path / "backup.tar"
    with archive.writing(file, NOW) as writer:
        writer.add(tmp_path / "a.wav", "configuration/a.wav", FilePart.CONFIGURATION, "a.wav")
        writer.add(tmp_path / "a.wav", "configuration/a.wav", FilePart.PROMPT, "a.wav", "acme")
        writer.add(tmp_path / "gone.wav", "configuration/gone.wav", FilePart.PROMPT, "gone.wav", "acme")
        writer.add(tmp_path / "b.wav", "configuration/b.wav", FilePart.PROMPT, "b.wav", "acme")
        writer.add_bytes(b"keys", "keys.age", FilePart.KEYS, "keys.age", "acme")
        writer.finish(replace(MANIFEST, files=tuple(writer.files)))
    return file


def changed(file: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Write the members of a backup anew after a change of them."""
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    change(members)
    with tarfile.open(file, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file


def test_file_of_two_companies_is_in_it_once(backup: Path) -> None:
    """The manifest names it for each, with its size and its digest; a file that is gone meanwhile is left
    out. Nothing tells whose machine it was, and nobody else reads it."""
    manifest = archive.verify(backup)
    digest = hashlib.sha256(PROMPT).hexdigest()
    both = BackupFile("configuration/a.wav", FilePart.CONFIGURATION, None, "a.wav", 1_500_000, digest)
    key_digest = "48a53f0774c8ceff574a1fdcb0d470dbd382b3db273cff4344b6d39d5379c923"
    assert manifest.files == (
        both,
        replace(both, part=FilePart.PROMPT, controller="acme"),
        BackupFile("configuration/b.wav", FilePart.PROMPT, "acme", "b.wav", 4, key_digest),
        BackupFile("keys.age", FilePart.KEYS, "acme", "keys.age", 4, key_digest),
    )
    with tarfile.open(backup) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        "configuration/a.wav",
        "configuration/b.wav",
        "keys.age",
        "manifest.json",
        "manifest.sha256",
    ]
    facts = {(member.mode, member.mtime, member.uid, member.uname) for member in members}
    assert facts == {(0o600, 1_796_008_805, 0, "")}
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in backup.parent.iterdir()) == ["a.wav", "b.wav", "backup.tar"]


def test_file_that_cannot_be_read_is_named_and_not_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when it is opened nor in the middle of it; a full disk is the backup's."""
    prompt, file = tmp_path / "a.wav", tmp_path / "backup.tar"
    prompt.write_bytes(PROMPT)
    original = archive.files.reading

    @contextmanager
    def refused(_source: Path) -> Iterator[BinaryIO]:
        raise PermissionError(errno.EACCES, "Permission denied")
        yield

    @contextmanager
    def broken(source: Path) -> Iterator[BinaryIO]:
        with original(source) as stream:
            yield Broken(stream)  # type: ignore[misc]

    for reading, reason in ((refused, "Permission denied"), (broken, "Input/output error")):
        monkeypatch.setattr(archive.files, "reading", reading)
        with pytest.raises(InformativaError) as caught, archive.writing(file, NOW) as writer:
            writer.add(prompt, "configuration/a.wav", FilePart.PROMPT, "a.wav", "acme")
        assert sentences_of(caught.value) == (f"{prompt} cannot be read ({reason}).", "Look at its rights.")
        assert not file.exists()


class Broken:
    """A file on a disk that reads no more."""

    def __init__(self, stream: BinaryIO) -> None:
        self.fileno = stream.fileno

    def read(self, _size: int) -> bytes:
        """Fail as the disk does."""
        raise OSError(errno.EIO, "Input/output error")


def test_content_comes_in_chunks(backup: Path) -> None:
    """None of them is larger than a megabyte, and together they are the file."""
    with archive.reading(backup) as (tar, manifest):
        chunks = list(archive.contents(backup, tar, manifest.files[0]))
    assert [len(chunk) for chunk in chunks] == [1 << 20, 1_500_000 - (1 << 20)]
    assert b"".join(chunks) == PROMPT


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("keys.age", lambda members: members.update({"keys.age": b"kezs"})),
        ("keys.age", lambda members: members.update({"keys.age": b"keys!"})),
        ("keys.age", lambda members: members.pop("keys.age")),
        ("manifest.json", lambda members: members.update({"manifest.sha256": b"00"})),
        ("manifest.json", lambda members: members.update({"manifest.json": b"{}"})),
        ("manifest.json", lambda members: members.update(
            {"manifest.json": b"{}", "manifest.sha256": hashlib.sha256(b"{}").hexdigest().encode()}
        )),
    ],
)  # fmt: skip
def test_changed_part_is_named(backup: Path, name: str, change: Callable[[dict[str, bytes]], object]) -> None:
    """Other bytes, more bytes, a file that is gone; a manifest of another digest, and one that is none."""
    with pytest.raises(InformativaError) as caught:
        archive.verify(changed(backup, change))
    assert sentences_of(caught.value) == (f"The backup {backup} is damaged: {name} was changed.", ANOTHER)


def test_manifest_that_is_a_folder_is_none(backup: Path) -> None:
    """Whoever made it, it is refused like one that was changed."""
    with tarfile.open(backup, "w") as tar:
        for name in ("manifest.json", "manifest.sha256"):
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE
            tar.addfile(member)
    with pytest.raises(InformativaError) as caught:
        archive.verify(backup)
    assert sentences_of(caught.value) == (
        f"The backup {backup} is damaged: manifest.json was changed.",
        ANOTHER,
    )


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256"])
def test_file_without_a_manifest_is_no_backup(backup: Path, name: str) -> None:
    """Neither is one without its digest, nor what is no archive at all."""
    message = f"{backup} is no backup, or was cut off: its manifest is missing."
    for part in (
        lambda: changed(backup, lambda members: members.pop(name)),
        lambda: backup.write_bytes(b"x" * 999),
    ):
        part()
        with pytest.raises(InformativaError) as caught:
            archive.verify(backup)
        assert sentences_of(caught.value) == (message, ANOTHER)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With what the system says, and where to look."""
    with pytest.raises(InformativaError) as caught:
        archive.verify(tmp_path / "none.tar")
    assert sentences_of(caught.value) == (
        f"The backup {tmp_path}/none.tar cannot be read (No such file or directory).",
        "Look where it is, and at its rights: informativa backup list",
    )


def test_passphrase_is_the_first_line_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the blanks around it, and of twelve characters or more; another one opens nothing."""
    age = SimpleNamespace(passphrase=QuickAge, DecryptError=QuickAge.DecryptError)
    monkeypatch.setitem(sys.modules, "pyrage", age)  # type: ignore[arg-type]
    file, other = tmp_path / "passphrase", tmp_path / "other"
    file.write_text("  twelve chars \nmore\n")
    other.write_text("another passphrase")
    data = encrypt(b"keys", KeyProtection(passphrase=file))
    assert data == b"twelve chars\0keys"
    assert decrypt(data, KeyAccess(passphrase=file)) == b"keys"
    with pytest.raises(InformativaError) as caught:
        decrypt(data, KeyAccess(passphrase=other))
    assert sentences_of(caught.value) == (
        f"The keys in the backup are not opened by {other}.",
        "Give the passphrase or the identity that belongs to it; nothing was changed.",
    )
    file.write_text("eleven char\n")
    with pytest.raises(InformativaError) as caught:
        encrypt(b"keys", KeyProtection(passphrase=file))
    assert sentences_of(caught.value) == (
        "The passphrase is too short.",
        "Write one of 12 characters or more.",
    )


def test_identities_open_the_keys(tmp_path: Path) -> None:
    """Any of the file's, among comments and empty lines; of several recipients each."""
    first, second, other = (pyrage.x25519.Identity.generate() for _ in range(3))
    recipients = tuple(str(identity.to_public()) for identity in (first, second))
    data = encrypt(b"keys", KeyProtection(recipients))
    file = tmp_path / "identity"
    for identity in (first, second):
        file.write_text(f"# mine\n\n  {other}\n  {identity}  \n")
        assert decrypt(data, KeyAccess(identity=file)) == b"keys"
    file.write_text(f"{other}\n")
    with pytest.raises(InformativaError) as caught:
        decrypt(data, KeyAccess(identity=file))
    assert sentences_of(caught.value) == (
        f"The keys in the backup are not opened by {file}.",
        "Give the passphrase or the identity that belongs to it; nothing was changed.",
    )
    file.write_text("AGE-SECRET-KEY-2\n")
    with pytest.raises(InformativaError) as caught:
        decrypt(data, KeyAccess(identity=file))
    assert sentences_of(caught.value) == (
        f"{file} has no identity of age.",
        "Give the file that age-keygen wrote: AGE-SECRET-KEY-1…",
    )


def test_keys_are_for_somebody(tmp_path: Path) -> None:
    """For recipients or by a passphrase, and not by both; a recipient that is none is told as age says it."""
    remedy = "Add --to age1… (as age-keygen prints it), or --passphrase FILE."
    for protection in (KeyProtection(), KeyProtection(("age1",), tmp_path / "passphrase")):
        with pytest.raises(InformativaError) as caught:
            encrypt(b"keys", protection)
        assert sentences_of(caught.value) == (
            "Keys are put into a backup encrypted, for recipients or by a passphrase.",
            remedy,
        )
    with pytest.raises(InformativaError) as caught:
        encrypt(b"keys", KeyProtection(("age1mine",)))
    message, remedy = sentences_of(caught.value)
    assert message.startswith("A recipient is none of age's (")
    assert "{" not in message
    assert "None" not in message
    assert remedy == "Write it as age-keygen prints it: age1…"


def test_file_of_a_passphrase_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """One that is not there, and one that is no text; the library may be missing, too."""
    file = tmp_path / "passphrase"
    for content, reason in ((None, "No such file or directory"), (b"\xff" * 20, "not UTF-8")):
        if content:
            file.write_bytes(content)
        with pytest.raises(InformativaError) as caught:
            encrypt(b"keys", KeyProtection(passphrase=file))
        assert sentences_of(caught.value) == (f"{file} cannot be read ({reason}).", "Look at its rights.")


def test_missing_library_is_installed_by_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pip of this program's own environment is named."""
    monkeypatch.setitem(sys.modules, "pyrage", None)
    for action in (
        lambda: encrypt(b"keys", KeyProtection(("age1",))),
        lambda: decrypt(b"keys", KeyAccess(identity=Path("identity"))),
    ):
        with pytest.raises(InformativaError) as caught:
            action()
        assert sentences_of(caught.value) == (
            "Keys in backups need pyrage.",
            f"Type: {shlex.quote(sys.prefix)}/bin/pip install 'informativa[backup]'",
        )
