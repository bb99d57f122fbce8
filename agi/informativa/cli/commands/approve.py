"""`informativa evidence approve`: the controller's word for notes in a log; the key that gives it; and
`informativa evidence approval`, by which it gets into the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...evidence.approval import MOST_LEAVES
from ...evidence.encoding import decimal, log_origin
from ...evidence.erased_leaves import LeafPlace
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Text
from ...operations.controllers import select_for_logs
from ...operations.evidence import approver_key as keys
from ...operations.evidence import approving, logs, noted_approvals
from ...views.text import approval as view
from ..options import Config, Json, Of, print_result, warn, warn_of_unrelated
from ..questions import ask_yes, is_terminal
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the group these commands."""
    app.command("approver-key")(_approver_key)
    app.command("approve")(_approve)
    app.command("approval")(_approval)


def _approver_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key lies.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Make one of that name if there is none: acme.example/dpo")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the public key of somebody who approves; with a name, make it."""
    made = keys.make(file, name) if name else False
    key = keys.approver_key(file)
    print_result(key, view.key_lines(key, made, _), as_json=as_json)


def _approve(
    state: Annotated[Path, typer.Argument(metavar="STATE", help="The folder of the monitor's state.")],
    leaves: Annotated[
        list[str],
        typer.Argument(
            metavar="ORIGIN INDEX…",
            help="A log and the numbers of its notes, as the monitor shows them; then those of another log.",
        ),
    ],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private key that approves.")],
    erasure_list: Annotated[
        list[Path] | None,
        typer.Option("--list", metavar="FILE", help="An erasure's private list; for several, repeat it."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Whom to trust. Default: the policy of the monitor's last look."),
    ] = None,
    witness: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder of your own witness, which must have signed them."),
    ] = None,
    approver: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="The key of somebody else who approves; for several, repeat it."),
    ] = None,
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the file goes.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked, as a script does.")] = False,
    as_json: Json = False,
) -> None:
    """Give the controller's word for notes that wait for it: read them, and sign an approval of all.

    They are read in the copy that the monitor made, and only where a witness has signed it.
    """
    request = approving.ApprovalRequest(
        state=state,
        leaves=_places(leaves),
        lists=tuple(erasure_list or ()),
        policy=policy,
        witness=witness,
        approvers=logs.trusted_keys(approver or []),
    )
    if as_json and not yes:
        raise _nobody_asked()
    signer = keys.approver(key)
    proposal = approving.propose(request, signer.verifier)
    if not as_json:
        print("\n".join(view.proposal_lines(proposal, _)))
    warn(proposal.warnings)
    if not (yes or _is_confirmed()):
        print(_("Nothing was signed."))
        raise typer.Exit(1)
    written = approving.approve(proposal, signer, folder, int(time.time()))
    print_result(written, view.written_lines(written, _), as_json=as_json)


def _approval(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="What `evidence approve` wrote.")],
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Note approvals in the logs that they are for, as the service does with those that a witness serves."""
    selection = select_for_logs(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    noted = noted_approvals.note_approvals(paths, selection.named, datetime.now(UTC))
    print_result(noted, view.noted_lines(noted, _), as_json=as_json)
    if not as_json:
        for problem in noted.problems:
            print(f"informativa: {_(problem)}", file=sys.stderr)
    if noted.problems:
        raise typer.Exit(1)


def _places(words: Sequence[str]) -> tuple[LeafPlace, ...]:
    """Return the leaves that somebody typed: after each origin its indices."""
    places: list[LeafPlace] = []
    origin, number = "", 0
    for word in words:
        try:
            if "/" in word:
                if origin and number == len(places):
                    raise typer.BadParameter(_("After {log} should be the numbers of its notes.", log=origin))
                origin, number = log_origin(word), len(places)
            else:
                places.append(LeafPlace(log_origin(origin), decimal(word)))
        except EvidenceError:
            raise typer.BadParameter(
                _(
                    "{word} is neither the origin of a log nor the number of a note after one. Write:"
                    " acme.example/informativa/acme/pbx-1/1 42",
                    word=word,
                )
            ) from None
    if not places or number == len(places):
        raise typer.BadParameter(_("After {log} should be the numbers of its notes.", log=origin))
    if len(set(places)) < len(places):
        raise typer.BadParameter(_("A note stands there twice."))
    if len(places) > MOST_LEAVES:
        raise typer.BadParameter(_("One approval is for {count} notes at most.", count=MOST_LEAVES))
    return tuple(places)


def _is_confirmed() -> bool:
    """Ask at a terminal. Raises InformativaError where there is none."""
    if not is_terminal():
        raise _nobody_asked()
    return ask_yes(_("Do you approve this, for your company?"))


def _nobody_asked() -> InformativaError:
    return InformativaError(
        Text("Nothing was signed: nobody can be asked here."),
        Text("Read what it is about at a terminal; or, in a script, add --yes."),
    )
