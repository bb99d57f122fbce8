"""`informativa doctor`: what is wrong with the live system, and how to mend it. Changes nothing."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

from rich.text import Text as Styled

from ... import config
from ...errors import ConfigError, InformativaError
from ...operations.doctor.account import instructions
from ...operations.doctor.examination import examine, is_wrong
from ...operations.doctor.findings import Finding, State
from ...operations.keys import secret_file
from ...text import Text
from ...views import terminal
from ..options import print_json
from ..words import _

_MARKS = {State.OK: "✔", State.WARNING: "!", State.WRONG: "✘", State.UNKNOWN: "?"}
_ASCII = {State.OK: "+", State.WARNING: "!", State.WRONG: "x", State.UNKNOWN: "?"}
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.WRONG: "bold red", State.UNKNOWN: "dim"}


def account(file: Path) -> None:
    """Print what makes an account at Asterisk's manager interface, with its secret. Raises InformativaError
    where there is none yet."""
    try:
        configuration = config.inspect(file)[0]
    except ConfigError:
        configuration = None
    secret = secret_file(file)
    try:
        print(instructions(file, configuration.manager if configuration else None, secret, _), end="")
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be read ({why}).", file=secret, why=_.foreign(error.strerror or "")),
            _("Type: informativa keys make manager -c {file}", file=file)
            if isinstance(error, FileNotFoundError)
            else _("Run this as the user who owns it."),
        ) from error


def doctor(file: Path, as_json: bool) -> int:
    """Print what was found; the exit code, 1 if anything is wrong."""
    told = asyncio.run(examine(file))
    if as_json:
        print_json(_facts(told))
    else:
        _show(told)
    return int(is_wrong(told))


def _facts(told: list[tuple[Text, Finding]]) -> dict[str, object]:
    counted = Counter(finding.state for _name, finding in told)
    return {
        "findings": [
            {"check": name, "state": finding.state, "finding": finding.text, "fix": finding.fix}
            for name, finding in told
        ],
        **{str(state): counted[state] for state in State},
    }


def _show(told: list[tuple[Text, Finding]]) -> None:
    """One line a finding, its fix below it; those that could not be looked at for one reason in one."""
    console = terminal.console(wrap=False)
    marks = _MARKS if "utf" in (sys.stdout.encoding or "").lower() else _ASCII
    reasons: dict[Text, list[Text]] = {}
    for name, finding in told:
        if finding.state is State.UNKNOWN:
            reasons.setdefault(finding.text, []).append(name)
            continue
        console.print(
            Styled(f"{marks[finding.state]} ", _COLOURS[finding.state]) + f"{_(name)}: {_(finding.text)}"
        )
        if finding.fix:
            console.print(f"    {_(finding.fix)}")
    for reason, names in reasons.items():
        line = _(
            "not looked at: {names} ({reason})", names=", ".join(_(name) for name in names), reason=reason
        )
        console.print(Styled(f"{marks[State.UNKNOWN]} {line}", _COLOURS[State.UNKNOWN]))
    counted = Counter(finding.state for _name, finding in told)
    console.print(
        _(
            "{wrong} wrong, {warnings} to look at, {unknown} not looked at, {fine} in order",
            wrong=counted[State.WRONG],
            warnings=counted[State.WARNING],
            unknown=counted[State.UNKNOWN],
            fine=counted[State.OK],
        )
    )
