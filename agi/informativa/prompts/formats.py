"""All formats of one recording that Asterisk may want for a channel, each beside its `.wav`.

A file in the channel's own format is only read from the disk; otherwise Asterisk translates it in every call.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from ..system.files import give_folder, read_foreign
from ..system.processes import run_command
from .audio import NARROW, WIDE, sox

_NARROW = ("-r", str(NARROW), "-c", "1")
_LARGEST = 64 << 20  # bytes; ten minutes of G.722 are five million


def _encoded(*options: str) -> Callable[[Path, Path], None]:
    def encode(source: Path, target: Path) -> None:
        sox("-D", source, *options, target)

    return encode


def _wide(source: Path, target: Path) -> None:
    sox("-D", source, *_raw(WIDE), target, "rate", "-v", str(WIDE))


def _g722(source: Path, target: Path) -> None:
    """Write G.722 with the running Asterisk, which has the codec, or else with ffmpeg."""
    error: Text | str = Text("there is neither a running Asterisk here nor ffmpeg")
    if asterisk := shutil.which("asterisk", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
        error = _by_asterisk(asterisk, source, target)
    if not _encode(target) and (ffmpeg := shutil.which("ffmpeg")):
        input_options = ("-f", "s16le", "-ar", str(WIDE), "-ac", "1") if source.suffix == ".sln16" else ()
        output = ("-ar", str(WIDE), "-f", "g722", target)
        error = _run(ffmpeg, "-loglevel", "error", "-y", *input_options, "-i", source, *output)
    if not _encode(target):
        raise PromptError(
            Text(
                "{file} cannot be made: {why}.",
                file=source.with_suffix(".g722"),
                why=error.rstrip(".") if isinstance(error, str) else error,
            ),
            Text("Run this as root or Asterisk's user while Asterisk runs, or: apt-get install ffmpeg"),
        )


def _by_asterisk(asterisk: str, source: Path, target: Path) -> Text | str:
    """Let Asterisk convert in a folder beside the source, because it writes as its own user and may see
    another /tmp. Return its last words."""
    try:
        shared = Path(tempfile.mkdtemp(prefix=".formats-", dir=source.parent))
    except OSError as error:
        return Text("{file} cannot be written ({why})", file=source.parent, why=Foreign(error.strerror or ""))
    try:
        give_folder(shared, source.parent.stat())
        converted = shared / target.name
        message = _run(asterisk, "-rx", f'file convert "{source}" "{converted}"')
        with suppress(OSError):  # if the file is missing, the message says why
            if content := read_foreign(converted, _LARGEST):
                target.write_bytes(content)
        return message
    except OSError as error:
        return Text("{file} cannot be written ({why})", file=shared, why=Foreign(error.strerror or ""))
    finally:
        shutil.rmtree(shared, ignore_errors=True)


FORMATS: dict[str, Callable[[Path, Path], None]] = {
    "alaw": _encoded(*_NARROW, "-t", "al"),
    "ulaw": _encoded(*_NARROW, "-t", "ul"),
    "gsm": _encoded(*_NARROW, "-t", "gsm"),
    "sln16": _wide,
    "g722": _g722,
}
"""The command that makes each format from a file: `.wav`, and for g722 `.sln16`, which is before it here."""


def _raw(rate: int) -> tuple[str, ...]:
    return ("-t", "raw", "-r", str(rate), "-e", "signed", "-b", "16", "-c", "1")


def _encode(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _run(*command: str | Path) -> Text | str:
    """Run a program, and return the last line of its output."""
    return run_command([*map(str, command)]).last_line or Text("it said nothing")
