"""Options, JSON output and warnings that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..model.errors import ConfigProblem, InformativaError
from ..model.plausibility import typed
from ..model.text import Text
from ..operations.generated import Generated
from ..operations.record_document import Record
from ..system.files import permission_denied
from ..views.documents import document, streamed
from ..views.messages import ENGLISH, Language, languages
from ..views.messages import language as language_of
from ..views.terminal import escaped, verbatim
from ..views.text.configuration import file_message
from .words import _


def _for_programs(requested: bool) -> bool:
    """Switch to English: the output for programs is the same in every locale."""
    if requested:
        _.speak({})
    return requested


Config = Annotated[
    Path,
    typer.Option(
        "-c",
        "--config",
        envvar="INFORMATIVA_CONFIG",
        metavar="FILE",
        help="The configuration.",
        callback=_.name,
    ),
]
Of = Annotated[
    list[str] | None,
    typer.Option("--controller", metavar="NAME", help="Whose; not needed where there is only one."),
]
LookReason = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why: the number of the request, or the occasion. The access log holds it.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Apply the change (without it, only a preview).")]
RuleInstruction = Annotated[
    str,
    typer.Option(
        metavar="TICKET",
        help="The controller's instruction, for the rule that the log states first if it changed.",
    ),
]
Country = Annotated[
    str,
    typer.Option(metavar="COUNTRY", help="Where the operators are, as INFORMATIVA_COUNTRY names it: AL."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print it as JSON.", callback=_for_programs, is_eager=True)
]


def moment(text: str) -> datetime:
    """Return a day, or a day and time, that somebody typed."""
    try:
        return typed(text)
    except ValueError:
        raise typer.BadParameter(
            _("there is no such day or time. Write it like 2026-01-31 or 2026-01-31T09:30.")
        ) from None


def day(text: str) -> date:
    """Return a day that somebody typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(_("there is no such day. Write it like 2026-01-31.")) from None


WITHHELD = "withheld"
"""The word to type in place of the number of a caller who withholds it."""


def shown_number(text: str) -> str | None:
    """The number that a caller shows, `None` where it is withheld."""
    return None if text == WITHHELD else text


def print_document(result: object, *, on_one_line: bool = False) -> None:
    """Print a result as JSON, never wrapped, coloured or translated; with escapes where UTF-8 cannot go."""
    print(json_text(result, on_one_line=on_one_line))


def json_text(result: object, *, on_one_line: bool = False) -> str:
    """Return what `print_document` prints."""
    return escaped(document(result, indent=None if on_one_line else 2, ascii_only=_ascii_only()))


def print_result(result: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a result: as JSON for programs, else its lines for people, which are made only then."""
    if as_json:
        print_document(result)
    else:
        for line in lines:
            print(line)


def print_records(records: Iterable[Record]) -> None:
    """Print records as JSON, of any number, while they are read."""
    for part in streamed("records", records, ascii_only=_ascii_only()):
        print(escaped(part), end="")


def print_generated(generated: Generated) -> None:
    """Print a file that was generated for a configuration, or where it was written; and what is doubtful of
    it."""
    if generated.file is None:
        verbatim(generated.text)
    else:
        print(file_message(generated, _))
    warn(generated.warnings)


def _ascii_only() -> bool:
    return sys.stdout is None or not sys.stdout.encoding.lower().startswith("utf")


def silent(_text: str) -> None:
    """Print nothing: in place of `print`, for a command that prints JSON."""


def warn(warnings: Iterable[Text]) -> None:
    """Tell people, beside what a command prints, what they should know."""
    for warning in warnings:
        print(_("warning: {warning}", warning=warning), file=sys.stderr)


def warn_of_unrelated(problems: Iterable[ConfigProblem]) -> None:
    """Tell people what is wrong with the configuration and does not concern what they do."""
    warn(problem.text for problem in problems)


def warn_of_unnoted(given: str, noted: Iterable[str | None]) -> None:
    """Tell people that an instruction that they gave is in no note, by those that are."""
    if given and not any(noted):
        warn([Text("The instruction {instruction} is noted nowhere: no rule changed.", instruction=given)])


def reader_of(code: str | None) -> Language:
    """Return the language of a file's reader. Raises InformativaError if there is no such language."""
    if code is None:
        return _
    if code not in languages():
        raise InformativaError(
            Text("There are no pages in {language}.", language=code),
            Text("There are: {known}.", known=", ".join(languages())),
        )
    return ENGLISH if code == "en" else language_of(code)


@contextmanager
def failing_with(code: int) -> Iterator[None]:
    """Give an error that ends the command this exit code."""
    try:
        yield
    except InformativaError as error:
        error.exit_code = code
        raise
    except PermissionError as error:
        denied = permission_denied(Path(error.filename))
        denied.exit_code = code
        raise denied from error
