"""`informativa`: the commands, and the one place where every error ends.

Exit codes: 0 done, 1 something is wrong that the message tells how to mend, 2 the command line cannot be
understood, or a ledger or list of calls not be looked at, 3 the answer is not complete and says what is
missing, 4 some rows of an import were rejected, 70 a defect of informativa (EX_SOFTWARE of sysexits.h), 130
interrupted (`EXITS` in tree.py). A mistyped option must not look like a finding of `check` to the script that
runs it, and shells and most programs say 2 for it.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..model.errors import ConfigError, InformativaError
from ..operations.problems import Failure
from ..system.files import permission_denied
from ..system.priority import give_way
from ..views import terminal
from . import translated
from .options import print_document
from .tree import EXITS
from .words import _

GARBAGE = 50_000  # additional objects after which Python looks for reference cycles: some 10 MB
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

MODULES = {
    "dialplan": ("dialplan",),
    "ledger": ("ledger",),
    "report": ("report",),
    "test_call": ("test-call",),
    "watching": ("tail", "status"),
    "setup": ("setup",),
    "init": ("init",),
    "check": ("check",),
    "doctor": ("doctor",),
    "callers": ("caller", "record"),
    "importing": ("import",),
    "consents": ("consent",),
    "backup": ("backup", "restore"),
    "controllers": ("purge", "controllers", "outsourcing-worksheet"),
    "explain": ("explain",),
    "service": ("systemd", "serve"),
    "reloading": ("reload",),
    "keys": ("keys",),
    "evidence": ("evidence",),
    "witness": ("witness",),
    "monitor": ("monitor",),
    "prompts": ("prompts",),
    "notices": ("notices",),
    "web": ("web",),
}
"""The first words that each module of `commands` knows, in the order of `informativa --help`."""


GIVES_WAY = "reload"
"""The command that counts all callers, for which no call may wait."""


def app(word: str = "") -> typer.Typer:
    """Return the program with the commands that begin with `word`, or with all if no module has that word.

    What one of them imports takes a fraction of the time that all take, and may be what only it needs.
    """
    program = typer.Typer(
        name="informativa",
        help="The privacy notice for callers of an Asterisk PBX: played when it is due, and proven.",
        epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items()) + ".",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.callback()(_options)
    modules = [module for module, words in MODULES.items() if word in words]
    for module in modules or MODULES:
        import_module(f".commands.{module}", __package__).add_to(program)
    if not modules:
        program.command(name="help", context_settings={"help_option_names": []}, hidden=True)(_help)
    return program


def _help(words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...")] = None) -> None:
    """Say what a command does, as COMMAND --help does."""
    raise typer.Exit(main([*(words or []), "--help"]))


def _version(requested: bool) -> None:
    if requested:
        print(f"informativa {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit code. Every error becomes one message and an exit code."""
    # What is loaded, or read of 300 companies, is no garbage: to look for some took a tenth of the time.
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])
    _.speak()
    terminal.prepare()
    try:
        try:
            words = sys.argv[1:] if arguments is None else arguments
            if arguments is None and words[:1] == [GIVES_WAY]:
                give_way()  # before the rest of the program is loaded, which takes a tenth of the time
            program = partial(translated.command(app(*words[:1])), standalone_mode=False)
            return int(program(args=arguments, prog_name="informativa") or 0)
        finally:
            _flush()
    except PermissionError as error:
        return (
            _failed(permission_denied(Path(os.fsdecode(error.filename))), arguments)
            if error.filename
            else _defect(error)
        )
    except ConfigError as error:
        return _failed(_denial(error) or error, arguments)
    except InformativaError as error:
        return _failed(error, arguments)
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


def _tell_program(error: InformativaError) -> None:
    """Print an error as JSON, in the shape of `check`, on one line, for `tail` may have printed lines."""
    with suppress(OSError):  # people are told in any case
        print_document(Failure.of(error), on_one_line=True)
        _flush()


def _flush() -> None:
    """Flush what was printed, while an error can still be reported. Raises OSError."""
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


def _failed(error: InformativaError, arguments: Sequence[str] | None) -> int:
    if "--json" in (sys.argv if arguments is None else arguments):
        _tell_program(error)
    message = _(error.text)
    print(message if isinstance(error, ConfigError) else f"informativa: {message}", file=sys.stderr)
    return error.exit_code


def _denial(error: ConfigError) -> InformativaError | None:
    """Return the error in its place for a user who may not read what is secret, and made no mistake."""
    from ..config import concerning  # loaded by now, and not needed for `--version`

    denied = [problem for problem in error.problems if problem.denied]
    if denied and (len(denied) == len(error.problems) or concerning(denied, "service.token")):
        return permission_denied(Path(denied[0].denied))
    return None


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
    return os.EX_SOFTWARE
