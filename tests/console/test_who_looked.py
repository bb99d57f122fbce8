"""The Garante's measure of 27 November 2008: every way to a person is for whoever may see persons, and on
record, a simulation included."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from commands import typed
from console.served import CALLER, ServedConsole, lay_calls
from evidence.noted import APPROVER
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.console import context
from informativa.console.jobs import Jobs
from informativa.model import Action, Controller
from informativa.process import storage

NUMBER, NOBODY, LINE = "+393331234567", "+393330000000", "+390212345678"


def noted(controller: Controller, *actions: Action) -> list[tuple[Action, str, bytes | None, str]]:
    """Return the entries of these actions, the newest first: action, account, pseudonym and detail."""
    entries = storage.access_log(controller).page(None, 50)
    return [
        (entry.action, entry.account, entry.pseudonym, entry.detail)
        for entry in entries
        if entry.action in actions
    ]


def asked(office: ServedConsole, account: str, number: str) -> str:
    """The answer to what would happen if this number called."""
    browser = office.browser(account)
    browser.get("/acme/what-if")
    return browser.send(line=LINE, number=number).text


def test_simulation_tells_a_reader_of_nobody(office: ServedConsole) -> None:
    """He sees the rule, and nothing of what a caller was told; compliance does; each time it is on record."""
    answer = asked(office, "reader@acme", NUMBER)
    assert "The caller knows nothing of it." in answer
    assert "taken for somebody of whom nothing is on record" in answer
    answer = asked(office, "compliance@acme", NUMBER)
    assert "The caller knows 2026-11, by record" in answer
    assert "taken for somebody" not in answer
    asked(office, "compliance@acme", NOBODY)
    acme = office.controller()
    his, detail = pseudonym(CALLER, acme.key), f"line={LINE}"
    assert noted(acme, Action.WHAT_IF) == [
        (Action.WHAT_IF, "compliance@acme", None, detail),
        (Action.WHAT_IF, "compliance@acme", his, detail),
        (Action.WHAT_IF, "reader@acme", None, detail),
    ]


def test_commands_put_on_record_who_was_looked_at(office: ServedConsole) -> None:
    """The entry has the name of the user of the machine; callers without records are not named there."""
    file = office.folder / "informativa.yaml"
    acme = load(file).controllers["acme"]
    his = pseudonym(CALLER, acme.key)
    with mock.patch.dict("os.environ", {"SUDO_USER": "anna"}):
        for number in (NUMBER, NOBODY):
            assert typed("explain", "--from", number, "--to", LINE, "-c", file)[0] == 0
            assert typed("caller", "show", number, "--controller", "acme", "-c", file)[0] == 0
        assert typed("caller", "erase", NUMBER, "--controller", "acme", "-c", file)[0] == 0
        assert noted(acme, Action.WHAT_IF, Action.OPEN_CALLER, Action.ERASE_TRIAL) == [
            (Action.ERASE_TRIAL, "shell:anna", his, ""),
            (Action.OPEN_CALLER, "shell:anna", None, ""),
            (Action.OPEN_CALLER, "shell:anna", his, ""),
            (Action.WHAT_IF, "shell:anna", his, ""),
        ]
        assert typed("caller", "erase", NUMBER, "--yes", "--controller", "acme", "-c", file)[0] == 0
    assert noted(acme, Action.ERASE)[0][:3] == (Action.ERASE, "shell:anna", None)
    assert [entry[2] for entry in noted(acme, Action.OPEN_CALLER)] == [None, None]


def test_command_puts_on_record_that_an_erasure_waits(folder: Path) -> None:
    """Nobody is erased before the controller approves, and the entry does not say so."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    approver = f'\n    approver: "{APPROVER.verifier}"\n    # approver:'
    file.write_text(text.replace("\n    # approver:", approver, 1))
    lay_calls(folder)
    erase = ("caller", "erase", NUMBER, "--yes", "--instruction", "OPS/1", "--controller", "acme")
    assert typed(*erase, "-c", file)[0] == 3
    entries = noted(load(file).controllers["acme"], Action.ERASE)
    assert [(caller, detail) for _action, _account, caller, detail in entries] == [
        (None, "waiting"),
        (None, "begun"),
    ]


def test_commands_put_on_record_what_was_done_to_all_records(office: ServedConsole) -> None:
    """A purge, with how many records it deleted, and another key; not what only tells what would be done."""
    file = office.folder / "informativa.yaml"
    acme = load(file).controllers["acme"]
    with mock.patch.dict("os.environ", {"SUDO_USER": "anna"}):
        for yes in ((), ("--yes",)):
            assert typed("purge", "--controller", "acme", *yes, "-c", file)[0] == 0
            assert typed("keys", "rotate", "acme", *yes, "-c", file)[0] == 0
        assert typed("keys", "rotate", "--agi", "-c", file)[0] == 0
    assert noted(acme, Action.PURGE, Action.NEW_KEY) == [
        (Action.NEW_KEY, "shell:anna", None, ""),
        (Action.PURGE, "shell:anna", None, "deleted=0"),
    ]


def test_commands_put_on_record_what_leads_to_persons(folder: Path, tmp_path: Path) -> None:
    """A receipt, a bundle, records with whole pseudonyms, and those of one caller; not a list of calls."""
    lay_calls(folder)
    file = folder / "informativa.yaml"
    acme = load(file).controllers["acme"]
    his = pseudonym(CALLER, acme.key)
    of_acme = ("--controller", "acme", "-c", file)
    days = ("--from", "2026-11-01", "--to", "2026-11-30")
    with mock.patch.dict("os.environ", {"SUDO_USER": "anna"}):
        for command in (
            ("evidence", "receipt", "2", "-o", tmp_path),
            ("evidence", "receipt", "--from", NUMBER, "--open", "-o", tmp_path),
            ("evidence", "receipt", "--from", NOBODY, "-o", tmp_path),
            ("evidence", "bundle", *days, "-o", tmp_path / "bundle.zip"),
            ("ledger", "show"),
            ("ledger", "show", "--caller", his.hex()[:8]),
            ("ledger", "show", "--caller", "0000"),
            ("ledger", "show", "--json"),
        ):
            assert typed(*command, *of_acme)[0] == 0, command
    assert noted(acme, *Action) == [
        (Action.EXPORT, "shell:anna", None, "all callers"),
        (Action.SEARCH, "shell:anna", None, "pseudonym"),
        (Action.SEARCH, "shell:anna", his, "pseudonym"),
        (Action.BUNDLE, "shell:anna", None, "period=2026-11-01/2026-11-30"),
        (Action.RECEIPT, "shell:anna", None, ""),
        (Action.RECEIPT, "shell:anna", his, "opened"),
        (Action.RECEIPT, "shell:anna", None, ""),
    ]


def test_what_was_taken_away_is_on_record_unmasked(office: ServedConsole) -> None:
    """The entry names records and days: digits of the program's own are no caller's."""
    browser = office.browser("compliance@acme")
    assert browser.get("/acme/calls/file/csv").status_code == 200
    browser.get("/acme/evidence")
    browser.send(action="/acme/evidence/bundle", first="2026-11-01", last="2026-11-30", language="en")
    acme = office.controller()
    assert noted(acme, Action.EXPORT)[-1][3].startswith("records=1-")
    assert [entry[3] for entry in noted(acme, Action.BUNDLE)] == ["period=2026-11-01/2026-11-30"]


def test_nobody_gets_the_work_that_another_asked_for() -> None:
    """The same request of the same person is done once, and any other by itself."""
    jobs = Jobs(lambda _job: None)
    with mock.patch.object(jobs, "_pool"):  # nothing of it comes to an end
        first = jobs.start("bundle", "acme", lambda _progress: None, "anna January")
        assert jobs.start("bundle", "acme", lambda _progress: None, "anna January") is first
        for other in ("berta January", "anna February", ""):
            assert jobs.start("bundle", "acme", lambda _progress: None, other) is not first


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("it-IT,it;q=0.9", "it"),
        ("xx," * 19 + "it", "it"),
        ("xx," * 60_000 + "it", "en"),
        ("," * 60_000, "en"),
        ("x" * 60_000, "en"),
    ],
)
def test_languages_of_a_browser_are_bounded(
    accepted: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a stranger names, twenty are looked at, and what there is is looked up once."""
    looks = []

    def languages() -> tuple[str, ...]:
        looks.append(1)
        return ("en", "it")

    monkeypatch.setattr(context, "languages", languages)
    request = mock.Mock(headers={"accept-language": accepted}, cookies={}, url=mock.Mock(scheme="http"))
    request_context = context.RequestContext(mock.Mock(), request, "", mock.Mock())
    with mock.patch.object(context.RequestContext, "get_cookie", return_value=""):
        assert request_context.say.code == language
    assert len(looks) == 1
