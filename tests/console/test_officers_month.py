"""A month of two officers who do everything at the same moment, with a clock that the test moves."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from configurations import with_confirmed_exports
from console.served import Browser, ServedConsole, of_caller, served
from evidence.receipts import Company
from informativa.call.caller import pseudonym
from informativa.evidence.approval import Approval, sign
from informativa.evidence.note import Signer
from informativa.evidence.note_values import NoteSource
from informativa.model import Identified
from informativa.model.requests import Move, PersonRequest, RequestState
from informativa.operations import access_log, asked_exports
from informativa.operations.evidence import logs
from informativa.process import log_storage, maintenance, storage
from lab.process import until

OFFICERS = ("compliance@acme", "admin@acme")
PEOPLE = {person: f"+3933312345{person + 10}" for person in range(1, 13)}
APPROVER = Signer("acme.example/approver", bytes([9]) * 32)
BEGIN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PATIENCE = 60.0  # seconds
REFUSED, WITHDRAWN, UNIDENTIFIED, ERASED, EXTENDED, LATE = 7, 8, 9, 10, 6, (11, 12)
ANSWERED = (1, 2, 3, 4, 5, EXTENDED, *LATE)
KINDS = dict.fromkeys(PEOPLE, "access") | {4: "proof", 5: "portability", ERASED: "erasure"}
CAME_LATE = date(2026, 11, 10)
BUNDLE, EXPORTS = "/acme/evidence/bundle", "/acme/exports"


class Office(ServedConsole):
    """The console at a time, with a browser of each officer. `numbers` has the requests by person."""

    now: datetime = BEGIN
    officers: tuple[Browser, ...] = ()
    numbers: dict[int, int]

    def together(self, *acts: Callable[[], httpx.Response]) -> list[httpx.Response]:
        """Do these acts at the same moment."""
        barrier = threading.Barrier(len(acts))

        def do(act: Callable[[], httpx.Response]) -> httpx.Response:
            barrier.wait(PATIENCE)
            return act()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(do, acts))

    def both(self, path: str, action: str = "", **typed: str) -> list[int]:
        """Have both officers open a page and send the same form together; return the statuses in order."""
        for officer in self.officers:
            assert officer.get(path).status_code == 200, path
        replies = self.together(*(partial(officer.send, action, **typed) for officer in self.officers))
        return sorted(reply.status_code for reply in replies)

    def step(self, person: int, **typed: str) -> list[int]:
        """Have both do the same step of the request of a person."""
        return self.both(f"/acme/requests/{self.numbers[person]}", **typed)

    def know(self, person: int) -> None:
        """Have each officer whose session does not remember a person's number type it."""
        for officer in self.officers:
            officer.get(f"/acme/requests/{self.numbers[person]}")
            if any("number" in form.fields for form in officer.forms()):
                assert officer.send(move="look", number=PEOPLE[person]).status_code == 200

    def request(self, person: int) -> PersonRequest:
        """Return the request of a person as the register has it."""
        number = self.numbers[person]
        return next(request for request in storage.requests(self.controller()) if request.number == number)

    def open_two(self, persons: tuple[int, int]) -> None:
        """Have each officer open the request of another person together."""
        acts = []
        for officer, person in zip(self.officers, persons, strict=True):
            officer.get("/acme/requests/new")
            received = CAME_LATE if person in LATE else self.now.date()
            form = {"number": PEOPLE[person], "kind": KINDS[person], "received": received.isoformat()}
            acts.append(partial(officer.send, **form))
        for person, reply in zip(persons, self.together(*acts), strict=True):
            self.numbers[person] = int(reply.url.path.rpartition("/")[2])

    def pass_days(self, days: int) -> None:
        """Move the clock."""
        self.now += timedelta(days=days)


@pytest.fixture
def office(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Acme, whose controller approves each erasure, and which wants four eyes for exports; each of twelve
    people has called once."""
    file = with_confirmed_exports(folder)
    rule = f"    approver: {APPROVER.verifier}\n"
    file.write_text(file.read_text().replace("    exports: {four", f"{rule}    exports: {{four", 1))
    company = Company(folder)
    callers = (
        of_caller(company.played, company.controller, Identified(number)) for number in PEOPLE.values()
    )
    company.record(*(replace(event, call=f"1700000002.{n}") for n, event in enumerate(callers)))
    with served(folder) as plain:
        office = Office(folder, plain.address, plain.console)
        office.browsers, office.numbers = plain.browsers, {}
        monkeypatch.setattr(office.console, "now", lambda: office.now)
        logs.checkpoint(office.controller())
        office.officers = tuple(office.browser(name) for name in OFFICERS)
        yield office


def approve(office: Office) -> None:
    """Have the approver sign the notes that wait, and the service carry them out."""
    company = office.controller()
    leaves = [standing.entry.leaf for standing in log_storage.waiting_notes(company)[0]]
    assert len(leaves) == 1
    approval = sign(Approval.of(int(office.now.timestamp()), leaves), APPROVER)
    log_storage.take_approval(company, approval, office.now, NoteSource.COMMAND)
    maintenance.PendingErasures().carry_out(company)


def take_bundle(office: Office) -> None:
    """Have one officer ask for an authority's bundle; both confirm it together, and then both take it."""
    first, second = office.officers
    first.get("/acme/evidence")
    first.send(BUNDLE, first="2026-11-01", last="2026-11-30", language="it")
    (export,) = asked_exports.asked_exports(office.controller(), office.now)
    csrf = [
        officer.get("/account").text.partition('name="csrf" value="')[2][:64] for officer in office.officers
    ]
    act = {"number": str(export.number)}
    confirmed = office.together(
        *(
            partial(officer.post, EXPORTS, {"csrf": key, **act})
            for officer, key in zip(office.officers, csrf, strict=True)
        )
    )
    assert [reply.status_code for reply in confirmed] == [409, 200]
    wish = {"first": "2026-11-01", "last": "2026-11-30", "language": "it", "confirmed": "1"}
    job, refused = office.together(
        *(
            partial(officer.post, BUNDLE, {"csrf": key, **wish})
            for officer, key in zip(office.officers, csrf, strict=True)
        )
    )
    assert (job.status_code, refused.status_code) == (200, 409)
    file = f"{job.url.path}/file"
    until(lambda: first.http.get(file).status_code == 200, PATIENCE, lambda: "The bundle is made.")
    assert second.http.get(file).status_code == 404


@pytest.mark.night
def test_a_month_of_twelve_requests(office: Office) -> None:
    """Whatever both do at the same moment is done once; two requests are late and said to be so, one is
    refused, and one is an erasure that is approved. In the end the access log is whole, each step stands in
    it, and neither it nor the register leads to the person who was erased."""
    for first in range(1, 13, 2):
        office.open_two((first, first + 1))
    assert sorted(office.numbers.values()) == list(range(1, 13))
    for person in set(PEOPLE) - {UNIDENTIFIED}:
        assert office.step(person, move="identify", word="called-back") == [200, 400]
    assert office.step(UNIDENTIFIED, move="close", word="unidentified") == [200, 400]
    assert office.step(EXTENDED, move="assign", word="bruno") == [200, 200]
    assert office.request(EXTENDED).worker == "bruno"
    office.pass_days(2)
    assert office.step(REFUSED, move="close", word="unfounded") == [200, 400]
    assert office.step(WITHDRAWN, move="close", word="withdrawn") == [200, 400]
    assert office.step(EXTENDED, move="extend", word="complexity") == [200, 400]
    office.know(ERASED)
    noted = office.step(ERASED, move="erase", confirmation="acme", instruction="OPS/7")
    assert 200 in noted
    assert office.request(ERASED).state is RequestState.WAITING
    assert set(office.step(ERASED, move="close", word="answered")) == {400}
    office.pass_days(3)
    approve(office)
    assert office.step(ERASED, move="close", word="answered") == [200, 400]
    office.pass_days(10)
    today = html.unescape(office.officers[0].get("/acme/today").text)
    assert "2 persons' requests are overdue, the first since 10 December 2026." in today
    for person in ANSWERED:
        office.know(person)
        assert 200 in office.step(person, move="letter", language="it")
        assert office.step(person, move="close", word="answered") == [200, 400]
    take_bundle(office)
    office.pass_days(16)
    assert "overdue" not in office.officers[0].get("/acme/today").text
    assert_whole(office)


def assert_whole(office: Office) -> None:
    """Fail unless the register and the access log say the same, and nothing leads to who was erased."""
    company = office.controller()
    requests = storage.requests(company)
    assert [request.state for request in requests] == [RequestState.CLOSED] * 12
    for request in requests:
        moves = [step.move for step in request.steps]
        assert (moves.count(Move.OPEN), moves.count(Move.CLOSE)) == (1, 1)
        assert moves.count(Move.IDENTIFY) == (0 if request.number == office.numbers[UNIDENTIFIED] else 1)
    assert access_log.problems(company, office.now, access_log.OpenAccessLogs()) == ()
    assert access_log.verify(company).first_wrong is None
    entries = {entry.number: entry for entry in access_log.page(company, None, 10_000).entries}
    assert sorted(entries) == list(range(1, len(entries) + 1))
    steps = [step for request in requests for step in request.steps]
    assert [entries[step.entry].account for step in steps if step.entry] == [step.account for step in steps]
    assert all(request.pseudonym is None for request in requests)
    erased = pseudonym(Identified(PEOPLE[ERASED]), company.key)
    files = [file for file in Path(company.ledger).parent.rglob("*") if file.is_file()]
    assert not [file for file in files if erased in file.read_bytes()]
    assert not [
        file for file in files for number in PEOPLE.values() if number[3:].encode() in file.read_bytes()
    ]
