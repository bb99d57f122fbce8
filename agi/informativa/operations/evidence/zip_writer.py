"""A ZIP file that is written entry by entry, with as much memory for a million entries as for one.

`zipfile` keeps an object for each entry until the end: 470 MB for a million receipts. This takes none, at
the same speed. With its list of them replaced by one on disk, for which it has no public place, it takes 1.4
times the CPU time: it cannot add an entry that is compressed already, as texts are that grow side by side.
Every entry has the first date that ZIP knows, so that the same content gives the same file. Sizes that do not
fit the format of 1989 are written as ZIP64 (PKWARE's APPNOTE 6.3, 4.3 and 4.5.3).
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_MOST_SHORT, _MOST_LONG = 0xFFFF, 0xFFFFFFFF  # in place of a number that is in the ZIP64 record
_ZIP64, _UNIX, _UTF8, _DEFLATED = 45, 3, 0x800, 8
_TIME, _DATE = 0, 0x21  # 1 January 1980
_MODE = 0o100644 << 16


class PackedEntry:
    """An entry that is compressed piece by piece into a temporary file before it is added; and its
    SHA-256."""

    def __init__(self, name: str, scratch: BinaryIO) -> None:
        self.name, self.scratch = name, scratch
        self.crc = self.size = self.packed = 0
        self.sha256 = sha256()
        self._packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def write(self, data: bytes) -> None:
        """Add more data."""
        self.crc, self.size = zlib.crc32(data, self.crc), self.size + len(data)
        self.sha256.update(data)
        self.packed += self.scratch.write(self._packer.compress(data))

    def finish(self) -> None:
        """End the entry, and set `scratch` back to its beginning."""
        self.packed += self.scratch.write(self._packer.flush())
        self.scratch.seek(0)


@dataclass(frozen=True)
class _Header:
    """The description of an entry, for the header before it and for the directory."""

    name: bytes
    crc: int
    packed: int
    size: int
    at: int

    def local(self) -> bytes:
        large = self.size >= _MOST_LONG or self.packed >= _MOST_LONG
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.packed) if large else b""
        sizes = (_MOST_LONG, _MOST_LONG) if large else (self.packed, self.size)
        head = (b"PK\3\4", _ZIP64, _UTF8, _DEFLATED, _TIME, _DATE, self.crc, *sizes)
        return _LOCAL.pack(*head, len(self.name), len(extra)) + self.name + extra

    def central(self) -> bytes:
        numbers = (self.size, self.packed, self.at)
        large = [number for number in numbers if number >= _MOST_LONG]
        extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        size, packed, at = (min(number, _MOST_LONG) for number in numbers)
        head = (b"PK\1\2", _ZIP64, _UNIX, _ZIP64, 0, _UTF8, _DEFLATED, _TIME, _DATE, self.crc, packed, size)
        return _CENTRAL.pack(*head, len(self.name), len(extra), 0, 0, 0, _MODE, at) + self.name + extra


class ZipWriter:
    """A writer of a ZIP file to `out`; its directory grows in the temporary file `directory`."""

    def __init__(self, out: BinaryIO, directory: BinaryIO) -> None:
        self._out, self._directory = out, directory
        self._at, self._count = out.tell(), 0

    def add(self, name: str, data: bytes) -> None:
        """Add an entry from its complete data."""
        packed = zlib.compress(data, wbits=-zlib.MAX_WBITS)
        self._begin(_Header(name.encode(), zlib.crc32(data), len(packed), len(data), self._at))
        self._at += self._out.write(packed)

    def add_packed(self, entry: PackedEntry) -> None:
        """Add an entry that is already compressed."""
        entry.finish()
        self._begin(_Header(entry.name.encode(), entry.crc, entry.packed, entry.size, self._at))
        shutil.copyfileobj(entry.scratch, self._out)
        self._at += entry.packed

    def finish(self) -> None:
        """Write the directory."""
        begins, size = self._at, self._directory.tell()
        self._directory.seek(0)
        shutil.copyfileobj(self._directory, self._out)
        if self._count >= _MOST_SHORT or begins >= _MOST_LONG or size >= _MOST_LONG:
            numbers = (_ZIP64_END.size - 12, _ZIP64, _ZIP64, 0, 0, self._count, self._count, size, begins)
            self._out.write(_ZIP64_END.pack(b"PK\6\6", *numbers))
            self._out.write(_ZIP64_LOCATOR.pack(b"PK\6\7", 0, begins + size, 1))
        count = min(self._count, _MOST_SHORT)
        ends = (0, 0, count, count, min(size, _MOST_LONG), min(begins, _MOST_LONG), 0)
        self._out.write(_END.pack(b"PK\5\6", *ends))

    def _begin(self, header: _Header) -> None:
        self._at += self._out.write(header.local())
        self._directory.write(header.central())
        self._count += 1


class SummedZip:
    """A ZIP file with all files in one folder, and their SHA-256 in the form that `sha256sum -c` reads.
    `temporary` makes a temporary file."""

    SUMS = "SHA256SUMS"

    def __init__(self, folder: str, out: BinaryIO, temporary: Callable[[], BinaryIO]) -> None:
        self._folder, self._temporary = folder, temporary
        self._zip = ZipWriter(out, temporary())
        self._sums = self.begin(self.SUMS)

    def add(self, name: str, data: bytes) -> None:
        """Add a file from its complete data."""
        self._zip.add(f"{self._folder}/{name}", data)
        self._add_sum(name, sha256(data).hexdigest())

    def begin(self, name: str) -> PackedEntry:
        """Begin a file that is written while others are; `end` adds it."""
        return PackedEntry(f"{self._folder}/{name}", self._temporary())

    def end(self, entry: PackedEntry) -> None:
        """Add a file that `begin` began and that is complete."""
        self._zip.add_packed(entry)
        self._add_sum(entry.name.removeprefix(f"{self._folder}/"), entry.sha256.hexdigest())

    def finish(self) -> None:
        """Add the sums, and end the ZIP file."""
        self._zip.add_packed(self._sums)
        self._zip.finish()

    def _add_sum(self, name: str, digest: str) -> None:
        self._sums.write(f"{digest}  {name}\n".encode())
