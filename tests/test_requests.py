"""The register of persons' requests: what is on record of each, and what leads to nobody any more."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from evidence.noted import APPROVER
from informativa.config import Configuration, inspect, load
from informativa.evidence.approval import Approval, sign
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import ApprovalNote, RuleNote
from informativa.ledgers import erasure_notes, note_leaves
from informativa.ledgers.erasure import carry_out, pending
from informativa.model import Action, Controller, RecordKind
from informativa.model.errors import InformativaError, LedgerError
from informativa.model.requests import (
    ExtensionReason,
    Identification,
    Move,
    RequestKind,
    RequestOutcome,
    RequestState,
    RequestStep,
    due_day,
)
from informativa.model.text import Text
from informativa.operations import access_log, callers, request_answers, request_register
from informativa.operations import request_refusals as refusals
from informativa.operations.callers import Erased
from informativa.operations.controllers import notice_named
from informativa.operations.doctor import requests as check
from informativa.operations.doctor.findings import State
from informativa.operations.doctor.system import System
from informativa.operations.evidence import logs
from informativa.operations.request_register import ListedRequest, OpenRequests, StepTaken
from informativa.operations.typed_caller import Typed, by_customer, by_number
from informativa.process import erasing, storage
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


def step(acme: Controller, number: int, move: Move, word: str, account: str) -> ListedRequest:
    """Take a step of a request, and return the request."""
    return request_register.take_step(acme, number, RequestStep(NOW, account, move, word))


def opened(acme: Controller, kind: RequestKind, typed: Typed = CALLER, account: str = "anna") -> int:
    """Open a request, identify its person, and return its number."""
    number = request_register.open_request(acme, typed, kind, CAME, account, NOW).number
    step(acme, number, Move.IDENTIFY, Identification.CALLED_BACK, account)
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
    step(acme, number, Move.IDENTIFY, Identification.CALLED_BACK, "anna")
    result, data = answer(acme, configuration, number)
    closed = step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
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
        step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    logs.checkpoint(acme)
    answer(acme, configuration, number)
    assert step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob").outcome is RequestOutcome.ANSWERED


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
            request_answers.erase(acme, number, typed, "", "bob", NOW, really=True)


def test_a_trial_of_an_erasure_is_noted_with_a_caller_who_is_on_record(acme: Controller) -> None:
    """Of a caller with records the access log names the pseudonym, of another nothing that leads to him; an
    instruction with a telephone number in it is refused."""
    known = callers.pseudonyms(acme, CALLER.caller)[0].hex()
    for typed, pseudonym in ((CALLER, known), (OTHER, None)):
        number = opened(acme, ERASURE, typed)
        request_answers.erase(acme, number, typed, "", "bob", NOW, really=False)
        entry = access_log.page(acme).entries[0]
        assert (entry.account, entry.action, entry.caller) == ("bob", Action.ERASE_TRIAL, pseudonym)
        assert entry.detail == f"request={number}"
        with pytest.raises(InformativaError, match="instruction"):
            request_answers.erase(acme, number, typed, NUMBER, "bob", NOW, really=False)


def test_i9_an_erasure_leaves_of_the_request_only_that_it_was_answered(acme: Controller) -> None:
    """No file beside the ledger has the number or the pseudonym afterwards; the register has the record."""
    pseudonym = callers.pseudonyms(acme, CALLER.caller)[0]
    number = opened(acme, ERASURE)
    assert pseudonym in contents(acme)
    trial = request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=False)
    assert (trial.done, trial.erased.records, trial.request.named) == (False, 1, True)
    result = request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=True)
    closed = step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    assert (result.complete, closed.named, closed.outcome) == (True, False, RequestOutcome.ANSWERED)
    assert [step.record for step in closed.steps if step.move is Move.ERASE] == [3]
    assert pseudonym not in contents(acme)
    assert pseudonym.hex().encode() not in contents(acme)
    assert NUMBER[1:].encode() not in contents(acme)


def test_i9_an_erasure_without_the_request_takes_its_person_too(acme: Controller) -> None:
    """The request is then closed as answered, and its number is not asked for any more."""
    number = opened(acme, ERASURE)
    callers.erase([acme], CALLER, NOW, really=True)
    assert callers.pseudonyms(acme, CALLER.caller)[0] not in contents(acme)
    with pytest.raises(InformativaError, match="Nothing leads from request 1 to its person any more"):
        request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=True)
    closed = step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    assert [step.move for step in closed.steps[-2:]] == [Move.ERASE, Move.CLOSE]


def test_a_closed_request_leads_to_nobody(acme: Controller) -> None:
    """Its row has no pseudonym any more, whatever became of it."""
    number = opened(acme, ACCESS)
    assert step(acme, number, Move.CLOSE, RequestOutcome.WITHDRAWN, "anna").named is False
    with closing(storage.store(acme, read_only=True)) as store, store.connected() as connection:
        assert connection.execute("SELECT pseudonym FROM request").fetchall() == [(None,)]


def test_each_step_is_in_the_access_log(acme: Controller) -> None:
    """The register names the entry, and the entry the step; neither names the person."""
    number = opened(acme, ACCESS)
    closed = step(acme, number, Move.CLOSE, RequestOutcome.UNFOUNDED, "anna")
    entries = {entry.number: entry for entry in access_log.page(acme).entries}
    assert [entries[step.entry or 0].detail for step in closed.steps] == [
        "request=1 open access",
        "request=1 identify called-back",
        "request=1 close unfounded",
    ]
    assert {entries[step.entry or 0].action for step in closed.steps} == {Action.REQUEST}
    assert {entries[step.entry or 0].caller for step in closed.steps} == {None}
    assert access_log.verify(acme).first_wrong is None


def test_the_access_log_names_the_record_of_an_erasure_twice(acme: Controller) -> None:
    """With the erasure itself, and with the step of the request that it answers."""
    number = opened(acme, ERASURE)
    request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=True)
    records = [(entry.detail, entry.record) for entry in access_log.page(acme).entries if entry.record]
    assert sorted(records) == [("request=1", 3), ("request=1 erase", 3)]


def test_a_step_has_the_time_of_the_company(acme: Controller) -> None:
    """Noon in UTC is one o'clock in Rome, wherever the program runs."""
    request = request_register.open_request(acme, CALLER, ACCESS, CAME, "anna", NOW)
    assert [step.at.isoformat() for step in request.steps] == ["2026-11-25T13:00:00+01:00"]


def test_a_request_may_come_before_the_first_call(folder: Path) -> None:
    """A company without a ledger gets one: its month to answer has begun."""
    acme = load(folder / "informativa.yaml").controllers["acme"]
    assert not Path(acme.ledger).exists()
    number = request_register.open_request(acme, CALLER, ACCESS, CAME, "anna", NOW).number
    assert request_register.request_numbered(acme, number).received == CAME


def test_by_four_eyes_nobody_erases_alone(acme: Controller) -> None:
    """Neither with a request of one's own, nor without one; a colleague does it."""
    acme = replace(acme, four_eyes=True)
    with pytest.raises(InformativaError, match="a colleague erases there"):
        callers.erase([acme], CALLER, NOW, really=True)
    number = opened(acme, ERASURE)
    with pytest.raises(InformativaError, match="Let a colleague do it"):
        request_answers.erase(acme, number, CALLER, "", "anna", NOW, really=True)
    assert callers.access([acme], CALLER).controllers[0].records
    assert request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=True).complete


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
    step(acme, numbers[2], Move.CLOSE, RequestOutcome.WITHDRAWN, "anna")
    step(acme, numbers[0], Move.EXTEND, ExtensionReason.COMPLEXITY, "anna")
    still_open = request_register.listing([acme], NOW).requests
    assert [(request.number, request.overdue) for request in still_open] == [(2, True), (1, False)]
    assert [request.number for request in request_register.listing([acme], NOW, closed=True).requests] == [
        2,
        1,
        3,
    ]


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
    file = folder / "informativa.yaml"
    system = System(file, *inspect(file), now=NOW)
    assert [(one.state, str(one.finding)) for one in check.requests(system)] == [(state, finding)]
    overdue = request_register.open_requests(acme, NOW)
    assert overdue == OpenRequests(1, int(state is State.WRONG), due_day(day))
    step(acme, number, Move.CLOSE, RequestOutcome.WITHDRAWN, "anna")
    assert list(check.requests(System(file, *inspect(file), now=NOW))) == []
    assert request_register.open_requests(acme, NOW) is None


def test_all_that_the_register_says_of_a_request(acme: Controller, configuration: Configuration) -> None:
    """Each field, with times of the company's zone, before and after each step."""
    logs.checkpoint(acme)
    at = NOW.astimezone(acme.zone)
    steps = [StepTaken(at, "anna", Move.OPEN, "access", None, None, 1)]
    expected = ListedRequest(
        controller="acme",
        number=1,
        kind=ACCESS,
        received=CAME,
        due=date(2026, 12, 20),
        extended=False,
        state=RequestState.OPENED,
        overdue=False,
        worker=None,
        named=True,
        next=Move.IDENTIFY,
        outcome=None,
        steps=tuple(steps),
    )
    assert request_register.open_request(acme, CALLER, ACCESS, CAME, "anna", NOW) == expected
    steps.append(StepTaken(at, "anna", Move.ASSIGN, "bob", None, None, 2))
    expected = replace(expected, worker="bob", steps=tuple(steps))
    assert request_register.assign(acme, 1, "bob", "anna", NOW) == expected
    steps.append(StepTaken(at, "anna", Move.EXTEND, "number", None, None, 3))
    expected = replace(expected, due=date(2027, 2, 20), extended=True, steps=tuple(steps))
    assert step(acme, 1, Move.EXTEND, ExtensionReason.NUMBER, "anna") == expected
    steps.append(StepTaken(at, "anna", Move.IDENTIFY, "called-back", None, None, 4))
    expected = replace(expected, state=RequestState.IDENTIFIED, next=Move.LETTER, steps=tuple(steps))
    assert step(acme, 1, Move.IDENTIFY, Identification.CALLED_BACK, "anna") == expected
    result, data = answer(acme, configuration, 1)
    digest = sha256(data).hexdigest()
    steps.append(StepTaken(at, "bob", Move.LETTER, "it", digest, None, 6))
    expected = replace(expected, state=RequestState.ANSWERED, next=Move.CLOSE, steps=tuple(steps))
    assert result == request_answers.RequestAnswer(expected, "request-acme-1.zip", digest, 1, 1)
    known = callers.pseudonyms(acme, CALLER.caller)[0].hex()
    entry = access_log.page(acme).entries[1]
    assert (entry.number, entry.account, entry.action, entry.caller, entry.detail) == (
        *(5, "bob", Action.LETTER, known, "request=1"),
    )
    assert entry.at == NOW
    assert request_register.listing([acme], NOW).requests == (expected,)
    late = datetime(2027, 2, 20, 23, tzinfo=UTC)
    assert request_register.listing([acme], late).requests == (replace(expected, overdue=True),)
    steps.append(StepTaken(at, "bob", Move.CLOSE, "answered", None, None, 7))
    answered = RequestOutcome.ANSWERED
    assert step(acme, 1, Move.CLOSE, answered, "bob") == replace(
        expected, named=False, state=RequestState.CLOSED, next=None, outcome=answered, steps=tuple(steps)
    )


def test_answer_of_nobody_on_record_names_nobody(acme: Controller, configuration: Configuration) -> None:
    """The access log has no pseudonym, for nothing that was looked at led to anybody; an answer of which a
    part is missing is on record as that."""
    number = opened(acme, ACCESS, OTHER)
    answer(acme, configuration, number, OTHER)
    assert access_log.page(acme).entries[1].caller is None
    number = opened(acme, ACCESS)
    result, data = answer(acme, configuration, number, code="de")
    (*_, step) = result.request.steps
    assert (step.move, step.word, step.digest) == (Move.PART, "de", sha256(data).hexdigest())


def test_requests_that_are_late_are_counted_in_words(acme: Controller) -> None:
    """Of one and of several, with the first day; those that are not late are open, too."""
    days = (date(2026, 10, 1), date(2026, 9, 1), CAME)
    for count, day in enumerate(days, 1):
        request_register.open_request(acme, CALLER, ACCESS, day, "anna", NOW)
        requests = request_register.open_requests(acme, NOW)
        assert requests is not None
        assert (requests.open, requests.overdue) == (count, min(count, 2))
        text = str(request_register.overdue_text(acme, requests))
        assert text == (
            "1 person's request to acme is overdue: it was due on 2026-11-01"
            if count == 1
            else "2 persons' requests to acme are overdue, the first since 2026-10-01"
        )


def test_what_the_register_refuses_says_what_to_type(acme: Controller) -> None:
    """A day to come, in the company's zone; and a name that is no account's."""
    night = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    tomorrow = date(2026, 11, 26)
    with pytest.raises(InformativaError) as caught:
        request_register.open_request(acme, CALLER, ACCESS, tomorrow, "anna", NOW)
    assert str(caught.value.remedy) == "Type the day on which it came, such as 2026-01-31."
    assert request_register.open_request(acme, CALLER, ACCESS, tomorrow, "anna", night).received == tomorrow
    for worker in ("", "393331234567"):
        with pytest.raises(InformativaError) as caught:
            request_register.assign(acme, 1, worker, "anna", NOW)
        assert (caught.value.message, caught.value.remedy) == (refusals.NO_ACCOUNT, refusals.ACCOUNT_REMEDY)
    assert request_register.assign(acme, 1, "a.b@c:d-e_f", "anna", NOW).worker == "a.b@c:d-e_f"


@pytest.mark.parametrize("number", [2, 99])
def test_request_that_there_is_not(acme: Controller, number: int) -> None:
    """Neither is shown nor led on; another company's is none of this one's."""
    opened(acme, ACCESS)
    assert request_register.request_numbered(acme, 1).number == 1
    for action in (
        lambda: request_register.request_numbered(acme, number),
        lambda: step(acme, number, Move.CLOSE, RequestOutcome.WITHDRAWN, "anna"),
    ):
        with pytest.raises(InformativaError) as caught:
            action()
        assert str(caught.value) == (
            f"There is no request {number} of acme. All that there are stand on the console's page Requests."
        )


def test_erasure_beside_a_request_of_another_kind_is_no_answer(acme: Controller) -> None:
    """Who asked for access is not answered by an erasure; who objected is, and who was not identified is
    not."""
    access, objection = opened(acme, ACCESS), opened(acme, RequestKind.OBJECTION)
    waiting = request_register.open_request(acme, CALLER, ERASURE, CAME, "anna", NOW).number
    callers.erase([acme], CALLER, NOW, really=True)
    with pytest.raises(InformativaError):
        step(acme, access, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    with pytest.raises(InformativaError):
        step(acme, waiting, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    closed = step(acme, objection, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    erased = closed.steps[-2]
    assert (erased.move, erased.word, erased.account, erased.digest) == (Move.ERASE, None, "bob", None)
    withdrawn = step(acme, access, Move.CLOSE, RequestOutcome.WITHDRAWN, "bob")
    assert [step.move for step in withdrawn.steps] == [Move.OPEN, Move.IDENTIFY, Move.CLOSE]


def test_step_is_taken_in_the_request_of_its_number(acme: Controller) -> None:
    """Whichever else are open, before it or after it."""
    for _number in range(3):
        opened(acme, ACCESS)
    assert request_register.assign(acme, 2, "bob", "anna", NOW).number == 2
    assert step(acme, 3, Move.EXTEND, ExtensionReason.NUMBER, "anna").number == 3
    requests = request_register.listing([acme], NOW).requests
    assert [(request.number, request.worker, request.extended) for request in requests] == [
        (1, None, False),
        (2, "bob", False),
        (3, None, True),
    ]


def test_i9_erasure_that_waits_for_an_approval_answers_nobody(acme: Controller) -> None:
    """The request cannot be closed as answered while anything of the caller can be opened. Once the approval
    is there and the erasure done it can, and names the record that noted it."""
    rule = RuleNote(None, "Europe/Rome", ErasureRule.EACH, processor=False, approver=APPROVER.verifier)

    def note(content: RuleNote | ApprovalNote) -> None:
        with (
            closing(storage.store(acme)) as store,
            store.transaction() as transaction,
            store.connected() as connection,
        ):
            note_leaves.append(transaction, connection, content, NOW, NoteSource.COMMAND)

    number = opened(acme, ERASURE)
    note(rule)
    erasure = request_answers.erase(acme, number, CALLER, "T-1", "bob", NOW, really=True)
    assert (erasure.complete, erasure.request.state) == (False, RequestState.WAITING)
    with pytest.raises(InformativaError):
        step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    with closing(storage.store(acme)) as store:
        with store.connected() as connection:
            (noted,) = erasure_notes.noted(connection, LogFolder(Path(acme.ledger)))
        note(ApprovalNote(sign(Approval.of(1_795_523_400, [noted.note.leaf]), APPROVER)))
        (approved,) = pending(store)
        assert carry_out(store, approved) == (1, ())
    closed = step(acme, number, Move.CLOSE, RequestOutcome.ANSWERED, "bob")
    assert [(step.move, step.record) for step in closed.steps[-3:]] == [
        (Move.NOTE, noted.record),
        (Move.ERASE, noted.record),
        (Move.CLOSE, None),
    ]


def test_answer_that_is_not_possible_looks_at_nobody(acme: Controller, configuration: Configuration) -> None:
    """Before the person is identified, and by four eyes of who asked, nothing is read, made or noted; a
    colleague answers that request and no other."""
    logs.checkpoint(acme)
    files = list[str]()
    first = request_register.open_request(acme, CALLER, ACCESS, CAME, "anna", NOW).number
    second = opened(acme, ACCESS)
    careful, pages = replace(acme, four_eyes=True), answer_pages("it", NOW)
    entries = len(access_log.page(acme).entries)

    def put(name: str, _data: bytes) -> str:
        files.append(name)
        return name

    for number, account, message in ((first, "bob", "Nobody checked yet"), (second, "anna", "four eyes")):
        with pytest.raises(InformativaError, match=message):
            request_answers.answer(careful, number, CALLER, configuration, pages, put, account, NOW)
    assert (files, len(access_log.page(acme).entries)) == ([], entries)
    result = request_answers.answer(careful, second, CALLER, configuration, pages, put, "bob", NOW)
    assert (result.request.number, result.request.next, files) == (2, Move.CLOSE, ["request-acme-2.zip"])


def test_erasure_is_on_record_with_its_note(acme: Controller) -> None:
    """The access log and the request name the record, and who did it, and the log says before that he begins;
    another request is not led on."""
    opened(acme, ACCESS, OTHER)
    number = opened(acme, ERASURE)
    result = request_answers.erase(acme, number, CALLER, "", "bob", NOW, really=True)
    assert (result.done, result.request.number, result.request.state) == (True, 2, RequestState.ANSWERED)
    step = result.request.steps[-1]
    assert (step.move, step.account, step.record) == (Move.ERASE, "bob", 3)
    entries = [entry for entry in access_log.page(acme).entries if entry.action is Action.ERASE]
    assert [(entry.account, entry.record, entry.detail) for entry in entries] == [
        ("bob", 3, "request=2"),
        ("bob", None, "begun request=2"),
    ]


def test_an_erasure_of_somebody_without_records_is_done(acme: Controller) -> None:
    """It notes nothing in the ledger, and the request names no record; whoever asked is told once it is
    done."""
    number = opened(acme, ERASURE, OTHER)
    erased = list[Erased]()
    result = request_answers.erase(acme, number, OTHER, "", "bob", NOW, really=True, progress=erased.append)
    assert erased == [result.erased]
    assert (result.erased.records, result.erased.traces) == (0, ())
    assert [(step.move, step.record) for step in result.request.steps[-1:]] == [(Move.ERASE, None)]


def test_an_erasure_that_fails_is_in_the_access_log(
    acme: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that cannot be written to: the log says that somebody began."""

    def fail(*_arguments: object, **_named: object) -> None:
        raise LedgerError(Text("full"), Text("Make room."))

    number = opened(acme, ERASURE, OTHER)
    monkeypatch.setattr(erasing, "erase", fail)
    with pytest.raises(LedgerError):
        request_answers.erase(acme, number, OTHER, "", "bob", NOW, really=True)
    entries = [entry for entry in access_log.page(acme).entries if entry.action is Action.ERASE]
    assert [(entry.record, entry.detail) for entry in entries] == [
        (None, "begun request=1"),
    ]
