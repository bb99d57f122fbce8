"""Records of an import in the order of their pseudonyms, in any number.

Pseudonyms are as good as random. If records were written in the order of the file, nearly each row of a long
file would read and write pages of two indexes for itself alone; in the order of pseudonyms each page is read
and written once. Records wait in a file without a name in the ledger's folder, which vanishes with the
process.
"""

from __future__ import annotations

import errno
import os
import pickle
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

from ..model.errors import InformativaError
from ..model.text import Foreign, Text

WINDOW = 20_000  # records that are put in order at a time: 450 bytes of memory each
_MOST = 256  # shares: of what is longer than these times WINDOW, a share is put in order in several windows


class PreparedRow(Protocol):
    """A row that can be recorded: a named tuple that begins with the pseudonym of its caller."""

    @property
    def pseudonym(self) -> bytes:
        """The pseudonym of its caller."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return a value by its place."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the values."""


class Ordering:
    """A store that takes about `records` records and returns them in order. Raises InformativaError where the
    folder has no room."""

    def __init__(self, folder: Path, records: int) -> None:
        self.shares = min(max(-(-records // WINDOW), 1), _MOST)
        self._folder = folder
        self._bounds: list[array[int]] = []  # of each share of a part, as bytes of the file
        with self._in_plain_words():
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`

    def close(self) -> None:
        """Delete all that was added."""
        self._file.close()

    def add(self, ready: Iterable[PreparedRow]) -> None:
        """Add some records, in any order. Their pseudonyms are spread evenly, so that the beginning of one
        tells its share: every pseudonym of a share sorts before those of the next."""
        shares: list[list[PreparedRow]] = [[] for _ in range(self.shares)]
        for record in ready:
            shares[int.from_bytes(record.pseudonym[:2], "big") * self.shares >> 16].append(record)
        pickled = [_pickled(share) if share else b"" for share in shares]
        with self._in_plain_words():
            self._bounds.append(array("Q", accumulate(map(len, pickled), initial=self._file.tell())))
            self._file.writelines(pickled)

    def windows(self) -> Iterator[list[PreparedRow]]:
        """Return all records in lists, each of which is in order."""
        with self._in_plain_words():
            self._file.flush()
        for share in range(self.shares):
            window: list[PreparedRow] = []
            for bounds in self._bounds:
                if size := bounds[share + 1] - bounds[share]:
                    with self._in_plain_words():
                        pickled = os.pread(self._file.fileno(), size, bounds[share])
                    kind, plain = pickle.loads(pickled)  # noqa: S301  # nobody else writes a file without a name
                    window += map(kind._make, plain)
                if len(window) >= 2 * WINDOW:
                    yield sorted(window, key=itemgetter(0))
                    window = []
            yield sorted(window, key=itemgetter(0))

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InformativaError(
                Text(
                    "What is imported cannot be put in order in {folder} ({why}).",
                    folder=self._folder,
                    why=Foreign(error.strerror or ""),
                ),
                Text("Make room there: it takes 250 bytes a row, and a record 500 afterwards.")
                if error.errno == errno.ENOSPC
                else Text("It must be possible to write there."),
            ) from error


def _pickled(records: Sequence[PreparedRow]) -> bytes:
    """Return records of one kind, pickled as plain tuples: as named ones they take four times as long."""
    return pickle.dumps((type(records[0]), [*map(tuple, records)]), pickle.HIGHEST_PROTOCOL)
