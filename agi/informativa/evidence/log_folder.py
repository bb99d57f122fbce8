"""One log as files: what is published of it, and apart from that its signing key.

Beside the ledger `acme.sqlite3` lies `acme.log/`: in it a folder for each epoch (`1/`), with nothing in it
that others may not see, and `signing/`, for whoever signs alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import files
from ..errors import SIGNED_ELSEWHERE, EvidenceError, EvidenceFormatError, SigningError
from ..text import Foreign, Text
from .checkpoint import Checkpoint
from .note import Signer, Verifier, parse, sign
from .origin import log_folder
from .tile_files import TileFolder
from .tiles import ENTRIES, WIDTH, Tile, fetch, parse_bundle
from .tree import EMPTY_ROOT

_SEED_SIZE = 32  # bytes
_LARGEST = 64 << 20  # bytes of a file of the log that is read at once


class LogFolder:
    """All epochs of one ledger's log, beside it or, of a copy of what was published, in another `folder`.
    Every method raises EvidenceError where the files cannot be used."""

    def __init__(self, ledger: Path, folder: Path | None = None) -> None:
        self.folder = folder or log_folder(ledger)
        self._signing = self.folder / "signing"

    def published(self, epoch: int) -> PublishedLog:
        """What others may see of an epoch."""
        return PublishedLog(self.folder / str(epoch))

    def epochs(self) -> list[int]:
        """Of which epochs there is something, in order."""
        with failing(self.folder):
            try:
                return sorted(int(file.name) for file in self.folder.iterdir() if file.name.isdecimal())
            except FileNotFoundError:
                return []

    @contextmanager
    def sequencing(self) -> Iterator[None]:
        """Of all processes this one alone signs, or publishes. Raises SigningError where another does."""
        with failing(self._signing), self._ours():
            files.make_folder(self._signing, mode=0o700)
            with suppress(FileExistsError):
                files.create(self._signing / "lock", like=self._signing.stat())
            lock = os.open(self._signing / "lock", os.O_RDWR | os.O_NOFOLLOW)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SigningError(
                    Text(
                        "Another process signs or publishes {folder}",
                        "it is the service, or a command: wait until it is done, and do the same again",
                        folder=self.folder,
                    ),
                    code=SIGNED_ELSEWHERE,
                ) from None
            yield
        finally:
            os.close(lock)

    def signer(self, origin: str, epoch: int, *, create: bool = False) -> Signer:
        """The epoch's signing key, made where there is none and `create`, with the checkpoint of nothing as
        the last that was signed. Raises SigningError where it is another user's."""
        file = self._signing / f"{epoch}.key"
        with failing(file), self._ours():
            try:
                secret = files.read(file, _LARGEST).decode("ascii").strip()
            except FileNotFoundError:
                if not create:
                    raise
                files.make_folder(self._signing, mode=0o700)
                made = Signer(origin, os.urandom(_SEED_SIZE))
                self.keep_signed(epoch, sign(Checkpoint(origin, 0, EMPTY_ROOT).text, made))
                secret = made.secret
                files.create(file, f"{secret}\n".encode(), like=self._signing.stat())
        signer = Signer.parse(secret)
        if signer.name != origin:
            raise SigningError(
                Text(
                    "The signing key {file} is that of the log {name}, not of {origin}",
                    "put the right one back",
                    file=file,
                    name=Foreign(signer.name),
                    origin=origin,
                )
            )
        return signer

    def retire(self, epoch: int) -> None:
        """Take a key away that signs no more: nobody else may."""
        with failing(self._signing):
            (self._signing / f"{epoch}.key").unlink(missing_ok=True)

    def last_signed(self, epoch: int) -> bytes | None:
        """The last checkpoint that was signed, which is kept with the key: no other one of that size, and
        none that is smaller, is ever signed again. Raises SigningError where it is another user's."""
        with self._ours():
            return _note(self._signing / f"{epoch}.signed")

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Whoever may not use what is in `signing/` does not sign. Raises SigningError."""
        try:
            yield
        except (PermissionError, EvidenceError) as error:
            if not isinstance(error.__cause__ or error, PermissionError):
                raise
            raise SigningError(
                Text("The signing key in {folder} belongs to another user, who signs.", folder=self._signing),
                code=SIGNED_ELSEWHERE,
            ) from None

    def keep_signed(self, epoch: int, checkpoint: bytes) -> None:
        """Before anybody sees it."""
        file = self._signing / f"{epoch}.signed"
        with failing(file):
            files.put(file, checkpoint, secret=True, for_folders_owner=True, durable=True)


class PublishedLog:
    """The files of one epoch, as C2SP tlog-tiles lays them out. Raises as `LogFolder` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tiles = TileFolder(folder)

    def key(self) -> Verifier | None:
        """The public key, as it was published before the first checkpoint: whoever may have changed one may
        have changed the other."""
        data = _read(self.folder / "key")
        return None if data is None else Verifier.parse(data.decode("utf-8", "replace").strip())

    def put_key(self, key: Verifier) -> None:
        """For whoever looks for it."""
        with failing(self.folder / "key"):
            files.make_folder(self.folder)
            files.put(self.folder / "key", f"{key}\n".encode(), for_folders_owner=True, durable=True)

    def checkpoint(self) -> bytes | None:
        """The newest one, `None` before the first."""
        return _note(self.folder / "checkpoint")

    def newest(self) -> tuple[int, float]:
        """How many leaves the newest checkpoint has, and when it was written, in seconds since 1970; nothing
        is verified. (0, 0.0) before the first."""
        data, file = self.checkpoint(), self.folder / "checkpoint"
        if data is None:
            return 0, 0.0
        with failing(file):
            return Checkpoint.unverified(data).size, file.stat().st_mtime

    def key_among(self, keys: Iterable[Verifier]) -> Verifier | None:
        """The one of these keys that has the name of the newest checkpoint's log, where that can be read;
        nothing is verified."""
        with suppress(EvidenceError):
            origin = Checkpoint.unverified(self.checkpoint() or b"").origin
            return next((each for each in keys if each.name == origin), None)
        return None

    def checkpoint_of(self, size: int) -> bytes | None:
        """That of a size, which is kept for ever."""
        return _note(self.folder / "checkpoints" / str(size))

    def sizes(self) -> list[int]:
        """Of which sizes there are checkpoints, in order."""
        folder = self.folder / "checkpoints"
        with failing(folder):
            try:
                return sorted(int(file.name) for file in folder.iterdir() if file.name.isdecimal())
            except FileNotFoundError:
                return []

    def tile(self, path: str) -> bytes:
        """The content of a tile or bundle: `tiles.Read`."""
        return self.tiles.read(path)

    def extend(self, old: int, entries: Iterable[bytes]) -> None:
        """Write bundles and tiles of what was added."""
        with failing(self.folder):
            files.make_folder(self.folder)
        self.tiles.extend(old, entries)

    def put_checkpoint(self, size: int, checkpoint: bytes) -> None:
        """For all to see, when its tiles are there."""
        with failing(self.folder / "checkpoint"):
            files.make_folder(self.folder / "checkpoints")
            files.put(
                self.folder / "checkpoints" / str(size), checkpoint, for_folders_owner=True, durable=True
            )
            files.put(self.folder / "checkpoint", checkpoint, for_folders_owner=True, durable=True)

    def note_gone(self, leaf: int, says: str) -> None:
        """What the record of an erasure or a purge says, by its row of `leaf`: for whoever restores a backup
        from before. It names leaves, never numbers or pseudonyms. Noting it twice is harmless."""
        file = self.folder / "gone"
        line = f"{leaf} {says}\n".encode()
        with failing(file):
            files.make_folder(self.folder)
            known = _read(file) or b""
            if line not in known.splitlines(keepends=True):
                files.put(file, known + line, for_folders_owner=True, durable=True)

    def gone(self) -> dict[int, str]:
        """All that was noted, by leaf."""
        lines = (_read(self.folder / "gone") or b"").decode("utf-8", "replace").splitlines()
        parted = (line.partition(" ") for line in lines)
        return {int(index): says for index, _, says in parted if index.isdecimal()}

    def timestamps(self) -> list[tuple[int, bytes]]:
        """Which checkpoints have a time-stamp (RFC 3161), by their sizes in order, and the stamps."""
        folder = self.folder / "timestamps"
        with failing(folder):
            try:
                found = sorted(int(file.stem) for file in folder.glob("*.tsr") if file.stem.isdecimal())
            except FileNotFoundError:
                return []
            return [(size, files.read(folder / f"{size}.tsr", _LARGEST)) for size in found]

    def put_timestamp(self, size: int, stamp: bytes) -> None:
        """Of the checkpoint of a size."""
        with failing(self.folder / "timestamps"):
            files.make_folder(self.folder / "timestamps")
            files.put(self.folder / "timestamps" / f"{size}.tsr", stamp, for_folders_owner=True, durable=True)

    def entry(self, index: int, size: int) -> bytes:
        """Leaf `index` of a published tree. Raises TileMissingError."""
        number, place = divmod(index, WIDTH)
        width = min(size - number * WIDTH, WIDTH)
        return parse_bundle(fetch(Tile(ENTRIES, number, width), self.tiles.read), width)[place]


@contextmanager
def failing(file: Path) -> Iterator[None]:
    """No OSError leaves the log."""
    try:
        yield
    except OSError as error:
        why = Foreign(error.strerror or type(error).__name__)
        raise EvidenceError(
            Text("{file} cannot be used: {why}", file=error.filename or file, why=why)
        ) from error


def _note(file: Path) -> bytes | None:
    """One that is a signed note; nothing is verified."""
    data = _read(file)
    try:
        if data is not None:
            parse(data)
    except EvidenceFormatError as error:
        raise EvidenceFormatError(
            Text(
                "{file} is damaged: {why}",
                "put a copy in its place: one is in checkpoints/, or wherever it was published",
                file=file,
                why=error.text,
            )
        ) from error
    return data


def _read(file: Path) -> bytes | None:
    with failing(file):
        try:
            return files.read(file, _LARGEST)
        except FileNotFoundError:
            return None
