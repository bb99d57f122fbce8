"""The encoding of a text file, guessed from its first bytes, and its lines.

A library that guesses, as charset-normalizer, knows some ninety encodings; spreadsheets in Italy write these.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import partial
from typing import BinaryIO

WINDOWS, MACINTOSH, UTF_8, UTF_16 = "cp1252", "mac-roman", "utf-8", "utf-16"
ENCODINGS = (UTF_8, WINDOWS, MACINTOSH, UTF_16, f"{UTF_16}-le", f"{UTF_16}-be")
_LETTERS = set("àèéìòùÀÈÉÌÒÙçÇäöüÄÖÜßñÑâêîôû€’°")  # noqa: RUF001  # what Italian lists have


def guess(head: bytes) -> str:
    """Return the encoding of a text that begins with these bytes."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16
    even, odd = head[0:400:2].count(0), head[1:400:2].count(0)
    if abs(even - odd) > len(head[:400]) // 3:  # UTF-16 has a NUL in nearly each letter of ours
        return f"{UTF_16}-le" if odd > even else f"{UTF_16}-be"
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(head)
    except UnicodeDecodeError:
        return max(WINDOWS, MACINTOSH, key=lambda encoding: _known_letters(head, encoding))
    return UTF_8


def _known_letters(head: bytes, encoding: str) -> int:
    return sum(letter in _LETTERS for letter in head.decode(encoding, errors="replace"))


def lines(opened: BinaryIO, encoding: str, head: bytes, longest: int) -> Iterable[bytes]:
    """Return the lines of a file whose first bytes are `head`, each with its end; of one that is longer than
    `longest` bytes only a longer beginning. Those of UTF-16 come in UTF-8."""
    old_macintosh = b"\n" not in head and b"\r" in head
    if encoding.startswith(UTF_16) or old_macintosh:
        return _recoded(opened, encoding, longest, old_macintosh=old_macintosh)
    return iter(partial(opened.readline, longest + 1), b"")


def _recoded(opened: BinaryIO, encoding: str, longest: int, *, old_macintosh: bool) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding.startswith(UTF_16) else None
    line = b""
    while len(line) <= longest and (part := opened.read(longest)):
        text = decoder.decode(part).encode() if decoder else part
        *complete, line = (line + (text.replace(b"\r", b"\n") if old_macintosh else text)).split(b"\n")
        yield from (raw + b"\n" for raw in complete)
    if line:
        yield line
