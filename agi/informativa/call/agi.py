"""The Asterisk Gateway Interface without I/O: bytes to values, values to command lines.

Written against what Asterisk 16 and 22 send. An environment is lines `agi_name: value` up to an
empty line; a reply is `200 result=N (data) endpos=N`, `510` (unknown command), `511` (not on a dead
channel) or `520` (usage, on one line or on several that start with `520-`); `100` means "wait"; the
line `HANGUP` comes unasked, before the reply to a later command.
"""

from __future__ import annotations

import functools
import re

from ..model import IncomingCall
from ..model.errors import ProtocolError
from ..model.frozen import dataclass
from ..model.redaction import plain_id

MAX_ENVIRONMENT = 16 * 1024  # bytes; a real one has about 600
MAX_REPLY = 16 * 1024  # bytes; a usage text with all its lines has less than 3,000
MAX_COMMAND = 2047  # bytes with the line's end; Asterisk takes what follows for another command
UNAVAILABLE = 67  # agi_callingpres: "number not available"
CHANNEL_UP = 6  # CHANNEL STATUS, result: "line is up" (Asterisk's AST_STATE_UP)
SERVICE = "status"  # a script name of ours: the service answers with a report about itself, as a variable
TRIAL = "trial"  # another: it answers with the companies for which no call could be decided now
SERVICE_VARIABLE = "INFORMATIVA_SERVICE"

_REPLY = re.compile(rb"(\d{3})(?:[ -](.*))?\Z", re.DOTALL)
_RESULT = re.compile(rb"result=(-?\d{1,18})(?![^ ])")
_ENDPOS = re.compile(rb"endpos=(\d{1,18})\Z")
_LINE_BREAKS = re.compile(r"[\r\n\0]")
_VARIABLE = re.compile(r"agi_[a-z0-9_]+\Z")
_BEGINNING = b"agi_network: yes\n"  # of what Asterisk sends to a service
_SCRIPT = re.compile(_BEGINNING + rb"agi_network_script: ([^\n?]*)")


# Options that informativa.conf passes beside the line, each once and each filtered: with every call, in this
# order; after them `internal`, where the configuration names internal calls; the others where an operator has
# read the notice.
_CALL_OPTIONS = ("linked", "heard", "language", "customer", "verification", "country")
_OPTIONS = frozenset({*_CALL_OPTIONS, "internal", "action", "operator"})
# Characters that these may not hold, and their replacement; a word that had digits stays another word.
# Compiled for the first call that has such an option: most scripts have none.
_REPLACED = {
    "language": (r"[^A-Za-z_]", ""),
    "verification": (r"\d", "0"),
    "country": (r"[^A-Za-z]", ""),
}
_LONGEST_OPTION = 100  # characters


@dataclass(frozen=True)
class Reply:
    """One reply: its three-digit code, `result`, and `endpos` (samples) where the command has one."""

    code: int
    result: int
    endpos: int = 0

    @property
    def ok(self) -> bool:
        return self.code == 200


_USUAL_REPLY, _USUAL_REPLY_PARSED = b"200 result=0\n", Reply(200, 0)  # nearly every command's


def parse_environment(raw: bytes) -> IncomingCall:
    """Return the call that an AGI environment describes.

    Decoding never fails: bytes that are not UTF-8 are kept as Latin-1, as carriers send them. Asterisk sends
    each variable once and on one line, and after `agi_threadid` the dialplan's own arguments, numbered from
    1. Anything else was smuggled in through a line break in a caller-ID name: of a repeated variable the
    first counts, no option does, and the call is marked ambiguous. The same goes for an option that comes
    twice or is not one of ours: a comma in a value brought it.

    Raises ProtocolError when the first or the last variable that Asterisk always sends is missing: then the
    peer is no Asterisk, or an empty line in a name ended the environment too early.
    """
    is_usual = raw.startswith(_BEGINNING) and raw.isascii()
    usual = _usual_environment().fullmatch(raw.decode()) if is_usual else None
    return _parse_usual(*usual.groups()) if usual else _parse_any(raw)


@functools.cache  # compiled for the first call of a service: a script never gets it
def _usual_environment() -> re.Pattern[str]:
    """Return the pattern of an environment in Asterisk's order that needs no second look: nearly every
    call's."""
    return re.compile(
        r"agi_network: yes\nagi_network_script: ([^\n?/]*).*\nagi_request: .*\nagi_channel: .*\n"
        r"agi_language: (.*)\nagi_type: .*\nagi_uniqueid: (.*)\nagi_version: .*\n"
        r"agi_callerid: (.*)\nagi_calleridname: .*\nagi_callingpres: ([0-9]{1,3})\n"
        r"agi_callingani2: .*\nagi_callington: .*\nagi_callingtns: .*\nagi_dnid: .*\nagi_rdnis: .*\n"
        r"agi_context: .*\nagi_extension: .*\nagi_priority: .*\nagi_enhanced: .*\nagi_accountcode:.*\n"
        r"agi_threadid: .*\nagi_arg_1: (.*)(?:"
        + "".join(rf"\nagi_arg_{place}: {name}=(.*)" for place, name in enumerate(_CALL_OPTIONS, 2))
        + r"(?:\nagi_arg_8: internal=(.*))?)?\n*"
    )


def _parse_usual(
    script: str, language: str, unique: str, number: str, presentation: str, line: str, *values: str | None
) -> IncomingCall:
    """Return the call of an environment that has the usual form."""
    options = {
        name: stripped
        for name, value in zip(_CALL_OPTIONS, values, strict=False)
        if value and (stripped := value.rstrip())
    }
    if internal := values[-1]:
        options["internal"] = internal.rstrip()
    if options.get("language") or options.get("verification") or options.get("country"):
        _filter(options)
    unique, linked, number = unique.strip(), options.get("linked", ""), number.strip()
    call_id = plain_id(unique, number)
    return IncomingCall(
        call_id,
        call_id if linked == unique else plain_id(linked, number),
        line.strip(),
        number,
        int(presentation),
        language.strip(),
        options,
        script.strip(),
    )


def _parse_any(raw: bytes) -> IncomingCall:
    """Return the call of any environment, read line by line."""
    variables: dict[str, str] = {}
    arguments: list[str] = []
    ambiguous = False
    for line in _decode(raw).rstrip("\n").split("\n"):
        name, colon, value = line.partition(":")
        if name.startswith("agi_arg_"):
            if "agi_threadid" in variables and name == f"agi_arg_{len(arguments) + 1}":
                arguments.append(value.strip())
            else:
                ambiguous = True
        elif colon and name not in variables and _VARIABLE.match(name):
            variables[name] = value.strip()
        else:
            ambiguous = True
        if name == "agi_threadid":  # Asterisk's own is the last one, and so are the arguments after it
            arguments.clear()
    if not {"agi_request", "agi_threadid"} <= variables.keys():
        raise ProtocolError("A peer connected that does not send an AGI environment.")
    named = [argument.partition("=")[::2] for argument in arguments[1:]]
    options = dict(named)
    ambiguous = ambiguous or len(options) < len(named) or not options.keys() <= _OPTIONS
    options = {name: value for name, value in options.items() if value}  # an empty one is none
    _filter(options)
    number = variables.get("agi_callerid", "")
    return IncomingCall(
        id=plain_id(variables.get("agi_uniqueid", ""), number),
        linked=plain_id(options.get("linked", ""), number),
        line=arguments[0] if arguments else "",
        number=number,
        presentation=_presentation(variables.get("agi_callingpres", str(UNAVAILABLE))),
        language=variables.get("agi_language", ""),
        options={} if ambiguous else options,
        script=variables.get("agi_network_script", "").partition("?")[0].partition("/")[0].strip(),
        ambiguous=ambiguous,
    )


def token(raw: bytes) -> bytes:
    """Return the part after the script's name in `agi://HOST:PORT/NAME/TOKEN`, empty where there is none.

    Asterisk sends it before anything that a caller may have written; nothing else is read.
    """
    match = _SCRIPT.match(raw)
    return match[1].partition(b"/")[2] if match else b""


def split_environment(raw: bytes) -> tuple[bytes, bytes] | None:
    """Return the environment at the beginning of the data, and the data after it; `None` if its end has not
    arrived yet. Raises ProtocolError for one that is too long."""
    environment, end, remainder = raw.partition(b"\n\n")
    if len(environment) > MAX_ENVIRONMENT:
        raise ProtocolError("A peer sent more than an AGI environment.")
    return (environment, remainder) if end else None


def command(*words: str) -> bytes:
    """Return one command line; the first word is the command's name and is sent as it is, the others are
    quoted.

    Raises ValueError for a word with a line break or NUL, and for words that are too long: a part of them
    would become a command of its own.
    """
    name, *arguments = words
    text = " ".join([name, *map(_quote, arguments)])
    if _LINE_BREAKS.search(text):
        raise ValueError("an AGI command cannot carry a line break")
    line = text.encode() + b"\n"
    if len(line) > MAX_COMMAND:
        raise ValueError("an AGI command cannot be so long")
    return line


class ReplyReader:
    """A reader that turns Asterisk's data, in pieces of any size, into replies; it remembers whether HANGUP
    came."""

    def __init__(self) -> None:
        self.hung_up = False
        self._usage = False
        self._beginning = b""  # of a line that is not complete
        self._length = 0  # bytes since the last reply

    def unasked(self, data: bytes) -> None:
        """Take data that came while no command was waiting for a reply.

        Raises ProtocolError unless it is (the beginning of) a HANGUP, the only line that Asterisk sends
        unasked: any other is somebody's forged reply.
        """
        *lines, self._beginning = self._join(data).split(b"\n")
        if any(line != b"HANGUP" for line in lines) or not b"HANGUP".startswith(self._beginning):
            raise ProtocolError("A peer answered an AGI command before it was sent.")
        self.hung_up = self.hung_up or bool(lines or self._beginning)

    def feed(self, data: bytes) -> Reply | None:
        """Take data that came while a command is waiting. Return its reply when that is complete, else
        `None`.

        Raises ProtocolError for data that no Asterisk sends, also for more than one reply.
        """
        if data == _USUAL_REPLY and not (self._length or self._usage):
            return _USUAL_REPLY_PARSED
        data = self._join(data)
        while b"\n" in data:
            line, _, data = data.partition(b"\n")
            if (reply := self._read(line.rstrip(b"\r"))) is not None:
                self._beginning, self._length = b"", 0
                if data:
                    self.unasked(data)
                return reply
        self._beginning = data
        return None

    def _join(self, data: bytes) -> bytes:
        self._length += len(data)
        if self._length > MAX_REPLY:
            raise ProtocolError("Asterisk sent a reply without an end.")
        return self._beginning + data

    def _read(self, line: bytes) -> Reply | None:
        """Read one line. Return a reply if the line completes one."""
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
        fields = match[2] or b""
        result = _RESULT.match(fields)
        endpos = _ENDPOS.search(fields)
        if code == 200 and result is None:
            raise ProtocolError("Asterisk sent an AGI reply without a result.")
        if code != 200 or result is None:
            return Reply(code, -1)
        return Reply(code, int(result[1]), int(endpos[1]) if endpos else 0)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _quote(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filter(options: dict[str, str]) -> None:
    """Filter the language, the country and the network's word for the number as the shipped dialplan does: a
    line that somebody wrote by hand may pass a caller's number there (I5)."""
    for name, (pattern, replacement) in _REPLACED.items():
        if value := options.get(name):
            options[name] = re.sub(pattern, replacement, value)[:_LONGEST_OPTION]


def _presentation(text: str) -> int:
    """Return Q.931's octet; a text that cannot be read does not count as an allowed presentation."""
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else UNAVAILABLE
