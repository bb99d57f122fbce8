"""The traces of an erased caller in the files of a ledger: copies of it, and bytes that SQLite leaves.

SQLite overwrites what it deletes (`secure_delete`), and its log is emptied. What may be left is a row's bytes
in a page from which it was moved to another one. So the file is searched for them, and written anew if it
holds any: in a ledger of 12,000 records that was one erasure of 150.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..model.errors import LedgerError
from ..model.text import Foreign, Text
from ..system.files import descriptors_of
from . import gathered_caller, ledger_copies
from .access_log import SIDES, SUFFIX
from .sqlite import SqliteStore

PATIENCE_SECONDS = 10.0  # to wait for readers of the ledger, who keep its log from being emptied
_ACCESS_LOGS = tuple(f"{SUFFIX}{side}" for side in SIDES)
PIECE = 8  # bytes of a pseudonym; enough to be found by no chance


def delete_copies(ledger: Path) -> tuple[Path, ...]:
    """Delete the copies, which hold him too and in which he cannot be erased alone, and return them."""
    if not ledger.parent.exists():
        return ()
    file = ledger.parent
    try:
        copies = tuple(ledger_copies.copies(ledger))
        for file in copies:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise LedgerError(
            Text(
                "{file} may hold this caller and cannot be deleted ({why}).",
                file=file,
                why=Foreign(error.strerror or ""),
            ),
            Text("Delete it: rm {file}", file=file),
        ) from error
    return copies


def clean(store: SqliteStore, caller_bytes: Sequence[bytes]) -> bool:
    """Remove all traces of the gathered caller (gathered_caller.py) from the files. Return `False` if he rang
    meanwhile, and is on record again. Raises LedgerError."""
    pieces = [value[start : start + PIECE] for value in caller_bytes for start in range(0, len(value), PIECE)]
    with store.connected() as connection:
        ids = gathered_caller.ids(connection)
    store.empty_log(PATIENCE_SECONDS)
    if _is_on_record(store):
        return False
    if holds(_contents(store.file), [*pieces, *ids]):
        write_anew(store)
    _require_no_other(store.file, pieces)
    return not _is_on_record(store)


def _is_on_record(store: SqliteStore) -> bool:
    with store.connected() as connection:
        return gathered_caller.is_on_record(connection)


def _contents(file: Path) -> Iterator[bytes]:
    """Read a file that this process has open, 1 MB at a time, by a descriptor of SQLite's: its locks end when
    any other one is closed (https://www.sqlite.org/src/file/src/os_unix.c). Raises OSError."""
    opened, offset = file.stat(), 0
    while chunk := _chunk(opened, offset):
        yield chunk
        offset += len(chunk)


def _chunk(opened: os.stat_result, offset: int) -> bytes:
    for descriptor in descriptors_of(opened):
        with suppress(OSError):  # another thread may close it at any moment, and have its number again
            chunk = os.pread(descriptor, 1 << 20, offset)
            if os.path.samestat(os.fstat(descriptor), opened):
                return chunk
    raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _require_no_other(ledger: Path, pieces: Sequence[bytes]) -> None:
    """Check that no file named after the ledger, which somebody else made of it, holds him. Raises
    LedgerError."""
    own_names = {f"{ledger.name}{end}" for end in ("", "-wal", "-shm")}
    identity = ledger.stat()
    for file in sorted(ledger.parent.iterdir()):
        # Not the access logs: closing one would end the locks of other threads. They were erased already.
        is_candidate = (
            ledger.stem in file.name and file.name not in own_names and not file.name.endswith(_ACCESS_LOGS)
        )
        if (
            not is_candidate
            or file.is_symlink()
            or not file.is_file()
            or os.path.samestat(file.stat(), identity)
        ):
            continue
        with file.open("rb", buffering=0) as stream:
            if holds(iter(lambda: stream.read(1 << 20), b""), pieces):
                raise LedgerError(
                    Text("{file} holds him.", file=file), Text("Delete it: rm {file}", file=file)
                )


def holds(chunks: Iterable[bytes], pieces: Sequence[bytes]) -> bool:
    """Return whether any of the pieces occurs in a file, which is read chunk by chunk."""
    tail, longest = b"", max(map(len, pieces), default=PIECE)
    for chunk in chunks:
        text = tail + chunk
        if any(piece in text for piece in pieces):
            return True
        tail = text[1 - longest :]
    return False


def write_anew(store: SqliteStore) -> None:
    """Write the file anew, without what was deleted in it. Whoever writes waits for all of it. Raises
    LedgerError."""
    with store.connected() as connection:
        connection.execute("VACUUM")
    store.empty_log(PATIENCE_SECONDS)
