"""The traces of an erased caller in the files of a ledger: copies of it, and bytes that SQLite leaves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..model.errors import LedgerError
from ..model.text import Foreign, Text
from . import gathered_caller, ledger_copies, unused_bytes
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
    # Also what is not searched for: an id of his call that stayed behind, with the number of its record.
    unused_bytes.blank(store)
    store.empty_log(PATIENCE_SECONDS)
    if any(holds(file, pieces) for file in store.contents()):
        with store.connected() as connection:
            if gathered_caller.is_on_record(connection):
                return False
        _write_anew(store)
        if any(holds(file, pieces) for file in store.contents()):
            return False
    _require_no_other(store.file, pieces)
    return True


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


def remove_deleted(store: SqliteStore) -> None:
    """Remove all bytes of what was deleted in the ledger from its files. Raises LedgerError."""
    if unused_bytes.blank(store):
        store.empty_log(PATIENCE_SECONDS)
    else:
        _write_anew(store)


def _write_anew(store: SqliteStore) -> None:
    """Write the file anew, without what was deleted in it. Whoever writes waits for all of it."""
    with store.connected() as connection:
        connection.execute("VACUUM")
    store.empty_log(PATIENCE_SECONDS)
