"""`informativa`: the commands, and the one place where every error ends.

Exit codes: 0 done, 1 something is wrong that the message tells how to mend, 2 the command line cannot be
understood, 3 a defect of informativa, 4 some rows of an import were rejected, 130 interrupted (`EXITS` in
tree.py). A mistyped option must not look like a finding of `check` to the script that runs it, and shells and
most programs say 2 for it.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..errors import ConfigError, InformativaError
from ..views import terminal
from ..views.json import Failure
from . import translated
from .commands import (
    boxes,
    callers,
    check,
    controllers,
    dialplan,
    doctor,
    evidence,
    explain,
    importing,
    init,
    keys,
    ledger,
    metrics,
    program,
    prompts,
    retention,
    serve,
    systemd,
    test_call,
    watching,
    web,
    witness,
)
from .options import print_document
from .tree import EXITS
from .words import _

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

app = typer.Typer(
    name="informativa",
    help="The privacy notice for callers of an Asterisk PBX: played when it is due, and proven.",
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items()) + ".",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dialplan.app, name="dialplan")
app.add_typer(ledger.app, name="ledger")
app.add_typer(callers.app, name="caller")
app.add_typer(keys.app, name="keys")
app.add_typer(evidence.app, name="evidence")
app.add_typer(witness.app, name="witness")
app.add_typer(prompts.app, name="prompts")
app.add_typer(metrics.app, name="metrics")
app.add_typer(web.app, name="web")
test_call.add_to(app)
watching.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"informativa {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


init.add_to(app)
check.add_to(app)
doctor.add_to(app)
callers.add_to(app)
importing.add_to(app)
retention.add_to(app)
controllers.add_to(app)
explain.add_to(app)
systemd.add_to(app)
serve.add_to(app)
boxes.add_to(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Nothing but an exit code and one message leaves it."""
    _.speak()
    terminal.prepare()
    try:
        try:
            return int(translated.command(app)(args=arguments, standalone_mode=False) or 0)
        finally:
            _flush()
    except InformativaError as error:
        if "--json" in (sys.argv if arguments is None else arguments):
            _tell_program(error)
        said = _(error.text)
        print(said if isinstance(error, ConfigError) else f"informativa: {said}", file=sys.stderr)
        return 1
    except typer.TyperException as error:
        return _usage(error)
    except SystemExit:  # typer's answer to a reader that has seen enough: `informativa ledger show | head`
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            return _unwritten(error)
        return _defect(error)


program.add_to(app, main)


def _tell_program(error: InformativaError) -> None:
    """What is wrong as JSON, on one line, for `tail` may have printed lines; as `check` tells it."""
    with suppress(OSError):  # people are told in any case
        print_document(Failure.of(error), on_one_line=True)
        _flush()


def _flush() -> None:
    """Have what was printed written, now that an error can still be told. Raises OSError."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
        if error.errno != errno.EPIPE:  # a reader that has seen enough is no error
            raise


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "informativa"
    message = " ".join(_.foreign(error.format_message().replace("Value error, ", "")).split())
    if message:
        stop = "" if message.endswith((".", "?", "!")) else "."
        print(
            _("informativa: {message} Type: {command} --help", message=message + stop, command=command),
            file=sys.stderr,
        )
    return 2


def _unwritten(error: OSError) -> int:
    reason = os.strerror(error.errno or 0)
    message = _("informativa: What was to be printed could not be written ({why}).")
    print(message.format(why=_.foreign(reason)), file=sys.stderr)
    return 1


def _defect(error: Exception) -> int:
    place = traceback.extract_tb(error.__traceback__)[-1]
    print(
        _(
            "informativa: a defect ({kind} in {file}:{line}). Type the same with"
            " INFORMATIVA_TRACEBACK=1 before it, and report what it prints.",
            kind=type(error).__name__,
            file=Path(place.filename).name,
            line=place.lineno,
        ),
        file=sys.stderr,
    )
    if os.environ.get("INFORMATIVA_TRACEBACK"):
        traceback.print_exception(error)
    return 3
