"""The register of persons' requests: what is on record of each, and what leads to nobody any more."""

from __future__ import annotations

import io
import json
import re
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from commands import refused, run
from informativa.config import Configuration, inspect, load
from informativa.model import Action, Controller, RecordKind
from informativa.model.errors import InformativaError
from informativa.model.requests import (
    ExtensionReason,
    Identification,
    Move,
    RequestKind,
    RequestOutcome,
    due_day,
)
from informativa.operations import access_log, callers, request_answers, request_register
from informativa.operations.controllers import notice_named
from informativa.operations.doctor import requests as check
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.operations.evidence import logs
from informativa.operations.request_register import OpenRequests
from informativa.operations.typed_caller import Typed, by_customer, by_number
from informativa.process import storage
from informativa.views.letter_page import answer_pages

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CAME = date(2026, 11, 20)
NUMBER = "+393331234567"
CALLER, OTHER = by_number(NUMBER), by_number("+393337654321")
ACCESS, ERASURE = RequestKind.ACCESS, RequestKind.ERASURE


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """The example, whose first company has one caller on record."""
    configuration = load(folder / "informativa.yaml")
    acme, notice = configuration.controllers["acme"], notice_named(configuration, "acme", "privacy")
    on = datetime(2026, 11, 10)
    callers.add_record(acme, notice, CALLER, RecordKind.WEBSITE, "form 77", on, "", NOW)
    return configuration


@pytest.fixture
def acme(configuration: Configuration) -> Controller:
    """Its first company."""
    return configuration.controllers["acme"]


def opened(acme: Controller, kind: RequestKind, typed: Typed = CALLER, account: str = "anna") -> int:
    """Open a request, identify its person, and return its number."""
    number = request_register.open_request(acme, typed, kind, CAME, account, NOW).number
    request_register.identify(acme, number, Identification.CALLED_BACK, account, NOW)
    return number


def answer(
    acme: Controller, configuration: Configuration, number: int, typed: Typed = CALLER, code: str = "it"
) -> tuple[request_answers.RequestAnswer, bytes]:
    """Answer a request, and return the result and the ZIP file."""
    files = dict[str, bytes]()

    def put(name: str, data: bytes) -> str:
        files[name] = data
        return name

    pages = answer_pages(code, NOW)
    result = request_answers.answer(acme, number, typed, configuration, pages, put, "bob", NOW)
    (data,) = files.values()
    return result, data


def contents(acme: Controller) -> bytes:
    """All bytes of the files beside a ledger."""
    folder = Path(acme.ledger).parent
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_an_access_request_is_led_from_its_coming_to_its_closing(
    acme: Controller, configuration: Configuration
) -> None:
    """Each step says who did it, and the answer is on record by its digest."""
    logs.checkpoint(acme)
    number = request_register.open_request(acme, CALLER, ACCESS, CAME, "anna", NOW).number
    request_register.assign(acme, number, "bob", "anna", NOW)
    request_register.identify(acme, number, Identification.CALLED_BACK, "anna", NOW)
    result, data = answer(acme, configuration, number)
    closed = request_register.close(acme, number, RequestOutcome.ANSWERED, "bob", NOW)
    assert (result.complete, result.records, result.receipts) == (True, 1, 1)
    steps = [(step.account, step.move, step.word) for step in closed.steps]
    assert steps == [
        ("anna", Move.OPEN, "access"),
        ("anna", Move.ASSIGN, "bob"),
        ("anna", Move.IDENTIFY, "called-back"),
        ("bob", Move.LETTER, "it"),
        ("bob", Move.CLOSE, "answered"),
    ]
    assert closed.steps[3].digest == result.sha256 == sha256(data).hexdigest()
    assert (closed.due, closed.outcome, closed.next) == (date(2026, 12, 20), RequestOutcome.ANSWERED, None)


@pytest.mark.parametrize(
    ("code", "verified"),
    [
        ("it", "lo abbiamo richiamato"),
        ("en", "we called it back"),
        ("de", "wir haben sie zurückgerufen"),
        ("fr", "avons rappelé"),
        ("es", "lo hemos llamado de vuelta"),
    ],
)
def test_an_answer_is_one_zip_file_in_the_language_of_the_person(
    acme: Controller, configuration: Configuration, code: str, verified: str
) -> None:
    """The letter with how the number was checked, the records for programs, each receipt, and their sums."""
    logs.checkpoint(acme)
    _result, data = answer(acme, configuration, opened(acme, ACCESS), code=code)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name.removeprefix("request-acme-1/") for name in archive.namelist()]
        letter = archive.read(f"request-acme-1/letter-{code}.html").decode()
        records = json.loads(archive.read("request-acme-1/records.json"))
    assert names == [
        f"letter-{code}.html",
        "records.json",
        "receipts/acme-2.tlog-proof",
        "receipts/acme-2.html",
        "SHA256SUMS",
    ]
    assert f'lang="{code}"' in letter
    assert verified in letter
    assert "form 77" in letter
    assert records["controllers"][0]["records"][0]["reference"] == "form 77"


def test_an_answer_without_all_receipts_does_not_answer_the_request(
    acme: Controller, configuration: Configuration
) -> None:
    """Before a checkpoint is signed nothing proves the records: the request stays open, and says so."""
    number = opened(acme, ACCESS)
    result, _data = answer(acme, configuration, number)
    assert (result.complete, result.records, result.receipts) == (False, 1, 0)
    with pytest.raises(InformativaError, match="Request 1 is not answered yet"):
        request_register.close(acme, number, RequestOutcome.ANSWERED, "bob", NOW)
    logs.checkpoint(acme)
    answer(acme, configuration, number)
    assert (
        request_register.close(acme, number, RequestOutcome.ANSWERED, "bob", NOW).outcome
        is RequestOutcome.ANSWERED
    )


def test_who_is_not_on_record_is_answered_too(acme: Controller, configuration: Configuration) -> None:
    """The letter says that nothing is on record, and is complete."""
    result, _data = answer(acme, configuration, opened(acme, ACCESS, OTHER), OTHER)
    assert (result.complete, result.records) == (True, 0)


def test_a_request_is_answered_for_its_own_number_alone(
    acme: Controller, configuration: Configuration
) -> None:
    """Another number, or a customer number of the same digits, gets no letter and no erasure."""
    number = opened(acme, ERASURE)
    for typed in (OTHER, by_customer("4711")):
        with pytest.raises(InformativaError, match="opened for another number"):
            answer(acme, configuration, number, typed)
        with pytest.raises(InformativaError, match="opened for another number"):
            request_answers.erase(acme, number, typed, configuration, "", "bob", NOW, really=True)


def test_a_trial_of_an_erasure_is_noted_with_a_caller_who_is_on_record(
    acme: Controller, configuration: Configuration
) -> None:
    """Of a caller with records the access log names the pseudonym, of another nothing that leads to him; an
    instruction with a telephone number in it is refused."""
    known = callers.pseudonyms(acme, CALLER.caller)[0].hex()
    for typed, pseudonym in ((CALLER, known), (OTHER, None)):
        number = opened(acme, ERASURE, typed)
        request_answers.erase(acme, number, typed, configuration, "", "bob", NOW, really=False)
        entry = access_log.page(acme).entries[0]
        assert (entry.account, entry.action, entry.caller) == ("bob", Action.ERASE_TRIAL, pseudonym)
        assert entry.detail == f"request={number}"
        with pytest.raises(InformativaError, match="instruction"):
            request_answers.erase(acme, number, typed, configuration, NUMBER, "bob", NOW, really=False)


def test_i9_an_erasure_leaves_of_the_request_only_that_it_was_answered(
    acme: Controller, configuration: Configuration
) -> None:
    """No file beside the ledger has the number or the pseudonym afterwards; the register has the record."""
    pseudonym = callers.pseudonyms(acme, CALLER.caller)[0]
    number = opened(acme, ERASURE)
    assert pseudonym in contents(acme)
    trial = request_answers.erase(acme, number, CALLER, configuration, "", "bob", NOW, really=False)
    assert (trial.done, trial.erased.records, trial.request.named) == (False, 1, True)
    result = request_answers.erase(acme, number, CALLER, configuration, "", "bob", NOW, really=True)
    closed = request_register.close(acme, number, RequestOutcome.ANSWERED, "bob", NOW)
    assert (result.complete, closed.named, closed.outcome) == (True, False, RequestOutcome.ANSWERED)
    assert [step.record for step in closed.steps if step.move is Move.ERASE] == [3]
    assert pseudonym not in contents(acme)
    assert pseudonym.hex().encode() not in contents(acme)
    assert NUMBER[1:].encode() not in contents(acme)


def test_i9_an_erasure_without_the_request_takes_its_person_too(
    acme: Controller, configuration: Configuration
) -> None:
    """The request is then closed as answered, and its number is not asked for any more."""
    number = opened(acme, ERASURE)
    callers.erase([acme], CALLER, NOW, really=True)
    assert callers.pseudonyms(acme, CALLER.caller)[0] not in contents(acme)
    with pytest.raises(InformativaError, match="Nothing leads from request 1 to its person any more"):
        request_answers.erase(acme, number, CALLER, configuration, "", "bob", NOW, really=True)
    closed = request_register.close(acme, number, RequestOutcome.ANSWERED, "bob", NOW)
    assert [step.move for step in closed.steps[-2:]] == [Move.ERASE, Move.CLOSE]


def test_a_closed_request_leads_to_nobody(acme: Controller) -> None:
    """Its row has no pseudonym any more, whatever became of it."""
    number = opened(acme, ACCESS)
    assert request_register.close(acme, number, RequestOutcome.WITHDRAWN, "anna", NOW).named is False
    with closing(storage.store(acme, read_only=True)) as store, store.connected() as connection:
        assert connection.execute("SELECT pseudonym FROM request").fetchall() == [(None,)]


def test_each_step_is_in_the_access_log(acme: Controller) -> None:
    """The register names the entry, and the entry the step; neither names the person."""
    number = opened(acme, ACCESS)
    closed = request_register.close(acme, number, RequestOutcome.UNFOUNDED, "anna", NOW)
    entries = {entry.number: entry for entry in access_log.page(acme).entries}
    assert [entries[step.entry or 0].detail for step in closed.steps] == [
        "request=1 open access",
        "request=1 identify called-back",
        "request=1 close unfounded",
    ]
    assert {entries[step.entry or 0].action for step in closed.steps} == {Action.REQUEST}
    assert {entries[step.entry or 0].caller for step in closed.steps} == {None}
    assert access_log.verify(acme).first_wrong is None


def test_by_four_eyes_nobody_erases_alone(acme: Controller, configuration: Configuration) -> None:
    """Neither with a request of one's own, nor without one; a colleague does it."""
    acme = replace(acme, four_eyes=True)
    with pytest.raises(InformativaError, match="informativa request open erasure NUMBER --controller acme"):
        callers.erase([acme], CALLER, NOW, really=True)
    number = opened(acme, ERASURE)
    with pytest.raises(InformativaError, match="Let a colleague do it"):
        request_answers.erase(acme, number, CALLER, configuration, "", "anna", NOW, really=True)
    assert callers.access([acme], CALLER).controllers[0].records
    assert request_answers.erase(acme, number, CALLER, configuration, "", "bob", NOW, really=True).complete


@pytest.mark.parametrize("worker", ["", "two words", "+393331234567", "anna3331234567", "x" * 65])
def test_an_account_that_could_be_a_number_is_refused(acme: Controller, worker: str) -> None:
    """So that no number gets into the register as the name of whoever works on a request."""
    number = opened(acme, ACCESS)
    with pytest.raises(InformativaError, match="cannot be the name of an account"):
        request_register.assign(acme, number, worker, "anna", NOW)


def test_requests_that_are_due_first_come_first(acme: Controller) -> None:
    """Closed ones come last, and only if they are asked for."""
    days = (date(2026, 11, 20), date(2026, 9, 1), date(2026, 11, 1))
    numbers = [request_register.open_request(acme, CALLER, ACCESS, day, "anna", NOW).number for day in days]
    request_register.close(acme, numbers[2], RequestOutcome.WITHDRAWN, "anna", NOW)
    request_register.extend(acme, numbers[0], ExtensionReason.COMPLEXITY, "anna", NOW)
    still_open = request_register.listing([acme], NOW).requests
    assert [(request.number, request.overdue) for request in still_open] == [(2, True), (1, False)]
    assert [request.number for request in request_register.listing([acme], NOW, closed=True).requests] == [
        2,
        1,
        3,
    ]


@pytest.mark.usefixtures("configuration")
def test_the_commands_lead_a_request_through(folder: Path) -> None:
    """From `open` to `close`, with the next step in words after each, and the file not readable by all."""
    file = folder / "informativa.yaml"
    options = ("--controller", "acme", "-c", file)
    came = run("request", "open", "access", NUMBER, "--received", "2026-11-20", *options)
    assert re.search(r"informativa request identify -c \S+ 1 HOW --controller acme", came.stdout)
    assert run("request", "identify", "1", "document", *options).returncode == 0
    run("evidence", "checkpoint", *options)
    made = run("request", "letter", "1", NUMBER, "--language", "fr", "-o", folder, *options)
    assert (made.returncode, (folder / "request-acme-1.zip").stat().st_mode & 0o777) == (0, 0o640)
    assert "1 answered --controller acme" in made.stdout
    closed = json.loads(run("request", "close", "1", "answered", *options, "--json").stdout)
    assert (closed["state"], closed["outcome"], closed["next"]) == ("closed", "answered", None)
    assert run("request", "list", *options).stdout == "No request is open.\n"
    assert "There is no request 9 of acme on this box." in refused("request", "show", "9", *options)
    assert NUMBER not in came.stdout + made.stdout


def test_a_request_cannot_come_tomorrow(acme: Controller) -> None:
    """A day to come is refused, and nothing is opened."""
    with pytest.raises(InformativaError, match="a day that is still to come"):
        request_register.open_request(acme, CALLER, ACCESS, date(2026, 11, 26), "anna", NOW)
    assert storage.requests(acme) == []


@pytest.mark.parametrize(
    ("received", "state", "finding"),
    [
        ("2026-10-20", State.WRONG, "1 person's request to acme is overdue: it was due on 2026-11-20"),
        ("2026-11-01", State.WARNING, "a person's request to acme is due on 2026-12-01"),
        ("2026-11-20", State.OK, "1 request is open, and due in more than a week"),
    ],
)
def test_doctor_and_status_tell_of_requests_in_time(
    acme: Controller, folder: Path, received: str, state: State, finding: str
) -> None:
    """Overdue ones are wrong, those of the next seven days a warning, and closed ones nothing."""
    day = date.fromisoformat(received)
    number = request_register.open_request(acme, CALLER, ACCESS, day, "anna", NOW).number
    system = System(folder / "informativa.yaml", *inspect(folder / "informativa.yaml"), now=NOW)
    assert [(one.state, str(one.finding)) for one in check.requests(system)] == [(state, finding)]
    overdue = request_register.open_requests(acme, NOW)
    assert overdue == OpenRequests(1, int(state is State.WRONG), due_day(day))
    request_register.close(acme, number, RequestOutcome.WITHDRAWN, "anna", NOW)
    assert list(check.requests(system)) == []
    assert request_register.open_requests(acme, NOW) is None
