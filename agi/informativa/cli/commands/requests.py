"""`informativa request`: persons' requests about their data, from their coming to their closing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ...config import DEFAULT_FILE
from ...model import Controller
from ...model.errors import InformativaError
from ...model.requests import ExtensionReason, Identification, RequestKind, RequestOutcome
from ...model.text import Foreign, Text
from ...operations import request_answers, request_register
from ...operations.access_log import shell_account
from ...operations.callers import Erased
from ...operations.controllers import Selection, select_for_callers
from ...operations.request_register import ListedRequest
from ...system.files import write_file
from ...views.messages import LETTER_LANGUAGES
from ...views.text import requests as text
from ..options import Config, Json, Of, Yes, day, print_result, warn_of_unrelated
from ..tree import INCOMPLETE
from ..words import _
from .callers import Customer, Instruction, Number, identified, warn_of_backups

app = typer.Typer(
    help="Persons' requests: access, erasure, objection, portability, proof.", no_args_is_help=True
)
Word = TypeVar("Word", bound=str)
RequestNumber = Annotated[int, typer.Argument(metavar="REQUEST", min=1, help="Its number in the register.")]


def add_to(program: typer.Typer) -> None:
    """Give the program the group `request`."""
    program.add_typer(app, name="request")


@app.command("open")
def open_request(
    kind: Annotated[
        RequestKind, typer.Argument(metavar="KIND", help="access, erasure, objection, portability or proof.")
    ],
    number: Number = None,
    customer: Customer = None,
    received: Annotated[
        date | None, typer.Option(metavar="DAY", parser=day, help="The day on which it came; else today.")
    ] = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Open a request that came."""
    typed, now = identified(number, customer), datetime.now(UTC)
    company, _rest = _company(config, controller)
    came = received or request_register.today(company, now)
    _show(request_register.open_request(company, typed, kind, came, shell_account(), now), as_json=as_json)


@app.command("list")
def listing(
    closed: Annotated[bool, typer.Option("--all", help="With those that are closed.")] = False,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """List the open requests on this machine, the first to answer first."""
    selection = select_for_callers(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    result = request_register.listing(selection.named, datetime.now(UTC), closed=closed)
    print_result(result, text.listing(result, _), as_json=as_json)


@app.command()
def show(
    request: RequestNumber, config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False
) -> None:
    """Show a request, what was done, and what comes next."""
    company, _rest = _company(config, controller)
    result = request_register.request_numbered(company, request)
    _show(ListedRequest.of(result, company, datetime.now(UTC)), as_json=as_json)


@app.command()
def identify(
    request: RequestNumber,
    how: Annotated[
        Identification,
        typer.Argument(metavar="HOW", help="called-back, in-person, document, signature or account."),
    ],
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Put on record how you checked that the number is the person's: a word, no document."""
    _take_step(request_register.identify, request, how, config, controller, as_json=as_json)


@app.command()
def assign(
    request: RequestNumber,
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="Default: yours.")] = "",
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Say who works on a request."""
    worker = account or shell_account()
    _take_step(request_register.assign, request, worker, config, controller, as_json=as_json)


@app.command()
def extend(
    request: RequestNumber,
    reason: Annotated[
        ExtensionReason, typer.Argument(metavar="REASON", help="complexity or number (of requests).")
    ],
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Extend the time to answer by two months, once, and before it is over. Tell the person why."""
    _take_step(request_register.extend, request, reason, config, controller, as_json=as_json)


@app.command()
def letter(
    request: RequestNumber,
    number: Number = None,
    customer: Customer = None,
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help="The person's: it, en, de, fr or es.")
    ] = "it",
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the file goes.")
    ] = Path(),
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Make the answer in one ZIP file: the letter with its annex, the records, and all receipts."""
    typed, now = identified(number, customer), datetime.now(UTC)
    company, selection = _company(config, controller)
    from ...views.letter_page import answer_pages  # not for other commands: jinja2 takes 30 ms

    if language not in LETTER_LANGUAGES:
        raise InformativaError(
            Text("There are no letters in {language}.", language=language),
            Text("There are: {known}.", known=", ".join(LETTER_LANGUAGES)),
        )

    def put(name: str, data: bytes) -> str:
        file = output / name
        try:
            write_file(file, data, secret=True)
        except OSError as error:
            raise InformativaError(
                Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
                Text("Name a folder of yours with -o."),
            ) from error
        return str(file)

    pages = answer_pages(language, now)
    account, configuration = shell_account(), selection.configuration
    result = request_answers.answer(company, request, typed, configuration, pages, put, account, now)
    print_result(result, text.answer(result, _), as_json=as_json)
    if not result.complete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def erase(
    request: RequestNumber,
    number: Number = None,
    customer: Customer = None,
    instruction: Instruction = "",
    yes: Yes = False,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Erase the person of a request; without --yes only say what would be erased."""
    typed, now = identified(number, customer), datetime.now(UTC)
    company, selection = _company(config, controller)
    account, configuration = shell_account(), selection.configuration
    results = list[Erased]()
    try:
        result = request_answers.erase(
            company,
            request,
            typed,
            instruction,
            account,
            now,
            really=yes,
            progress=results.append,
        )
    except InformativaError:
        warn_of_backups(configuration, results, done=yes)
        raise
    print_result(result, text.erasure(result, _), as_json=as_json)
    warn_of_backups(configuration, results, done=yes)
    if not result.complete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def close(
    request: RequestNumber,
    outcome: Annotated[
        RequestOutcome,
        typer.Argument(
            metavar="OUTCOME",
            help="answered, withdrawn, unidentified, unfounded, excessive, or retained (there are grounds to"
            " keep the data).",
        ),
    ],
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Close a request when the person has the answer. From then on it leads to nobody."""
    _take_step(request_register.close, request, outcome, config, controller, as_json=as_json)


def _company(config: Path, names: list[str] | None) -> tuple[Controller, Selection]:
    """Return the one company that a command is about, and the configuration."""
    selection = select_for_callers(config, names or ())
    if len(selection.named) != 1:
        raise InformativaError(
            Text("A request is one company's."), Text("Name one company: --controller NAME")
        )
    warn_of_unrelated(selection.unrelated)
    return selection.named[0], selection


def _take_step(
    step: Callable[[Controller, int, Word, str, datetime], ListedRequest],
    request: int,
    word: Word,
    config: Path,
    names: list[str] | None,
    *,
    as_json: bool,
) -> None:
    """Take a step of a request, which one word describes, as this shell's account; and show the request."""
    company, _rest = _company(config, names)
    _show(step(company, request, word, shell_account(), datetime.now(UTC)), as_json=as_json)


def _show(result: ListedRequest, *, as_json: bool) -> None:
    print_result(result, text.request(result, _), as_json=as_json)
