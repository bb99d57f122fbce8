"""A reason for each look at a person, where the company asks for one: in the console and by commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands import run
from console.served import CALLER, ServedConsole
from informativa.model import Action
from informativa.operations import access_log

ALL_OF = "    notices:\n"


def ask_for_reasons(folder: Path) -> None:
    """Have every company ask for a reason."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace(ALL_OF, f"    reason_for_looking: required\n{ALL_OF}"))


def details(office: ServedConsole, action: Action) -> list[str | None]:
    """Return what the access log of acme has of an action, the newest first."""
    entries = access_log.page(office.controller(), access_filter=access_log.AccessFilter(action=action))
    return [entry.detail for entry in entries.entries]


@pytest.mark.parametrize(
    ("page", "form", "action"),
    [
        ("/acme/caller", "", Action.SEARCH),
        ("/acme/calls", "/acme/calls/of", Action.SEARCH),
        ("/acme/what-if", "", Action.WHAT_IF),
    ],
)
def test_page_takes_no_look_without_a_reason(
    office: ServedConsole, page: str, form: str, action: Action
) -> None:
    """Nothing is looked up, and nothing but the refusal happens; with one it is in the access log."""
    ask_for_reasons(office.folder)
    officer = office.browser("compliance@acme")
    officer.get(page)
    refused = officer.send(form, number=CALLER.number, **{"look-reason": "  "})
    assert refused.status_code in (400, 409, 422)
    assert "asks for a reason for each look at a person" in refused.text
    assert details(office, action) == []
    officer.get(page)
    assert officer.send(form, number=CALLER.number, **{"look-reason": "request  12"}).status_code == 200
    (detail,) = details(office, action)
    assert "(request 12)" in (detail or "")


def test_reason_goes_with_the_caller_who_was_looked_up(office: ServedConsole) -> None:
    """The entry of his records has it, too; a number that is typed there is not kept; none is needed where
    the company asks for none."""
    officer = office.browser("compliance@acme")
    officer.get("/acme/caller")
    officer.send(number=CALLER.number, **{"look-reason": f"he rang from {CALLER.number}"})
    (search,), (shown,) = details(office, Action.SEARCH), details(office, Action.OPEN_CALLER)
    assert (search or "").startswith("number (he rang from +##")
    assert (shown or "").startswith("(he rang from +##")
    assert CALLER.number[3:] not in f"{search}{shown}"
    officer.get("/acme/caller")
    assert officer.send(number=CALLER.number).status_code == 200


def test_request_is_the_reason_of_looks_at_its_person(office: ServedConsole) -> None:
    """Whoever types the number for a request has a reason in each entry of what he sees then."""
    ask_for_reasons(office.folder)
    officer = office.browser("compliance@acme")
    officer.get("/acme/requests/new")
    officer.send(number=CALLER.number, kind="erasure")
    page = next(re.finditer(r'href="(/acme/caller/[^"/]+)"', officer.get("/acme/consents").text), None)
    (session,) = office.console.sessions._sessions.values()
    key = page[1] if page else f"/acme/caller/{next(iter(session.objects))}"
    officer.get(key)
    officer.get(f"{key}/erasure")
    officer.get(f"{key}/letter")
    officer.send(language="it")
    assert details(office, Action.OPEN_CALLER) == ["(request=1)"]
    assert details(office, Action.ERASE_TRIAL) == ["(request=1)"]
    assert details(office, Action.LETTER) == ["shown (request=1)"]


def test_reader_who_sees_nothing_of_a_person_needs_none(office: ServedConsole) -> None:
    """What if shows him what would happen to anybody."""
    ask_for_reasons(office.folder)
    reader = office.browser("reader@acme")
    assert "look-reason" not in reader.get("/acme/what-if").text
    assert reader.send(number=CALLER.number).status_code == 200


@pytest.mark.parametrize(
    ("command", "option", "action"),
    [
        (("caller", "show", CALLER.number), "--reason", Action.OPEN_CALLER),
        (("explain", "--from", CALLER.number, "--to", "+390212345678"), "--reason", Action.WHAT_IF),
        (("ledger", "show", "--caller", "ab" * 32), "--reason-for-looking", Action.SEARCH),
    ],
)
def test_command_takes_no_look_without_a_reason(
    office: ServedConsole, command: tuple[str, ...], option: str, action: Action
) -> None:
    """It says which option is missing; with it the look is done, and on record."""
    ask_for_reasons(office.folder)
    whose = () if command[0] == "explain" else ("--controller", "acme")
    config = (*whose, "-c", str(office.folder / "informativa.yaml"))
    refused = run(*command, *config)
    assert (refused.returncode, f"as {option}." in refused.stderr) == (1, True)
    assert details(office, action) == []
    assert run(*command, *config, option, "request 12").returncode == 0
    (detail,) = details(office, action)
    assert "(request 12)" in (detail or "")
