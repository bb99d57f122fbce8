"""Access, erasure, what was told elsewhere, and retention: what comes of them, and how it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from structlog.testing import capture_logs

from commands import typed
from evidence.noted import APPROVER
from examples import PLAYED
from informativa.config import Configuration, load
from informativa.evidence.approval import Approval, sign
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import ApprovalNote
from informativa.ledgers import erasure_notes, note_leaves
from informativa.model import (
    Answer,
    Controller,
    Ending,
    Event,
    Heard,
    Reason,
    RecordKind,
    Status,
)
from informativa.model.errors import (
    InformativaError,
    LedgerError,
)
from informativa.model.hooks import ErasureUnfinishedError, HookMessage
from informativa.model.plan import LogRule, Period
from informativa.model.text import NOTHING, Text
from informativa.operations import caller_summary, callers, retention
from informativa.operations.callers import Recorded
from informativa.operations.controllers import notice_named
from informativa.operations.typed_caller import Typed, by_customer, by_number
from informativa.process import erasing, log_storage, maintenance, storage
from informativa.views.documents import document, facts
from informativa.views.messages import ENGLISH, Language, language
from informativa.views.text import callers as text
from informativa.views.text.retention import purged

ITALIAN = language("it")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CALLER = by_number("+39 333 1234567")
UNUSUAL = by_number("+39 0212345")


@pytest.fixture
def configuration(folder: Path) -> Configuration:
    """The example with two controllers."""
    return load(folder / "informativa.yaml")


@pytest.fixture
def acme(configuration: Configuration) -> Controller:
    """Its first controller."""
    return configuration.controllers["acme"]


def informed(configuration: Configuration, typed: Typed = CALLER) -> Recorded:
    """A caller whom the first controller's website told."""
    owner = configuration.controllers["acme"]
    notice = notice_named(configuration, "acme", "privacy")
    on = datetime(2026, 11, 20)
    return callers.add_record(owner, notice, typed, RecordKind.WEBSITE, "form 7", on, "", NOW)


def recorded_long_ago(controller: Controller) -> None:
    """A call past the retention, before all others in the ledger."""
    with closing(storage.store(controller)) as store:
        store.append([replace(PLAYED, at=datetime(2019, 1, 1, tzinfo=UTC))])


def test_record_tells_what_the_ledger_has(configuration: Configuration, acme: Controller) -> None:
    """What was put on record is the record itself, as an access request shows it."""
    made = informed(configuration)
    (access,) = callers.access([acme], CALLER).controllers
    assert access.records == (made.record,)
    assert (made.caller, made.record.number) == ("+39…67", 2)
    assert (
        text.recorded(made, acme, ENGLISH)
        == "Record 2: +39…67 got privacy notice, version 2026-11, on a website on 2026-11-20."
    )
    facts = json.loads(document(made))
    assert (facts["schema"], facts["caller"], facts["record"]["kind"]) == (1, "+39…67", "website")


def test_access_in_words(configuration: Configuration, acme: Controller) -> None:
    """First what counts now, and until when; then each record with its day and its reason, in the zone of the
    company and in the reader's language."""
    informed(configuration)
    _access, lines = shown(configuration, acme)
    assert lines == [
        "Acme S.p.A. (acme): 1 record of +39…67",
        "  Informed on 2026-11-20 on a website: privacy notice, version 2026-11. It counts until 2031-11-25,"
        " when its record is deleted.",
        "  On record; times are those of Europe/Rome:",
        "    2026-11-20        privacy notice 2026-11: the caller was given the notice otherwise than by this"
        " telephone system, on a website (record 2)",
        "                      ground: the caller was told elsewhere; purposes: handling the call and the"
        " service asked for; reference: form 7; recorded: 2026-11-25 13:00",
    ]
    assert shown(configuration, acme, ITALIAN)[1][0] != lines[0]


def test_what_counts_ends_with_the_plan_or_a_new_purpose(
    configuration: Configuration, acme: Controller
) -> None:
    """A line that asks for the notice each month ends what the caller knows before his record goes; one whose
    notice has a purpose more asks for it at once, and where that is every line no end is named."""
    informed(configuration)
    line = configuration.spelled["+390212345678"]
    (step,) = line.plan
    monthly = replace(configuration, lines=(replace(line, plan=(replace(step, repeat_after=Period(1)),)),))
    assert "It counts until 2026-12-20, when a plan asks for it again." in shown(monthly, acme)[1][1]
    version = replace(step.notice.versions[-1], purposes=frozenset({"service", "marketing"}))
    notice = replace(step.notice, versions=(version,))
    wider = replace(configuration, lines=(replace(line, plan=(replace(step, notice=notice),)),))
    sentence = shown(wider, acme)[1][1]
    assert "On +390212345678 it is due again: the version in force covers a purpose" in sentence
    assert "until" not in sentence


def shown(
    configuration: Configuration, acme: Controller, say: Language = ENGLISH
) -> tuple[callers.Access, list[str]]:
    """Return what is on record of the caller, and what a terminal shows of it."""
    access = callers.access([acme], CALLER)
    (holding,) = access.controllers
    summary = caller_summary.summary(holding, acme, CALLER.caller, configuration, NOW)
    return access, list(text.access(access, [summary], {"acme": acme}, say))


def test_access_tells_how_much_was_heard(configuration: Configuration, acme: Controller) -> None:
    """A delivery by telephone says how much of the prompt reached the caller."""
    event = Event(
        at=NOW,
        call="1",
        line="+390212345678",
        pseudonym=callers.pseudonyms(acme, CALLER.caller)[0],
        notice="privacy",
        version="1",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.PLAYED,
        reason=Reason.NOT_INFORMED,
        heard=Heard.in_seconds(Ending.WHOLE, 9.5, 9.5),
    )
    with closing(storage.store(acme)) as store:
        store.append([event])
    _access, lines = shown(configuration, acme)
    assert (
        "    2026-11-25 13:00  privacy notice 1 it: the notice was played to its end, 9.5 of 9.5 s,"
        " on the telephone, +390212345678 (record 2)"
    ) in lines


def test_doubt_is_told_only_of_whom_nothing_is_known(configuration: Configuration, acme: Controller) -> None:
    """An unusual number may be a mistake, unless there are records of it."""

    def doubts() -> list[str]:
        answers = callers.access([acme], UNUSUAL), callers.erase([acme], UNUSUAL, NOW, really=False)
        return [str(callers.remaining_doubt(UNUSUAL, answer)) for answer in answers]

    assert all("unusually short" in doubt for doubt in doubts())
    informed(configuration, UNUSUAL)
    assert doubts() == ["", ""]


def test_erasure_tells_each_controller_as_it_is_done(configuration: Configuration) -> None:
    """First what would be done, then what was; each controller is told before the next one is begun."""
    informed(configuration)
    owners = list(configuration.controllers.values())
    would = callers.erase(owners, CALLER, NOW, really=False)
    assert [erased.records for erased in would.controllers] == [1, 0]
    assert list(text.erased(would.controllers[0], False, ENGLISH)) == [
        "Acme S.p.A. (acme): 1 record would be erased"
    ]
    progress: list[callers.Erased] = []
    erasure = callers.erase(owners, CALLER, NOW, really=True, progress=progress.append, instruction="T-1")
    assert tuple(progress) == erasure.controllers
    assert list(text.erased(progress[0], True, ENGLISH)) == ["Acme S.p.A. (acme): 1 record erased"]
    facts = json.loads(document(erasure))
    assert (facts["done"], facts["caller"]) == (True, "+39…67")
    assert facts["controllers"][0] == {
        "controller": "acme",
        "name": "Acme S.p.A.",
        "records": 1,
        "copies": [],
        "undelivered": [],
        "waiting": [],
    }
    assert not callers.access(owners, CALLER).controllers[0].records


def test_erasure_names_the_copies() -> None:
    """Of copies it is said whether they are gone."""
    copies = (Path("/l/acme.sqlite3.before-2"),)
    erased = callers.Erased("acme", "Acme S.p.A.", 0, copies)
    assert (
        list(text.erased(erased, True, ENGLISH))[1]
        == f"{copies[0]}, a copy from before an upgrade, was deleted"
    )
    assert list(text.erased(erased, False, ENGLISH))[1].endswith("would be deleted")
    assert facts(callers.Erasure(True, "+39…67", (erased,)))["controllers"][0]["copies"] == [str(copies[0])]


def test_customer_has_no_doubt(acme: Controller) -> None:
    """A customer number is what the dialplan sets, and no telephone number."""
    customer = by_customer("K-4711.a")
    access = callers.access([acme], customer)
    assert (access.controllers[0].records, str(callers.remaining_doubt(customer, access))) == ((), "")


def test_notice_that_there_is_not(configuration: Configuration) -> None:
    """The answer names the notice that was probably meant."""
    with pytest.raises(InformativaError, match="Did you mean privacy"):
        notice_named(configuration, "acme", "privcy")


def test_purge_deletes_only_when_told_to(configuration: Configuration, acme: Controller) -> None:
    """What is past the retention is counted, then deleted; without a retention nothing is."""
    recorded_long_ago(acme)
    informed(configuration)
    now = datetime.now(UTC)  # the rule in the log is of now
    owners = [acme, replace(configuration.controllers["borealis"], retention=None)]
    first, second = retention.purge(owners, now, really=False).controllers
    assert (first.records, second.before, second.records) == (1, None, None)
    assert "\n".join(purged(first, False, ENGLISH)).endswith("would be deleted")
    assert (
        "\n".join(purged(second, False, ENGLISH))
        == "Borealis GmbH (borealis): no retention is set, records are kept for ever"
    )
    progress: list[object] = []
    purge = retention.purge(owners, now, really=True, progress=progress.append)
    assert tuple(progress) == purge.controllers
    assert "\n".join(purged(purge.controllers[0], True, ENGLISH)).startswith(
        "Acme S.p.A. (acme): 1 record from before 20"
    )
    facts = json.loads(document(purge))
    assert [company["records"] for company in facts["controllers"]] == [1, None]
    (nothing,) = retention.purge([acme], now, really=True).controllers
    assert nothing.records == 0


def test_purge_command_deletes_only_with_yes(configuration: Configuration, acme: Controller) -> None:
    """It first says what it would delete, and how to have it done; in words and as JSON."""
    recorded_long_ago(acme)
    informed(configuration)
    purge = ("purge", "--controller", "acme", "-c", configuration.file)

    def undated(*more: str) -> tuple[int, str, str]:
        code, out, err = typed(*purge, *more)
        return code, re.sub("[0-9]{4}-[0-9]{2}-[0-9]{2}", "DAY", out), err

    assert undated() == (
        0,
        "Acme S.p.A. (acme): 1 record from before DAY would be deleted\n"
        "Nothing was deleted yet. To do it, add --yes.\n",
        "",
    )
    code, out, err = typed(*purge, "--json")
    facts = json.loads(out)
    assert (code, err, facts["done"], facts["controllers"][0]["records"]) == (0, "", False, 1)
    assert undated("--yes") == (0, "Acme S.p.A. (acme): 1 record from before DAY deleted\n", "")
    assert undated("--yes") == (0, "Acme S.p.A. (acme): 0 records from before DAY deleted\n", "")


@pytest.fixture
def approving(acme: Controller) -> Controller:
    """The same controller, who wants to see each erasure."""
    return replace(acme, rule=LogRule(erasures="each", approver=str(APPROVER.verifier)))


def test_erasure_waits_for_the_approval_and_the_service_does_it(
    configuration: Configuration, approving: Controller
) -> None:
    """It is said which list the approver needs, and a look without a new note costs nothing."""
    informed(configuration)
    ledger = Path(approving.ledger)
    erasure = callers.erase([approving], CALLER, NOW, really=True, instruction="T-1")
    (waiting,) = erasure.controllers[0].waiting
    assert (erasure.complete, waiting.parent.name) == (False, "private")
    assert list(text.erased(erasure.controllers[0], True, ENGLISH)) == [
        "Acme S.p.A. (acme): the erasure of 1 record is noted, and waits for the controller's approval",
        f"Give the list {waiting} to the approver. Nothing is erased before.",
    ]
    (written,) = json.loads(document(erasure))["controllers"]
    assert written["waiting"] == [str(waiting)]
    pending = maintenance.PendingErasures()
    pending.carry_out(approving)
    assert len(caller_records(approving)) == 1
    with closing(storage.store(approving)) as store, store.connected() as connection:
        (noted,) = erasure_notes.noted(connection, LogFolder(ledger))
        assert noted.instruction == "T-1"
        approval = ApprovalNote(sign(Approval.of(int(NOW.timestamp()), [noted.note.leaf]), APPROVER))
        with store.transaction() as transaction:
            note_leaves.append(transaction, connection, approval, NOW, NoteSource.COMMAND)
    pending.carry_out(approving)
    assert caller_records(approving) == ()
    with mock.patch.object(erasing, "carry_out_erasures") as again:
        pending.carry_out(approving)
    again.assert_not_called()


def caller_records(controller: Controller) -> tuple[object, ...]:
    """Return what is on record of the caller."""
    return callers.caller_records(controller, CALLER.caller)


def test_an_erasure_that_cannot_be_carried_out_is_tried_again(
    configuration: Configuration, acme: Controller, approving: Controller
) -> None:
    """Its error is raised, and the next look is at all notes again."""
    pending = maintenance.PendingErasures()
    pending.carry_out(acme)  # there is no ledger yet
    informed(configuration)
    failing = mock.patch.object(erasing, "carry_out_erasures", side_effect=LedgerError("busy"))
    for _turn in range(2):
        with failing, pytest.raises(LedgerError, match="busy"):
            pending.carry_out(approving)
    pending.carry_out(approving)


def test_service_names_acts_that_the_hook_does_not_get_any_more(
    configuration: Configuration, approving: Controller
) -> None:
    """They are those of each erasure that it did, and of one that it could not finish, before its error."""
    informed(configuration)
    one, other = (
        HookMessage(number, "", "", Answer.GRANTED, "offers", "offers", "1", NOW, NOW) for number in (3, 4)
    )

    def carry_out(_controller: Controller, report: Callable[..., None]) -> None:
        report(7, 2, (one,))
        report(8, 1, ())
        raise ErasureUnfinishedError(Text("left"), NOTHING, [other])

    patched = mock.patch.object(erasing, "carry_out_erasures", carry_out)
    with patched, capture_logs() as logged, pytest.raises(ErasureUnfinishedError):
        maintenance.PendingErasures().carry_out(approving)
    assert [(line["event"], line.get("note"), line.get("acts")) for line in logged] == [
        ("erasure carried out", 7, None),
        ("not delivered to the hook", 7, ["granted offers, record 3"]),
        ("erasure carried out", 8, None),
        ("not delivered to the hook", None, ["granted offers, record 4"]),
        ("an erasure was not carried out", None, None),
    ]


def test_an_instruction_is_asked_for_before_anything_is_erased(
    configuration: Configuration, acme: Controller, approving: Controller
) -> None:
    """Where an approver reads it; by the log itself too, where the configuration states no rule."""
    informed(configuration)
    with pytest.raises(InformativaError, match="of which no 8 in a row are digits"):  # also as a trial
        callers.erase([approving], CALLER, NOW, really=False, instruction="of +393331234567")
    with pytest.raises(InformativaError, match="--instruction TICKET"):
        callers.erase([approving], CALLER, NOW, really=True)
    log_storage.keep_rule(approving, NOW, NoteSource.COMMAND)
    silent = replace(acme, rule=None)
    with pytest.raises(InformativaError, match="--instruction TICKET"):
        callers.erase([silent], CALLER, NOW, really=True)
    with pytest.raises(InformativaError, match="at most 40 letters"):
        callers.erase([silent], CALLER, NOW, really=True, instruction="of +393331234567")
    assert len(caller_records(acme)) == 1
    assert callers.erase([silent], CALLER, NOW, really=False).controllers[0].records == 1
    assert callers.erase([silent], CALLER, NOW, really=True, instruction="T-1").controllers[0].waiting


def test_the_command_takes_the_instruction(configuration: Configuration, acme: Controller) -> None:
    """It is in the note, which says that a command made it."""
    informed(configuration)
    erase = ("caller", "erase", "+393331234567", "--controller=acme", "-c", configuration.file)
    assert typed(*erase, "--instruction=two words", "--yes")[0] == 2
    assert "1 record erased" in typed(*erase, "--instruction=T-1", "--yes")[1]
    with closing(storage.store(acme)) as store, store.connected() as connection:
        (noted,) = erasure_notes.noted(connection, LogFolder(Path(acme.ledger)))
    assert (noted.instruction, noted.note.by) == ("T-1", NoteSource.COMMAND)
