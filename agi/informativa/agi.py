"""The Asterisk Gateway Interface without I/O: bytes to values, values to command lines.

Written against what Asterisk 16 and 22 send. An environment is lines `agi_name: value` up to an
empty line; a reply is `200 result=N (data) endpos=N`, `510` (unknown command), `511` (not on a dead
channel) or `520` (usage, on one line or on several that start with `520-`); `100` means "wait"; the
line `HANGUP` comes unasked, before the reply to a later command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ProtocolError
from .model import IncomingCall

MAX_ENVIRONMENT = 16 * 1024  # bytes; a real one has about 600
MAX_REPLY = 4 * 1024  # bytes; longer than any usage text's line
CHANNEL_UP = 6  # CHANNEL STATUS, result: "line is up" (Asterisk's AST_STATE_UP)

_REPLY = re.compile(rb"(\d{3})(?:[ -](.*))?\Z", re.DOTALL)
_RESULT = re.compile(rb"result=(-?\d{1,18})(?![^ ])")
_ENDPOS = re.compile(rb"endpos=(\d{1,18})\Z")
_LINE_BREAKS = re.compile(r"[\r\n\0]")


@dataclass(frozen=True)
class Reply:
    """One reply: its three-digit code, `result`, and `endpos` (samples) where the command has one."""

    code: int
    result: int
    endpos: int = 0

    @property
    def ok(self) -> bool:
        return self.code == 200


def parse_environment(raw: bytes) -> IncomingCall:
    """The AGI environment as one call.

    Decoding never fails: bytes that are not UTF-8 are kept as Latin-1, as carriers send them. Of a
    variable that comes twice the first counts, and the call is marked ambiguous: Asterisk sends each
    once, so a second one was smuggled in through a line break in a caller-ID name. The dialplan's
    own arguments come last and are numbered, so for them it is the last that counts.

    Raises ProtocolError when the first or the last variable that Asterisk always sends is missing:
    then the peer is no Asterisk, or an empty line in a name ended the environment too early.
    """
    variables: dict[str, str] = {}
    ambiguous = False
    for line in _decode(raw).split("\n"):
        name, colon, value = line.partition(":")
        if not colon or not name.startswith("agi_"):
            continue
        value = value.strip()
        if name in variables:
            ambiguous = True
            if not name.startswith("agi_arg_"):
                continue
        variables[name] = value
    if not {"agi_request", "agi_threadid"} <= variables.keys():
        raise ProtocolError("A peer connected that does not send an AGI environment.")
    arguments = [variables[name] for name in sorted(variables, key=_argument_number) if name[4:8] == "arg_"]
    return IncomingCall(
        id=variables.get("agi_uniqueid", ""),
        line=arguments[0] if arguments else "",
        number=variables.get("agi_callerid", ""),
        presentation=_whole_number(variables.get("agi_callingpres", "")),
        language=variables.get("agi_language", ""),
        options=dict(_option(argument) for argument in arguments[1:]),
        script=variables.get("agi_network_script", "").partition("?")[0],
        ambiguous=ambiguous,
    )


def split_environment(raw: bytes) -> bytes | None:
    """The environment at the beginning of what came so far, or `None` if its end is not there yet.

    Raises ProtocolError for one that is too long, and for one that more follows than a HANGUP:
    Asterisk says nothing else before it is asked, so that is somebody's forged replies.
    """
    environment, end, rest = raw.partition(b"\n\n")
    if len(environment) > MAX_ENVIRONMENT:
        raise ProtocolError("A peer sent more than an AGI environment.")
    if rest not in (b"", b"HANGUP\n"):
        raise ProtocolError("A peer answered AGI commands before they were sent.")
    return environment if end else None


def command(*words: str) -> bytes:
    """One command line; the first word is the command's name and is sent as it is, the rest quoted.

    Raises ValueError for a word with a line break or NUL: it would become a command of its own.
    """
    name, *arguments = words
    if any(_LINE_BREAKS.search(word) for word in words):
        raise ValueError("an AGI command cannot carry a line break")
    return " ".join([name, *map(_quote, arguments)]).encode() + b"\n"


class ReplyReader:
    """Turns the lines that Asterisk sends into replies; remembers whether HANGUP came among them."""

    def __init__(self) -> None:
        self.hung_up = False
        self._usage = False

    def feed(self, line: bytes) -> Reply | None:
        """Take one line with its end; a reply when the line completes one, else `None`.

        Raises ProtocolError for a line that no Asterisk sends.
        """
        line = line.rstrip(b"\r\n")
        if line == b"HANGUP":
            self.hung_up = True
            return None
        if self._usage and not line.startswith(b"520 "):
            return None
        match = _REPLY.match(line)
        if match is None:
            raise ProtocolError("Asterisk sent a line that is not an AGI reply.")
        code = int(match[1])
        if code == 100:
            return None
        self._usage = line.startswith(b"520-")
        if self._usage:
            return None
        rest = match[2] or b""
        result = _RESULT.match(rest)
        endpos = _ENDPOS.search(rest)
        if code == 200 and result is None:
            raise ProtocolError("Asterisk sent an AGI reply without a result.")
        return Reply(code, int(result[1]) if result else -1, int(endpos[1]) if endpos else 0)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _quote(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _argument_number(name: str) -> int:
    return _whole_number(name.removeprefix("agi_arg_")) or 0


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _option(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    return name, value
