"""The log of one ledger as files: the published ones, and apart from them its signing key.

Beside the ledger `acme.sqlite3` lies `acme.log/`. It has a folder for each epoch (`1/`), in which everything
is public, `signing/`, which only the user who signs may read, and `private/`, with the lists of erased leaves
(evidence/erased_leaves.py).
"""

from __future__ import annotations

import fcntl
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..model.errors import KEY_MISSING, SIGNED_ELSEWHERE, EvidenceError, EvidenceFormatError, SigningError
from ..model.text import Foreign, Text
from ..system import files
from .checkpoint import Checkpoint
from .cosignature import WitnessVerifier, cosignatures
from .note import Signer, Verifier, parse, sign
from .origin import log_folder
from .tile_files import TileFolder
from .tiles import ENTRIES, WIDTH, Tile, fetch, parse_bundle
from .tree import EMPTY_ROOT

_SEED_SIZE = 32  # bytes
_LARGEST = 64 << 20  # bytes of a file of the log that is read at once


class LogFolder:
    """All epochs of one ledger's log: in the folder beside the ledger, or in `folder`, for a copy of
    published files; private lists are beside the ledger in any case. Every method raises EvidenceError if the
    files cannot be used."""

    def __init__(self, ledger: Path, folder: Path | None = None) -> None:
        self._ledger, self.folder = ledger, folder or log_folder(ledger)
        self._signing = self.folder / "signing"
        self._private = log_folder(ledger) / "private"

    @property
    def is_copy(self) -> bool:
        """Return whether the files are not those beside the ledger, but copies of them elsewhere."""
        return self.folder != log_folder(self._ledger)

    def published(self, epoch: int) -> PublishedLog:
        """Return the public files of an epoch."""
        return PublishedLog(self.folder / str(epoch))

    def epochs(self) -> list[int]:
        """Return the epochs that have a folder, in order."""
        with failing(self.folder):
            try:
                return sorted(int(file.name) for file in self.folder.iterdir() if file.name.isdecimal())
            except FileNotFoundError:
                return []

    @contextmanager
    def sequencing(self) -> Iterator[None]:
        """Hold the lock with which only this process signs or publishes. Raises SigningError if another
        process holds it."""
        with failing(self._signing), self._own_signing_files():
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
        """Return the epoch's signing key. If it is missing and `create` is true, make it, with the checkpoint
        of the empty tree as the last signed one. Raises SigningError if the key is another user's."""
        file = self._signing / f"{epoch}.key"
        with failing(file), self._own_signing_files():
            try:
                secret = files.read(file, _LARGEST).decode("ascii").strip()
            except FileNotFoundError:
                if not create:
                    raise _key_missing(file) from None
                files.make_folder(self._signing, mode=0o700)
                new_signer = Signer(origin, os.urandom(_SEED_SIZE))
                self.keep_signed(epoch, sign(Checkpoint(origin, 0, EMPTY_ROOT).text, new_signer))
                secret = new_signer.secret
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

    def has_key(self, epoch: int) -> bool:
        """Return whether the epoch's signing key is there. Raises SigningError if it is another user's."""
        with failing(self._signing), self._own_signing_files():
            return (self._signing / f"{epoch}.key").exists()

    def retire(self, epoch: int) -> None:
        """Delete a key that signs no more, so that nobody else can sign with it."""
        with failing(self._signing):
            (self._signing / f"{epoch}.key").unlink(missing_ok=True)

    def last_signed(self, epoch: int) -> bytes | None:
        """Return the last signed checkpoint, which is stored with the key: no other checkpoint of its size,
        and no smaller one, is ever signed again. Raises SigningError if it is another user's."""
        with self._own_signing_files():
            return _note(self._signing / f"{epoch}.signed")

    @contextmanager
    def _own_signing_files(self) -> Iterator[None]:
        """Raise SigningError if another user owns the files in `signing/`: then this user does not sign."""
        try:
            yield
        except (PermissionError, EvidenceError) as error:
            if not isinstance(error.__cause__ or error, PermissionError):
                raise
            raise SigningError(
                Text("The signing key in {folder} belongs to another user, who signs.", folder=self._signing),
                code=SIGNED_ELSEWHERE,
            ) from None

    def private_list(self, epoch: int, index: int) -> bytes | None:
        """Return the private list of the erasure that leaf `index` of an epoch notes; `None` if there is
        none."""
        return _read(self.private_file(epoch, index))

    def private_file(self, epoch: int, index: int) -> Path:
        """Return the path of that list."""
        return self._private / f"{epoch}-{index}"

    @property
    def unfinished(self) -> Path:
        """The file that says that the files of the ledger may still hold somebody who was erased."""
        return self._private / "unfinished"

    def private_lists(self) -> list[tuple[int, int]]:
        """Return the epochs and indices of which there are private lists, in order."""
        with failing(self._private):
            try:
                names = [file.name.partition("-") for file in self._private.iterdir()]
            except FileNotFoundError:
                return []
        return sorted(
            (int(epoch), int(index)) for epoch, _, index in names if epoch.isdecimal() and index.isdecimal()
        )

    def put_private_list(self, epoch: int, index: int, data: bytes) -> None:
        """Store the private list of an erasure, before its note is written."""
        self._put_private(self.private_file(epoch, index), data)

    def put_unfinished(self) -> None:
        """Write the file `unfinished`, before somebody is erased."""
        self._put_private(self.unfinished, b"")

    def _put_private(self, file: Path, data: bytes) -> None:
        with failing(file):
            files.make_folder(self._private, mode=0o700)
            with files.open_for_replacement(file, most=0o600, for_folders_owner=True, durable=True) as out:
                out.write(data)

    def drop_private_list(self, epoch: int, index: int) -> None:
        """Delete the private list of an erasure that nobody needs any more."""
        file = self.private_file(epoch, index)
        with failing(file):
            file.unlink(missing_ok=True)

    def keep_signed(self, epoch: int, checkpoint: bytes) -> None:
        """Store the last signed checkpoint, before anybody else sees it."""
        file = self._signing / f"{epoch}.signed"
        with failing(file):
            files.write_file(file, checkpoint, secret=True, for_folders_owner=True, durable=True)


def _key_missing(file: Path) -> SigningError:
    return SigningError(
        Text(
            "The signing key {file} is missing",
            "put it back; where it is lost, end the log: informativa evidence key --new --controller NAME",
            file=file,
        ),
        code=KEY_MISSING,
    )


class PublishedLog:
    """The files of one epoch, as C2SP tlog-tiles lays them out. Raises as `LogFolder` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tiles = TileFolder(folder)

    def key(self) -> Verifier | None:
        """Return the public key that was published before the first checkpoint. It proves nothing: anybody
        who could change the log could change the key too."""
        data = _read(self.folder / "key")
        return None if data is None else Verifier.parse(data.decode("utf-8", "replace").strip())

    def put_key(self, key: Verifier) -> None:
        """Publish the public key."""
        with failing(self.folder / "key"):
            files.make_folder(self.folder)
            files.write_file(self.folder / "key", f"{key}\n".encode(), for_folders_owner=True, durable=True)

    def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint, or `None` before the first."""
        return _note(self.folder / "checkpoint")

    def newest(self) -> tuple[int, float]:
        """Return the number of leaves of the newest checkpoint, and the time when it was written, in seconds
        since 1970. Nothing is verified. Returns (0, 0.0) before the first."""
        data, file = self.checkpoint(), self.folder / "checkpoint"
        if data is None:
            return 0, 0.0
        with failing(file):
            return Checkpoint.unverified(data).size, file.stat().st_mtime

    def key_among(self, keys: Iterable[Verifier]) -> Verifier | None:
        """Return the key with the name of the newest checkpoint's log, or `None` if there is none or the
        checkpoint cannot be read. Nothing is verified."""
        with suppress(EvidenceError):
            origin = Checkpoint.unverified(self.checkpoint() or b"").origin
            return next((key for key in keys if key.name == origin), None)
        return None

    def checkpoint_of(self, size: int) -> bytes | None:
        """Return the checkpoint of that size; none is ever deleted."""
        return _note(self.folder / "checkpoints" / str(size))

    def first_cosigned(self, size: int, key: Verifier, witnesses: Sequence[WitnessVerifier]) -> int | None:
        """Return when one of these witnesses first signed the checkpoint of that size, in POSIX seconds;
        `None` if none did, or it cannot be read."""
        with suppress(EvidenceError):
            return min(cosignatures(self.checkpoint_of(size), key, witnesses), default=None)
        return None

    def sizes(self) -> list[int]:
        """Return the sizes that have a checkpoint, in order."""
        folder = self.folder / "checkpoints"
        with failing(folder):
            try:
                return sorted(int(file.name) for file in folder.iterdir() if file.name.isdecimal())
            except FileNotFoundError:
                return []

    def tile(self, path: str) -> bytes:
        """Return the content of a tile or bundle; this is a `tiles.Read`."""
        return self.tiles.read(path)

    def extend(self, old: int, entries: Iterable[bytes]) -> None:
        """Write the bundles and tiles of new entries to a log of `old` ones."""
        with failing(self.folder):
            files.make_folder(self.folder)
        self.tiles.extend(old, entries)

    def put_checkpoint(self, size: int, checkpoint: bytes) -> None:
        """Publish a checkpoint, after its tiles."""
        with failing(self.folder / "checkpoint"):
            files.make_folder(self.folder / "checkpoints")
            files.write_file(
                self.folder / "checkpoints" / str(size), checkpoint, for_folders_owner=True, durable=True
            )
            files.write_file(self.folder / "checkpoint", checkpoint, for_folders_owner=True, durable=True)

    def put_newest(self, checkpoint: bytes) -> None:
        """Publish the newest checkpoint with newer signatures; the one of its size keeps its first ones."""
        with failing(self.folder / "checkpoint"):
            files.write_file(self.folder / "checkpoint", checkpoint, for_folders_owner=True, durable=True)

    def note_gone(self, leaf: int, text: str) -> None:
        """Note an erasure or a purge, by the leaf of its record and the text of that record: a backup from
        before can then be restored without the deleted records. The text names leaves, never numbers or
        pseudonyms. Noting it twice is harmless."""
        file = self.folder / "gone"
        line = f"{leaf} {text}\n".encode()
        with failing(file):
            files.make_folder(self.folder)
            noted = _read(file) or b""
            if line not in noted.splitlines(keepends=True):
                files.write_file(file, noted + line, for_folders_owner=True, durable=True)

    def removals(self) -> dict[int, str]:
        """Return all noted erasures and purges, by leaf."""
        lines = (_read(self.folder / "gone") or b"").decode("utf-8", "replace").splitlines()
        parts = (line.partition(" ") for line in lines)
        return {int(index): text for index, _, text in parts if index.isdecimal()}

    def entry(self, index: int, size: int) -> bytes:
        """Return leaf `index` of a published tree of `size` leaves. Raises TileMissingError."""
        number, offset = divmod(index, WIDTH)
        width = min(size - number * WIDTH, WIDTH)
        return parse_bundle(fetch(Tile(ENTRIES, number, width), self.tiles.read), width)[offset]


@dataclass(frozen=True)
class SignedLeaves:
    """The leaves of the log with this key, of which `published` has checkpoints. These are listed once."""

    published: PublishedLog
    key: Verifier

    def signed_at(self, index: int, witnesses: Sequence[WitnessVerifier]) -> int | None:
        """Return when one of these witnesses first signed a checkpoint with a leaf, in POSIX seconds; `None`
        if none did. Raises EvidenceError if the files cannot be used."""
        for size in self._sizes[bisect_right(self._sizes, index) :]:
            if times := cosignatures(self.published.checkpoint_of(size), self.key, witnesses):
                return min(times)
        return None

    @cached_property
    def _sizes(self) -> list[int]:
        return self.published.sizes()


@contextmanager
def failing(file: Path) -> Iterator[None]:
    """Raise EvidenceError for any OSError."""
    try:
        yield
    except OSError as error:
        reason = Foreign(error.strerror or type(error).__name__)
        raise EvidenceError(
            Text("{file} cannot be used: {why}", file=error.filename or file, why=reason)
        ) from error


def _note(file: Path) -> bytes | None:
    """Read a file that must be a signed note. Nothing is verified."""
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
