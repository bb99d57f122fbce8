"""What this terminal can show: the one place that decides about colour, characters and width.

Everything that is printed goes through the streams that `prepare` sets up, rich's and typer's output too;
who wants more than plain lines takes a `console`. What is not for people goes out by `verbatim`.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# What ASCII makes of characters that we print; letters lose their accents, and all else is a question mark.
_PLAIN = str.maketrans(
    {
        "…": "...", "→": "->", "←": "<-", "↔": "<->", "×": "x", "–": "-", "—": "-", "−": "-", "·": "-",  # noqa: RUF001
        "•": "*", "●": "*", "○": "o", "✔": "ok", "✓": "ok", "✘": "NO", "✗": "NO", "⚠": "!", "≤": "<=",
        "≥": ">=", "≈": "~", "±": "+-", "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"',  # noqa: RUF001
        "€": "EUR", "§": "par.", "°": " deg", "ß": "ss", "\u00a0": " ", "─": "-", "━": "-", "═": "=",
        "│": "|", "┃": "|", "║": "|", "├": "|", "└": "`", "╰": "`", "█": "#", "▇": "#", "▌": "|",
        **dict.fromkeys("┌┐┘┤┬┴┼╭╮╯╴╶╷╵", "+"),
    }
)  # fmt: skip
_HANDLER = "informativa"


def prepare() -> None:
    """Set both output streams up for this terminal. What it cannot show is no reason to stop."""
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if _knows_encoding() else "ascii", errors=_HANDLER)


def console(*, stderr: bool = False, wrap: bool = True) -> Console:
    """rich, as wide as the terminal; without `wrap` lines stay whole, so that they can be copied.

    No colour where the output is no terminal, TERM is `dumb` or NO_COLOR is set, unless FORCE_COLOR asks for
    it; nothing in the text is taken for markup.
    """
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=not wrap, markup=False, highlight=False, emoji=False)


def colours(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether colour may be written on a stream that is not rich's."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (stream.isatty() and environment.get("TERM") != "dumb")


def verbatim(text: str) -> None:
    """Print what is a file's content: UTF-8 on every terminal, and no character is changed."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def _knows_encoding(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Python knows what the terminal understands, from the locale or because somebody told it.

    Python itself writes UTF-8 in the C locale and says so in LC_CTYPE (PEP 538, PEP 540), which is no word
    about the terminal.
    """
    if environment.get("PYTHONIOENCODING") or environment.get("PYTHONUTF8"):
        return True
    invented = bool(sys.flags.utf8_mode) and environment.get("LC_CTYPE") == "C.UTF-8"
    names = ("LC_ALL", "LANG") if invented else ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "C")
    return "utf" in locale.lower() or (locale not in ("C", "POSIX") and not sys.flags.utf8_mode)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that the stream's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = unicodedata.normalize("NFKD", error.object[error.start : error.end].translate(_PLAIN))
    kept = (letter for letter in text if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() else "?" for letter in kept), error.end
