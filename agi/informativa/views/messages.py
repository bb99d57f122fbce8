"""Texts in a reader's language, by gettext. The language is given with each reader, and never the process's.

What is logged, recorded or read by a program stays English whoever's locale it is, so that it can be searched
for. A `Language` at work is called `say`, as in say("There is no folder {folder}.", folder=folder).
"""

from __future__ import annotations

import errno
import gettext
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import takewhile

from ..model.text import Text, Translator

DOMAIN = "informativa"
LETTER = "letter"
"""The domain of the catalogues that have what a letter to a caller says, and nothing else."""


LETTER_LANGUAGES = {"it": "Italiano", "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""The languages in which callers are written to, each by its own name for itself."""


class Language(Translator):
    """One reader's language; without a catalogue it is English."""

    def __init__(self, catalogue: gettext.GNUTranslations | None = None) -> None:
        self._catalogue = catalogue

    def __call__(self, message: Text | str, /, **arguments: object) -> str:
        """Return a text, or a template with its arguments, in this language."""
        text = message if isinstance(message, Text) else Text(message)
        return (text.format(**arguments) if arguments else text).render(self)

    def counted(self, one: str, many: str, number: int, /, **arguments: object) -> str:
        """Return a template that has a number, as `{count}` unless an argument has it, in this language."""
        return Text.counted(one, many, number, **arguments).render(self)

    def number(self, value: float, form: str) -> str:
        """Return a number in a format (`.1f`, `,`) as this language writes it."""
        return Text(f"{{number:{form}}}", number=value).render(self)

    @property
    def translates(self) -> bool:
        """Tell if it is another language than English."""
        return self._catalogue is not None

    @property
    def code(self) -> str:
        """Its two letters."""
        return self._catalogue.info().get("language", "en")[:2] if self._catalogue else "en"

    def gettext(self, message: str) -> str:
        return self._catalogue.gettext(message) if self._catalogue and message else message

    def ngettext(self, one: str, many: str, number: int) -> str:
        if self._catalogue:
            return self._catalogue.ngettext(one, many, number)
        return one if number == 1 else many

    def foreign(self, message: str) -> str:
        if self._catalogue is None:
            return message
        return self._translation(message) or self._uncapitalised(message) or message

    def _translation(self, message: str) -> str:
        if template := _wholes().get(message):
            return self.gettext(template)
        for template, pattern in _patterns():
            if match := pattern.fullmatch(message):
                parts = {name: self.foreign(value) for name, value in match.groupdict().items()}
                return self(template, **parts)
        return ""

    def _uncapitalised(self, message: str) -> str:
        """Translate a message that begins with a small letter, as a part of a sentence."""
        translation = self._translation(message[:1].upper() + message[1:])
        return translation[:1].lower() + translation[1:]


ENGLISH = Language()


@cache
def language(*codes: str) -> Language:
    """Return the first of these languages (`it`, `it_IT`) that has a catalogue, or English."""
    with resources.as_file(resources.files("informativa") / "views/locale") as folder:
        catalogue = gettext.translation(DOMAIN, folder, codes, fallback=True) if codes else None
    return Language(catalogue) if isinstance(catalogue, gettext.GNUTranslations) else ENGLISH


@cache
def of_letter(code: str) -> Language:
    """The language of a letter: one of ours, or one in which there is nothing but letters."""
    if code in languages():
        return language(*([code] if code != "en" else []))
    with resources.as_file(resources.files("informativa") / "views/locale") as folder:
        return Language(gettext.translation(LETTER, folder, [code]))


def languages() -> tuple[str, ...]:
    """The two letters of each in which everything is said, with English."""
    with resources.as_file(resources.files("informativa") / "views/locale") as folder:
        catalogues = folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
        return tuple(sorted({"en", *(file.parts[-3] for file in catalogues)}))


def of_environment(environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the locale. As in GNU gettext, LANGUAGE counts before the locale's variables,
    unless those say C."""
    return language(*_preferred(environment))


def _preferred(environment: Mapping[str, str]) -> Sequence[str]:
    """Return the languages of the locale up to English, which needs no catalogue."""
    locale = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    if locale in ("C", "POSIX"):
        return []
    codes = (environment.get("LANGUAGE") or locale).split(":")
    return [code for code in takewhile(lambda code: code[:2] != "en" and code != "C", codes) if code]


SYSTEM = {
    errno.EACCES: Text("Permission denied"),
    errno.ENOENT: Text("No such file or directory"),
    errno.EISDIR: Text("Is a directory"),
    errno.ENOTDIR: Text("Not a directory"),
    errno.EEXIST: Text("File exists"),
    errno.ENOTEMPTY: Text("Directory not empty"),
    errno.EROFS: Text("Read-only file system"),
    errno.ENOSPC: Text("No space left on device"),
    errno.ENAMETOOLONG: Text("File name too long"),
    errno.ELOOP: Text("Too many levels of symbolic links"),
    errno.EIO: Text("Input/output error"),
    errno.EPERM: Text("Operation not permitted"),
    errno.EADDRINUSE: Text("Address already in use"),
    errno.EADDRNOTAVAIL: Text("Cannot assign requested address"),
    errno.ECONNREFUSED: Text("Connection refused"),
}
"""Words of the system, by the number of the error: the C library chooses them."""

FOREIGN = (
    Text("[Errno {number}] {message}: {file}"),  # an OSError of Python's
    Text("timed out"),  # a connection
    # SQLite and the reader of WAV files
    Text("database is locked"),
    Text("unable to open database file"),
    Text("attempt to write a readonly database"),
    Text("disk I/O error"),
    Text("database or disk is full"),
    Text("file is not a database"),
    Text("database disk image is malformed"),
    Text("file does not start with RIFF id"),
    Text("not a WAVE file"),
    # the reader of YAML
    Text("mapping values are not allowed here"),
    Text("mapping keys are not allowed here"),
    Text("sequence entries are not allowed here"),
    Text("could not find expected ':'"),
    Text("did not find expected ':'"),
    Text("expected <block end>, but found {token}"),
    Text("expected ',' or ']', but got {token}"),
    Text("found character {character} that cannot start any token"),
    Text("found unexpected end of stream"),
    Text("found undefined alias {name}"),
    Text("found unknown escape character {character}"),
    Text("found unexpected document separator"),
    Text("found duplicate YAML directive"),
    Text("found incompatible YAML document (version 1.* is required)"),
    Text("found undefined tag handle {name}"),
    Text("duplicate tag handle {name}"),
    Text("but found another document"),
    Text("second occurrence"),
    Text("expected {what}, but found {token}"),
    Text("expected {what}, but got {token}"),
    Text("the node content"),
    Text("alphabetic or numeric character"),
    Text("a digit or {character}"),
    Text("a digit"),
    Text("a comment or a line break"),
    Text("chomping or indentation indicators"),
    Text("indentation indicator in the range 1-9"),
    Text("URI escape sequence of 2 hexadecimal numbers"),
    Text("escape sequence of {digits} hexadecimal numbers"),
    # typer, while it reads a command line
    Text("{message}. Did you mean {suggestions}?"),
    Text("No such command {name!r}."),
    Text("No such option: {option} (Possible options: {options})"),
    Text("No such option: {option}"),
    Text("Missing command."),
    Text("Missing argument {argument}. Choose from:\n\t{choices}"),
    Text("Missing argument {argument}."),
    Text("Missing option {option}. Choose from:\n\t{choices}"),
    Text("Missing option {option}."),
    Text("Option {option} requires an argument."),
    Text("Option {option} does not take a value."),
    Text("Got unexpected extra argument(s) ({arguments})"),
    Text("Invalid value for {name}: {message}"),
    Text("Invalid value: {message}"),
    Text("Value error, {message}"),
    Text("{value} is not one of {choices}."),
    # typer, in its help
    Text("Usage: "),
    Text("[OPTIONS]"),
    Text("COMMAND [ARGS]..."),
    Text("Arguments"),
    Text("Options"),
    Text("Commands"),
    Text("[required]"),
    Text("[default: {}]"),
    Text("[env var: {}]"),
    Text("Show this message and exit."),
    # pydantic, of a setting or an option
    Text("Input should be a valid boolean, unable to interpret input"),
    Text("Input should be a valid integer, unable to parse string as an integer"),
    Text("Input should be a valid number, unable to parse string as a number"),
    Text("Input should be a finite number"),
    Text("Input should be a valid string"),
    Text("Input should be greater than or equal to {least}"),
    Text("Input should be less than or equal to {most}"),
    Text("Input should be a valid date or datetime, {why}"),
    Text("Input should be a valid datetime or date, {why}"),
    Text("input is too short"),
    Text("invalid character in year"),
    Text("invalid character in month"),
    Text("invalid character in day"),
    Text("invalid date separator, expected `-`"),
    Text("month value is outside expected range of 1-12"),
    Text("day value is outside expected range"),
    Text("Datetimes provided to dates should have zero time - e.g. be exact dates"),
)
"""Words of others that the commands pass on. Longer forms stand before those that they begin with.

They are known by their words, because these say more than a code, or there is none. SQLite has one code for
"no such table" and each mistake in a statement. PyYAML and typer raise finished sentences. Pydantic's have
codes, but typer passes them on within its own sentences, so their words must be known in any case.
"""


@cache
def _wholes() -> Mapping[str, str]:
    """The templates of messages without parts, by their words here."""
    system = {os.strerror(number): text.template for number, text in SYSTEM.items()}
    return {text.template: text.template for text in FOREIGN if "{" not in text.template} | system


@cache
def _patterns() -> Sequence[tuple[str, re.Pattern[str]]]:
    """The templates of messages with parts, and the patterns of such messages."""
    templates = [text.template for text in FOREIGN if "{" in text.template]
    patterns = (re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(template)) for template in templates)
    return [
        (template, re.compile(pattern, re.DOTALL))
        for template, pattern in zip(templates, patterns, strict=True)
    ]
