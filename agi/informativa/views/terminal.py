"""Output for this terminal: the one place that decides about colour, characters and width.

Everything that is printed goes through the streams that `prepare` sets up; whoever wants more than plain
lines takes a `console`. Both let no character through that a terminal takes for a command, or that turns the
order of what stands there: records, answers of look-ups and what Asterisk says may hold any. What is not for
people goes out by `verbatim`.
"""

from __future__ import annotations

import codecs
import io
import json as _json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

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
WIDE = 1000  # columns of what is no terminal
_HANDLER = "informativa"
_SHORT = 65_536  # characters that may be written to nobody
# Control characters but the line break and the tab, those that turn the direction of writing, separators that
# some terminals and most programs take for line breaks, and tags, which nobody sees.
_COMMANDS = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u206f\\U000e0000-\\U000e007f]"
)
_BREAKS = re.compile("[\\n\\t]")
_INSTEAD = "\ufffd"


class _Clean:
    """A stream that lets no command to the terminal through. rich, whose colours are such, finds the stream
    itself by `rich_proxied_file`."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream
        self._unread = 0

    def write(self, text: str) -> int:
        """Write a text without its control characters. When the reader has left (`| head -1`) the rest of a
        short output is dropped, so that the exit code is the command's own; a long one ends there."""
        try:
            return self.rich_proxied_file.write(clean(text))
        except BrokenPipeError:
            self._unread += len(text)
            if self._unread > _SHORT:
                raise
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts without their control characters."""
        self.rich_proxied_file.writelines(map(clean, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def prepare() -> None:
    """Set both output streams up for this terminal. What it cannot show is no reason to stop."""
    codecs.register_error(_HANDLER, _plain)
    for name in ("stdout", "stderr"):
        stream = _itself(getattr(sys, name))
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if _knows_encoding() else "ascii", errors=_HANDLER)
        if stream is not None:
            setattr(sys, name, _Clean(stream))


def clean(text: str) -> str:
    """The text without characters that a terminal takes for commands; lines and tabs stay."""
    return _COMMANDS.sub(_INSTEAD, text)


def one_line(text: str) -> str:
    """The text as a part of a line: what stands in a record must not pass for another one."""
    return text if text.isprintable() else _BREAKS.sub(" ", clean(text))


def escaped(json: str) -> str:
    """A JSON text in which they are written as escapes, so that nothing of it is lost."""
    return _COMMANDS.sub(lambda match: _json.dumps(match[0])[1:-1], json)


def _itself(stream: TextIO) -> TextIO:
    return cast("TextIO", getattr(stream, "rich_proxied_file", stream))


def console(*, stderr: bool = False, wrap: bool = True) -> Console:
    """rich, as wide as the terminal; without `wrap` lines stay whole, so that they can be copied.

    No colour where the output is no terminal, TERM is `dumb` or NO_COLOR is set, unless FORCE_COLOR asks for
    it; nothing in the text is taken for markup.
    """
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Clean(Console):
        """Its colours and movements are its own; texts have none."""

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=clean(segment.text))

        def on_broken_pipe(self) -> None:
            """Write the rest nowhere: the exit code is the command's own."""
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    stream = _itself(sys.stderr if stderr else sys.stdout)
    return Clean(file=stream, soft_wrap=not wrap, markup=False, highlight=False, emoji=False)


def progress(amount: ProgressColumn) -> Progress:
    """Return bars that show this amount of each task, on stderr if that is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        amount,
        BarColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


def width() -> int:
    """Columns of the terminal; what is no terminal has as many as anybody wants."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE


def colours(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether colour may be written on a stream that is not rich's."""
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR")) or (stream.isatty() and environment.get("TERM") != "dumb")


def verbatim(text: str) -> None:
    """Print the content of a file: UTF-8 on every terminal, with no character changed."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())


def _knows_encoding(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether Python knows the terminal's encoding, from the locale or because it was told.

    Python itself writes UTF-8 in the C locale and says so in LC_CTYPE (PEP 538, PEP 540), which tells nothing
    about the terminal.
    """
    if environment.get("PYTHONIOENCODING") or environment.get("PYTHONUTF8"):
        return True
    invented = bool(sys.flags.utf8_mode) and environment.get("LC_CTYPE") == "C.UTF-8"
    names = ("LC_ALL", "LANG") if invented else ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "C")
    return "utf" in locale.lower() or (locale not in ("C", "POSIX") and not sys.flags.utf8_mode)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of characters that the stream's encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = unicodedata.normalize("NFKD", error.object[error.start : error.end].translate(_PLAIN))
    letters = (letter for letter in text if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() else "?" for letter in letters), error.end
