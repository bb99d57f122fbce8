"""Exports that one account asks for and another one confirms."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import run
from configurations import with_choices, with_confirmed_exports
from console.served import PASSWORD, Browser, ServedConsole, lay_calls, served
from evidence.receipts import Company
from informativa.config import load
from informativa.model import Action, Role
from informativa.model.errors import InformativaError
from informativa.operations import access_log, asked_exports

OFFICER, COLLEAGUE, PAGE = "compliance@acme", "admin@acme", "/acme/exports"
CSV = "/acme/calls/file/csv?before=5"
ACTIONS = {Action.EXPORT, Action.EXPORT_ASKED, Action.EXPORT_CONFIRMED, Action.BUNDLE}


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """An office that wants four eyes for exports."""
    with_choices(folder)
    with_confirmed_exports(folder)
    lay_calls(folder)
    with served(folder) as office:
        yield office


def ask(browser: Browser, page: str, action: str, **typed: str) -> None:
    """Ask for a file with a form of a page."""
    browser.get(page)
    answer = browser.send(action, **typed)
    assert (answer.status_code, answer.url.path) == (200, PAGE)


def confirm(browser: Browser) -> int:
    """Confirm the newest export that waits, and return the status."""
    browser.get(PAGE)
    return browser.send(number=browser.forms()[1].fields["number"]).status_code


def entries(office: ServedConsole) -> list[tuple[str, str, str | None]]:
    """Account, action and detail of what the access log has of exports, the newest first."""
    page = access_log.page(office.controller())
    return [
        (entry.account, str(entry.action), entry.detail) for entry in page.entries if entry.action in ACTIONS
    ]


def asked_number(office: ServedConsole) -> int:
    """The number of the only export that was asked for."""
    (export,) = asked_exports.asked_exports(office.controller(), datetime.now(UTC))
    return export.number


def test_file_of_records(office: ServedConsole) -> None:
    """A file is made after a colleague confirmed it, for the one who asked, with the records of then; who
    asked, confirmed and took it is in the access log."""
    officer, colleague = office.browser(OFFICER), office.browser(COLLEAGUE)
    ask(officer, "/acme/calls?before=5", CSV)
    refused = officer.get(CSV)
    assert refused.status_code == 409
    assert "a second person must confirm this export first" in refused.text
    assert confirm(colleague) == 200
    assert 'href="/acme/calls/file/csv?before=5" download' in officer.get(PAGE).text
    office.record(replace(Company(office.folder).played, call="1800000000.1"))
    taken = officer.http.get(CSV)
    assert taken.headers["content-disposition"] == 'attachment; filename="acme-records-1-4.csv"'
    assert colleague.get(CSV).status_code == 409
    number = asked_number(office)
    assert entries(office) == [
        (OFFICER, "export", f"records=1-4 asked={number}"),
        (COLLEAGUE, "export-confirmed", f"asked={number}"),
        (OFFICER, "export-asked", "calls/file/csv?before=5"),
    ]


def test_today_names_exports_that_wait(office: ServedConsole) -> None:
    """Today leads whoever can confirm an export to it, until somebody has."""
    officer, colleague = office.browser(OFFICER), office.browser(COLLEAGUE)
    sentence = "1 export waits for a second person."
    assert sentence not in colleague.get("/acme/today").text
    ask(officer, "/acme/calls?before=5", CSV)
    assert sentence in colleague.get("/acme/today").text
    assert sentence not in officer.get("/acme/today").text
    confirm(colleague)
    assert sentence not in colleague.get("/acme/today").text


def test_other_data_need_another_confirmation(office: ServedConsole) -> None:
    """What was confirmed is one file: another kind, filter or later records are refused."""
    officer = office.browser(OFFICER)
    ask(officer, "/acme/calls?before=5", CSV)
    confirm(office.browser(COLLEAGUE))
    for other in ("json?before=5", "csv?before=6", "csv", "csv?status=PLAYED&before=5"):
        assert officer.get(f"/acme/calls/file/{other}").status_code == 409
    assert officer.http.get(CSV).status_code == 200


def test_nobody_confirms_his_own(office: ServedConsole) -> None:
    """One account with two sessions is one person, whose confirmation is refused and not on record."""
    first, second = office.browser(OFFICER), office.browser(OFFICER)
    ask(first, "/acme/calls?before=5", CSV)
    assert "a colleague confirms it" in second.get(PAGE).text
    fields = {"csrf": second.forms()[0].fields["csrf"], "number": str(asked_number(office))}
    answer = second.post(PAGE, fields)
    assert answer.status_code == 409
    assert "You asked for this export yourself" in answer.text
    assert [action for _account, action, _detail in entries(office)] == ["export-asked"]


def test_two_confirm_at_once(office: ServedConsole) -> None:
    """Of two who confirm at the same moment the first counts, and the file can be taken."""
    ask(office.browser(OFFICER), "/acme/calls?before=5", CSV)
    number, now, owner = asked_number(office), datetime.now(UTC), office.controller()
    barrier = threading.Barrier(2)

    def confirm_together(account: str) -> None:
        barrier.wait(30)
        asked_exports.confirm(owner, number, account, now)

    threads = [threading.Thread(target=confirm_together, args=[name]) for name in ("anna", "bruno")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    confirmations = [entry for entry in reversed(entries(office)) if entry[1] == "export-confirmed"]
    (export,) = asked_exports.asked_exports(owner, now)
    assert confirmations
    assert export.confirmed_by == confirmations[0][0]
    assert (
        asked_exports.confirmation_facts(owner, OFFICER, "calls/file/csv?before=5", now) == f"asked={number}"
    )


def test_confirmation_expires(office: ServedConsole) -> None:
    """After three days nothing can be confirmed or taken any more; asking twice is asking once."""
    owner, file, day = office.controller(), "calls/file/csv?before=5", timedelta(days=1)
    begin = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for _attempt in range(2):
        asked_exports.ask(owner, OFFICER, file, begin)
    (export,) = asked_exports.asked_exports(owner, begin)
    assert export.expires == datetime(2026, 11, 23, 12, tzinfo=UTC)
    with pytest.raises(InformativaError, match="it has expired"):
        asked_exports.confirm(owner, export.number, COLLEAGUE, begin + 3 * day)
    asked_exports.confirm(owner, export.number, COLLEAGUE, begin + 2 * day)
    assert asked_exports.confirmation_facts(owner, OFFICER, file, begin + 2 * day)
    with pytest.raises(InformativaError, match="wants four eyes"):
        asked_exports.confirmation_facts(owner, OFFICER, file, begin + 3 * day)


def test_bundle_is_made_after_the_confirmation(office: ServedConsole) -> None:
    """A bundle begins once it was confirmed, and only whoever asked gets its file."""
    officer, colleague = office.browser(OFFICER), office.browser(COLLEAGUE)
    bundle = "/acme/evidence/bundle"
    ask(officer, "/acme/evidence", bundle, first="2026-11-01", last="2026-11-30", language="en")
    fields = {"csrf": officer.forms()[0].fields["csrf"], "first": "2026-11-01", "last": "2026-11-30",
              "language": "en", "confirmed": "1"}  # fmt: skip
    assert officer.post(bundle, fields).status_code == 409
    assert confirm(colleague) == 200
    officer.get(PAGE)
    job = officer.send(bundle)
    assert (job.status_code, "/acme/evidence/jobs/" in job.url.path) == (200, True)
    assert colleague.http.get(f"{job.url.path}/file").status_code == 404
    assert entries(office)[0] == (
        OFFICER, "bundle", f"period=2026-11-01/2026-11-30 asked={asked_number(office)}",
    )  # fmt: skip


def test_file_of_consents(office: ServedConsole) -> None:
    """A file of consents is confirmed in the same way."""
    officer = office.browser(OFFICER)
    Company(office.folder).record(*Company(office.folder).asked()[:2])
    ask(officer, "/acme/consents", "/acme/consents/file/csv?")
    assert officer.get("/acme/consents/file/csv").status_code == 409
    confirm(office.browser(COLLEAGUE))
    assert officer.http.get("/acme/consents/file/csv").status_code == 200


def test_page_without_four_eyes(folder: Path) -> None:
    """Where exports need no second person nothing is asked for, and the menu has no such page."""
    lay_calls(folder)
    with served(folder) as plain:
        officer = plain.browser(OFFICER)
        assert "need no second person" in officer.get(PAGE).text
        assert f'href="{PAGE}"' not in officer.get("/acme/today").text
        fields = {"csrf": officer.forms()[0].fields["csrf"]}
        assert officer.post(CSV, fields).status_code == 404
        assert officer.http.get(CSV).status_code == 200


def test_file_of_one_caller_is_refused(office: ServedConsole) -> None:
    """Records of one caller go to him by a request alone."""
    officer = office.browser(OFFICER)
    officer.get("/acme/calls")
    listing = officer.send("/acme/calls/of", number="+393331234567")
    assert "To take away" not in listing.text
    assert officer.get(f"{listing.url.path}/file/csv").status_code == 409


@pytest.mark.parametrize(
    "line",
    [
        "ledger show --controller acme --json",
        "consent export --controller acme",
        "evidence bundle --controller acme --from 2026-11-01 --to 2026-11-30",
    ],
)
def test_commands_make_no_export(folder: Path, line: str, tmp_path: Path) -> None:
    """A command takes nothing, and says where to ask for it; nothing of it is in the access log."""
    with_choices(folder)
    lay_calls(with_confirmed_exports(folder).parent)
    with contextlib.chdir(tmp_path):
        ran = run(*line.split(), "-c", folder / "informativa.yaml")
    assert ran.returncode == 1
    assert "acme wants four eyes: a second person must confirm this export first." in ran.stdout + ran.stderr
    assert "pseudonym" not in ran.stdout
    assert not list(tmp_path.glob("*.zip"))
    assert not access_log.page(load(folder / "informativa.yaml").controllers["acme"]).entries


@pytest.mark.parametrize(
    "file",
    [
        f"/acme/calls/file/csv?since=2026-11-01{'%20' * 20}3331234567",
        f"/acme/consents/file/csv?from=2026-11-01{'%20' * 20}3331234567",
        "/acme/consents/file/csv?box=3331234567",
        "/acme/consents/file/csv?choice=3331234567",
        "/acme/calls/file/csv?before=393331234567",
    ],
)
def test_i5_what_is_asked_for_has_no_number(office: ServedConsole, file: str) -> None:
    """Whatever stands in the address of a file, the entry that asks for it has no number of somebody's."""
    officer = office.browser(OFFICER)
    officer.get(PAGE)
    officer.post(file, {"csrf": officer.forms()[0].fields["csrf"]})
    assert not [detail for _account, _action, detail in entries(office) if "3331234567" in (detail or "")]


def test_letter_of_one_caller_is_no_file(office: ServedConsole) -> None:
    """It is shown, and comes as a file with the answer of a request alone; without four eyes it is saved."""
    officer = office.browser(OFFICER)
    officer.get("/acme/caller")
    officer.get(f"{officer.send(number='+393331234567').url.path}/letter")
    letter = officer.send(language="en", reference="")
    assert (letter.status_code, "Save it as a file" in letter.text) == (200, False)
    assert "comes with the answer of a request alone" in letter.text
    refused = officer.get(f"{letter.url.path}/file")
    assert (refused.status_code, "Open a request of the person" in refused.text) == (409, True)


def test_no_approval_is_lost_among_many(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask after it, a file that was confirmed can be taken; one account asks for twenty files at
    a time."""
    monkeypatch.setattr(asked_exports, "_READ", 7)  # entries at a time, and not 500
    owner, now, file = office.controller(), datetime.now(UTC), "calls/file/csv?before=5"
    asked_exports.ask(owner, OFFICER, file, now)
    asked_exports.confirm(owner, asked_number(office), COLLEAGUE, now)
    for other in range(20):
        asked_exports.ask(owner, "ada", f"calls/file/csv?before={other}", now)
    assert len(asked_exports.asked_exports(owner, now)) == 21
    assert asked_exports.confirmation_facts(owner, OFFICER, file, now)
    asked_exports.ask(owner, "ada", file, now)  # as before
    with pytest.raises(InformativaError, match="You asked for 20 exports already"):
        asked_exports.ask(owner, "ada", "calls/file/json", now)
    asked_exports.ask(owner, "ada", "calls/file/json", now + timedelta(days=3))


def test_new_owner_of_a_name_gets_nothing_of_the_earlier(office: ServedConsole) -> None:
    """An export that was confirmed for an account that is removed is not for whoever gets its name; whoever
    is invited anew because of a lost password keeps what he asked for."""
    accounts, now = office.console.accounts, datetime.now(UTC)
    officer = office.browser(OFFICER)
    ask(officer, "/acme/calls?before=5", CSV)
    confirm(office.browser(COLLEAGUE))
    grants = {"acme": Role.COMPLIANCE}
    accounts.accept(accounts.invite(OFFICER, grants, now + timedelta(hours=1)), PASSWORD, now)
    assert office.browser(OFFICER).http.get(CSV).status_code == 200
    accounts.remove(OFFICER)
    later = datetime.now(UTC)
    accounts.accept(accounts.invite(OFFICER, grants, later + timedelta(hours=1)), PASSWORD, later)
    other = office.browser(OFFICER)
    assert other.get(CSV).status_code == 409
    ask(other, "/acme/calls?before=5", CSV)
    assert len(asked_exports.asked_exports(office.controller(), later)) == 2
