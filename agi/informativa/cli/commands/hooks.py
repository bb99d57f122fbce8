"""`informativa consent hook`: what waits for a company's hook, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action, Controller
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import hooks
from ...operations.access_log import note_in_shell
from ...operations.controllers import select_for_logs
from ...views.text import hooks as text
from ..options import Config, Json, print_result, warn_of_unrelated
from ..words import _

NOT_TAKEN = 1  # exit code of a test


def hook(
    company: Annotated[str, typer.Argument(metavar="[CONTROLLER]")] = "",
    test: Annotated[bool, typer.Option("--send-test", help="Send a message about nobody.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Send all that waits now, also by a hook that was stopped.")
    ] = False,
    discard: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Never send this message; `all` is all that wait. With --yes only."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really discard.")] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Say what waits for the hooks that are told of consents, and what they did not take.

    Exit code 1 if a test was not taken.
    """
    if test + resume + bool(discard) > 1:
        raise InformativaError(
            Text("--send-test, --resume and --discard do not go together."), Text("Type one of them.")
        )
    one = test or resume or bool(discard)
    selection = select_for_logs(config, [company] if company else [], begun=False, several=not one)
    warn_of_unrelated(selection.unrelated)
    now, named = datetime.now(UTC), selection.named
    sent = hooks.send_test(named[0], now) if test else None
    change = _changed(named[0], discard or (), now, resume=resume, yes=yes)
    report = hooks.report(named, sent, change)
    print_result(report, text.hooks(report, selection.configuration.controllers, _), as_json=as_json)
    if sent is not None and not sent.taken:
        raise typer.Exit(NOT_TAKEN)


def _changed(
    owner: Controller, discard: Sequence[str], now: datetime, *, resume: bool, yes: bool
) -> hooks.HookChange | None:
    """Do what is asked for with the messages that wait, and note it in the access log before."""
    if resume:
        note_in_shell(owner, Action.HOOK, now, known=None, facts="resume")
        return hooks.resume(owner)
    if not discard:
        return None
    preview = hooks.discard(owner, discard, really=False)
    if not yes:
        return preview
    note_in_shell(owner, Action.HOOK, now, known=None, facts=f"discard messages={preview.messages}")
    return hooks.discard(owner, discard, really=True)
