"""The file of a backup: an uncompressed tar, in which the manifest and its digest come last.

So a file that was cut off has no manifest, and a changed byte is found by its digest. The file is written
under a hidden name beside its place and renamed when all of it is on the disk.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...system import files
from .manifest import BackupFile, FilePart, Manifest, parse

_MANIFEST, _DIGEST = "manifest.json", "manifest.sha256"
_LARGEST_MANIFEST = 256 << 20  # bytes
_CHUNK = 1 << 20  # bytes


@dataclass
class ArchiveWriter:
    """An archive that is being written; `files` are those that are in it by now."""

    tar: tarfile.TarFile
    at: datetime
    files: list[BackupFile] = field(default_factory=list)

    def add(self, source: Path, name: str, part: FilePart, place: str, controller: str | None = None) -> None:
        """Add a file as it is now; one that is gone meanwhile is left out. Raises InformativaError where it
        cannot be read, and OSError where the archive cannot be written."""
        for earlier in self.files:
            if earlier.name == name:  # of several companies
                self.files.append(replace(earlier, part=part, controller=controller))
                return
        with suppress(FileNotFoundError), ExitStack() as stack:
            with _naming(source):
                stream = stack.enter_context(files.reading(source))
            size = os.fstat(stream.fileno()).st_size
            hashed = _HashedReader(stream, source)
            self.tar.addfile(self._member(name, size), hashed)
            file = BackupFile(name, part, controller, place, size, hashed.digest.hexdigest())
            self.files.append(file)

    def add_bytes(
        self, data: bytes, name: str, part: FilePart, place: str, controller: str | None = None
    ) -> None:
        """Add these bytes as a file."""
        self.tar.addfile(self._member(name, len(data)), io.BytesIO(data))
        self.files.append(
            BackupFile(name, part, controller, place, len(data), hashlib.sha256(data).hexdigest())
        )

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest and its digest, which come last."""
        data = manifest.encode()
        self.tar.addfile(self._member(_MANIFEST, len(data)), io.BytesIO(data))
        digest = hashlib.sha256(data).hexdigest().encode()
        self.tar.addfile(self._member(_DIGEST, len(digest)), io.BytesIO(digest))

    def _member(self, name: str, size: int) -> tarfile.TarInfo:
        member = tarfile.TarInfo(name)  # without owner and machine
        member.size, member.mtime, member.mode = size, int(self.at.timestamp()), 0o600
        return member


class _HashedReader(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, stream: BinaryIO, source: Path) -> None:
        self._stream, self._source, self.digest = stream, source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        with _naming(self._source):
            data = self._stream.read(size)
        self.digest.update(data)
        return data


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Turn an OSError into an InformativaError about the file that is read, and not about the archive."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = Foreign(error.strerror or str(error))
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=source, why=reason), Text("Look at its rights.")
        ) from error


@contextmanager
def writing(file: Path, at: datetime) -> Iterator[ArchiveWriter]:
    """Open a new archive, of mode 0600. It is in place when the block ends, or not at all. Raises OSError."""
    with (
        files.open_for_replacement(file, most=0o600, durable=True) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield ArchiveWriter(tar, at)


@contextmanager
def reading(file: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """Open an archive, and read its manifest. Raises InformativaError."""
    try:
        with files.reading(file) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            yield tar, _manifest(file, tar)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(file) from error
    except OSError as error:
        reason = Foreign(error.strerror or str(error))
        raise InformativaError(
            Text("The backup {file} cannot be read ({why}).", file=file, why=reason),
            Text("Look where it is, and at its rights: informativa backup list"),
        ) from error


def verify(file: Path) -> Manifest:
    """Compare each file of an archive with its digest, and return the manifest. Raises InformativaError."""
    with reading(file) as (tar, manifest):
        for declared in manifest.files:
            for _chunk in contents(file, tar, declared):
                pass
        return manifest


def contents(archive: Path, tar: tarfile.TarFile, declared: BackupFile) -> Iterator[bytes]:
    """Yield the content of a file in chunks. Raises InformativaError, after the last one, for another content
    than the manifest says."""
    digest, size = hashlib.sha256(), 0
    try:
        stream = tar.extractfile(declared.name)
    except KeyError:
        stream = None
    while stream and (chunk := stream.read(_CHUNK)):
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    if (size, digest.hexdigest()) != (declared.bytes, declared.sha256):
        raise _damaged(archive, declared.name)


def _manifest(file: Path, tar: tarfile.TarFile) -> Manifest:
    try:
        members = [tar.extractfile(name) for name in (_MANIFEST, _DIGEST)]
    except KeyError:
        raise _damaged(file) from None
    data, digest = (member.read(_LARGEST_MANIFEST) if member else b"" for member in members)
    if hashlib.sha256(data).hexdigest().encode() != digest:
        raise _damaged(file, _MANIFEST)
    manifest = parse(data)
    if manifest is None:
        raise _damaged(file, _MANIFEST)
    return manifest


def _damaged(file: Path, name: str = "") -> InformativaError:
    remedy = Text("Take another one, by its day: informativa backup list")
    if name:
        return InformativaError(
            Text("The backup {file} is damaged: {name} was changed.", file=file, name=Foreign(name)), remedy
        )
    return InformativaError(
        Text("{file} is no backup, or was cut off: its manifest is missing.", file=file), remedy
    )
