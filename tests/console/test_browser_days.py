"""A day of an officer and an admin at the console, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from console.served import CALLER, ServedConsole
from informativa.evidence.note import Verifier
from informativa.model import Action, Role
from informativa.operations import callers
from informativa.operations.evidence.verifying import verify
from informativa.views.console_templates import action_text
from lab.browser import browser_needed

if browser_needed.args[0]:
    pytest.skip(browser_needed.kwargs["reason"], allow_module_level=True)

from console.windows import Person

NEW = "a password of many words"
DIGITS = CALLER.number[1:]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("code", "script"), [("en", True), ("it", False)], ids=["script", "no-script"])
def test_the_officers_day(
    office: ServedConsole, person: Callable[..., Person], code: str, script: bool
) -> None:
    """From the invitation to who looked, by Tab and Enter alone, in two languages, with and without
    JavaScript: the letter comes out of the printer, the receipt holds, and the caller is erased."""
    nora = person(office, code, java_script_enabled=script)
    accepted(office, nora)
    look_up(nora)
    letter = printed(nora)
    assert "Acme S.p.A." in letter
    assert str(nora.say("Your request for access to personal data")) in letter
    assert nora.say("Log out") not in letter
    assert nora.say("Another caller") not in letter
    verified(nora)
    erased(nora)
    assert len(callers.caller_records(office.controller(), CALLER)) == 0
    nora.press(nora.say("Access log"))
    assert {
        nora.say(action_text(action))
        for action in (Action.SEARCH, Action.LETTER, Action.RECEIPT, Action.ERASE)
    } <= set(nora.page.locator("td:nth-child(3)").all_inner_texts())
    assert DIGITS not in "".join(nora.visited)


def accepted(office: ServedConsole, person: Person) -> None:
    """Take up an invitation, go out, and in again."""
    until = datetime.now(UTC) + timedelta(hours=1)
    token = office.console.accounts.invite("nora", {"acme": Role.COMPLIANCE}, until)
    person.go(f"/invitation/{token}")
    person.reach(person.say("Password")).type(NEW)
    person.reach(person.say("The same again")).type(NEW).enter()
    assert person.path == "/acme/today"
    person.press(person.say("Log out"))
    person.log_in("nora", NEW)
    assert person.path == "/acme/today"


def look_up(person: Person) -> None:
    """A caller, by his number."""
    person.press(person.say("A caller"))
    person.reach(person.say("Telephone number, with country code")).type(CALLER.number).enter()
    assert person.page.locator("tbody tr").count() == 4


def printed(person: Person) -> str:
    """The letter that answers him, on paper."""
    person.press(person.say("Answer his request for access"))
    person.reach(person.say("Your reference, if you number letters")).type("2026/17").enter()
    person.page.locator(".letter").wait_for()
    return person.printed()


def verified(person: Person) -> None:
    """The receipt of his first call, with the key that the page of evidence shows."""
    person.press(person.say("Calls")).press("1")
    receipt = person.download(person.say("Receipt"))
    person.press(person.say("Evidence"))
    key = Verifier.parse(person.page.locator("main code").first.inner_text())
    (original,) = verify([receipt], (key,), None, None).receipts
    receipt.write_bytes(receipt.read_bytes().replace(b"\nindex 0\n", b"\nindex 1\n"))
    (changed,) = verify([receipt], (key,), None, None).receipts
    assert (original.holds, changed.holds) == (True, False)


def erased(person: Person) -> None:
    """The caller; another word than the one that is asked for does nothing."""
    look_up(person)
    person.press(person.say("Erase this caller"))
    label = person.say("To erase him, type this word: {word}", word="acme")
    person.reach(label).type("yes").enter()
    assert len(callers.caller_records(person.office.controller(), CALLER)) == 4
    person.reach(label).type("acme").enter()
    person.page.locator(".notice.good").wait_for()
    person.press(person.say("Record {record}", record=8))
    assert person.path == "/acme/calls/8"


def test_the_admins_day(office: ServedConsole, person: Callable[..., Person]) -> None:
    """A call that nobody makes is explained, a recording is really played, and the plot is drawn from the
    table beside it."""
    admin = person(office, viewport={"width": 1280, "height": 900}).log_in("operator")
    assert admin.path == "/"
    admin.press("Acme S.p.A.").press("What if")
    admin.reach("Caller's number").type("+39 333 000 0000").enter()
    assert "The caller knows nothing of it." in admin.text
    admin.press("Notices")
    assert "This company is live" in admin.text
    admin.press("2026-11")
    assert plays(admin) == pytest.approx(1.0, abs=0.1)
    admin.press("Today").press("This year")
    admin.page.locator("#plot canvas").wait_for()
    assert drawn(admin) > 100


def plays(person: Person) -> float:
    """Play the first recording until it has gone on for a moment; how long it is, in seconds."""
    return float(
        person.page.locator("audio").first.evaluate(
            """sound => new Promise((resolve, reject) => {
                sound.muted = true;
                const heard = () => sound.currentTime > 0.2 && resolve(sound.duration);
                sound.addEventListener("timeupdate", heard);
                sound.addEventListener("error", () => reject(sound.error.message));
                sound.play().catch(reject);
            })"""
        )
    )


def drawn(person: Person) -> int:
    """Return how many dots of the plot have the colour of what was played to the end."""
    return int(
        person.page.locator("#plot canvas").evaluate(
            """canvas => {
                const style = getComputedStyle(document.documentElement).getPropertyValue("--good").trim();
                const want = [1, 3, 5].map(at => parseInt(style.slice(at, at + 2), 16));
                const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                let found = 0;
                for (let at = 0; at < dots.length; at += 4)
                    if (want.every((value, part) => dots[at + part] === value)) found++;
                return found;
            }"""
        )
    )
