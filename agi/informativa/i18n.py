"""Messages in the reader's language, by gettext: `_("There is no folder {folder}.").format(folder=folder)`.

Only the commands speak it. What is logged, recorded or read by a program stays English whoever's locale
it is, so that it can be searched for: nothing is translated until `speak` was called, and until then
nothing that translates is even loaded, because the script of a call starts with this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations

DOMAIN = "informativa"
_messages: NullTranslations | None = None


def speak(environment: Mapping[str, str] = os.environ) -> None:
    """Translate from now on into the language of the locale, or not at all where there is no catalogue
    for it. As GNU gettext has it: LANGUAGE counts before the locale's variables, unless those say C."""
    global _messages
    _messages = None
    if "gettext" in sys.modules:
        sys.modules["gettext"].textdomain("messages")
    if not (wanted := _wanted(environment)):
        return
    import gettext
    from importlib import resources

    with resources.as_file(resources.files("informativa") / "locale") as folder:
        found = gettext.translation(DOMAIN, folder, wanted, fallback=True)
        if isinstance(found, gettext.GNUTranslations):
            _messages = found
            gettext.bindtextdomain(DOMAIN, str(folder))  # typer asks gettext itself for most of its words
            gettext.textdomain(DOMAIN)


def speaks() -> bool:
    """Whether messages are translated at all."""
    return _messages is not None


def _wanted(environment: Mapping[str, str]) -> list[str]:
    """The languages asked for, as far as one comes before English, which needs no catalogue."""
    locale = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    if locale in ("C", "POSIX"):
        return []
    asked = (environment.get("LANGUAGE") or locale).split(":")
    return [one for one in takewhile(lambda one: one[:2] != "en" and one != "C", asked) if one]


def _(message: str) -> str:
    """The message in the reader's language; its {placeholders} are filled in afterwards."""
    return _messages.gettext(message) if _messages and message else message


def ngettext(one: str, many: str, number: int) -> str:
    """The same for a message that says a number."""
    return _messages.ngettext(one, many, number) if _messages else one if number == 1 else many


def later(message: str) -> str:
    """Mark a message that stands where nobody reads it yet: `_` translates it when it is used."""
    return message


def foreign(text: str) -> str:
    """What the system or a library said, in the reader's language, as far as `FOREIGN` knows it."""
    if _messages is None:
        return text
    import re

    for template in FOREIGN:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(template))
        if found := re.fullmatch(pattern, text, re.DOTALL):
            said = {name: foreign(value) for name, value in found.groupdict().items()}
            return _messages.gettext(template).format(**said)
    return text


FOREIGN = (
    # the system
    later("[Errno {number}] {message}: {file}"),
    later("Permission denied"),
    later("No such file or directory"),
    later("Is a directory"),
    later("Not a directory"),
    later("File exists"),
    later("Directory not empty"),
    later("Read-only file system"),
    later("No space left on device"),
    later("File name too long"),
    later("Too many levels of symbolic links"),
    later("Input/output error"),
    later("Operation not permitted"),
    later("Address already in use"),
    later("Cannot assign requested address"),
    later("Connection refused"),
    # SQLite and the reader of WAV files
    later("database is locked"),
    later("unable to open database file"),
    later("attempt to write a readonly database"),
    later("disk I/O error"),
    later("database or disk is full"),
    later("file is not a database"),
    later("database disk image is malformed"),
    later("file does not start with RIFF id"),
    later("not a WAVE file"),
    # the reader of YAML
    later("mapping values are not allowed here"),
    later("mapping keys are not allowed here"),
    later("sequence entries are not allowed here"),
    later("could not find expected ':'"),
    later("did not find expected ':'"),
    later("expected <block end>, but found {token}"),
    later("expected ',' or ']', but got {token}"),
    later("found character {character} that cannot start any token"),
    later("found unexpected end of stream"),
    later("found undefined alias {name}"),
    later("found unknown escape character {character}"),
    later("the node content was not found"),
    later("found unexpected document separator"),
    later("found duplicate YAML directive"),
    later("found incompatible YAML document (version 1.* is required)"),
    later("found undefined tag handle {name}"),
    later("duplicate tag handle {name}"),
    later("but found another document"),
    later("second occurrence"),
    later("expected {what}, but found {token}"),
    later("expected {what}, but got {token}"),
    later("the node content"),
    later("alphabetic or numeric character"),
    later("a digit or {character}"),
    later("a digit"),
    later("a comment or a line break"),
    later("chomping or indentation indicators"),
    later("indentation indicator in the range 1-9"),
    later("URI escape sequence of 2 hexadecimal numbers"),
    later("escape sequence of {digits} hexadecimal numbers"),
    # typer, while it reads a command line
    later("{message}. Did you mean {suggestions}?"),
    later("No such command {name!r}."),
    later("No such option: {option} (Possible options: {options})"),
    later("No such option: {option}"),
    later("Missing command."),
    later("Missing argument {argument}. Choose from:\n\t{choices}"),
    later("Missing argument {argument}."),
    later("Missing option {option}. Choose from:\n\t{choices}"),
    later("Missing option {option}."),
    later("Option {option} requires an argument."),
    later("Option {option} does not take a value."),
    later("Got unexpected extra argument(s) ({arguments})"),
    later("Invalid value for {name}: {message}"),
    later("Invalid value: {message}"),
    later("Value error, {message}"),
    later("{value} is not one of {choices}."),
    # typer, in its help
    later("Usage: "),
    later("[OPTIONS]"),
    later("COMMAND [ARGS]..."),
    later("Arguments"),
    later("Options"),
    later("Commands"),
    later("[required]"),
    later("[default: {}]"),
    later("[env var: {}]"),
    later("Show this message and exit."),
    # pydantic, of a setting or an option
    later("Input should be a valid boolean, unable to interpret input"),
    later("Input should be a valid integer, unable to parse string as an integer"),
    later("Input should be a valid number, unable to parse string as a number"),
    later("Input should be a finite number"),
    later("Input should be a valid string"),
    later("Input should be greater than or equal to {least}"),
    later("Input should be less than or equal to {most}"),
    later("Input should be a valid date or datetime, {why}"),
    later("Input should be a valid datetime or date, {why}"),
    later("input is too short"),
    later("invalid character in year"),
    later("invalid character in month"),
    later("invalid character in day"),
    later("invalid date separator, expected `-`"),
    later("month value is outside expected range of 1-12"),
    later("day value is outside expected range"),
    later("{value} does not match the formats {formats}."),
    later("Datetimes provided to dates should have zero time - e.g. be exact dates"),
)
"""What the commands pass on of others' words. Longer forms stand before those that they begin with."""
