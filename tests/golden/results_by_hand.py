"""Results that need another part of a machine (a database, an Asterisk, systemd, speech), built by hand and
printed as their command prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from examples import NOTDUE, PLAYED
from golden import backups_by_hand, setup_by_hand
from golden.stopped_clock import TUESDAY
from informativa import __version__, model
from informativa.asterisk.test_call import CallStep, Moment
from informativa.config import Configuration
from informativa.evidence.note_standing import NoteStanding, NoteVerdict, ReadEntry
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import ErasureNote, LogNote, NoteKind, RuleNote
from informativa.model import ManagerAccount, Status
from informativa.model.plan import Period
from informativa.model.remedy import SafeChange, SafeRemedy
from informativa.model.text import NOTHING, Text
from informativa.operations import systemd_unit
from informativa.operations.doctor.examination import Examination, count_by_state
from informativa.operations.doctor.findings import State, ok, unknown, warning, wrong
from informativa.operations.doctor.mending import Mending, Outcome, Treatment
from informativa.operations.evidence.approving import (
    ApprovedNote,
    Proposal,
    WrittenApproval,
)
from informativa.operations.evidence.erasure_lists import ErasureList, ListedLog
from informativa.operations.evidence.log_state import KeptElsewhere, LogState
from informativa.operations.evidence.monitor_findings import FindingKind, Look, MonitoredLog, MonitorFinding
from informativa.operations.evidence.note_words import RuleChange, note_words
from informativa.operations.evidence.noted_approvals import (
    CONSEQUENCES,
    NotedApproval,
    NotedApprovals,
    NotedNote,
)
from informativa.operations.forecast import compare
from informativa.operations.problems import Problem
from informativa.operations.prompts.configured import Snippet
from informativa.operations.prompts.making import PromptsMade
from informativa.operations.prompts.showing import configured_prompts
from informativa.operations.record_document import Record
from informativa.operations.reload import Reload
from informativa.operations.request_register import OpenRequests
from informativa.operations.setup.report import SetupReport
from informativa.operations.status import (
    ControllerStatus,
    FellBack,
    LedgerCounts,
    Service,
    StatusReport,
    Tally,
)
from informativa.operations.test_call import CallPlaced, CallResult, PlannedCall, TestCall, plan
from informativa.views.messages import Language
from informativa.views.text import (
    approval,
    backups,
    doctor,
    forecast,
    mending,
    monitor,
    prompts,
    status,
    test_call,
)
from informativa.views.text import setup as setup_view

DAY = timedelta(days=1)


@dataclass(frozen=True)
class ResultByHand:
    """A result for a configuration, and the function of a command that shows it to people."""

    build: Callable[[Configuration], object]
    show: Callable[[Any, Configuration, Language], Iterator[object]]
    json: bool = True
    """False where the command has no --json."""

    def text(self, configuration: Configuration, language: Language) -> str:
        """Return what a terminal shows, without colours."""
        console = Console(width=110, force_terminal=False, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            for part in self.show(self.build(configuration), configuration, language):
                console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
        return capture.get()


# -- status and examination --


def _status(configuration: Configuration) -> StatusReport:
    acme, borealis = configuration.controllers["acme"], configuration.controllers["borealis"]
    counts = LedgerCounts(
        today=Tally(9, {Status.PLAYED: 9}, 0.0),
        last_30_days=Tally(312, {Status.PLAYED: 40, Status.NOTDUE: 271, Status.FALLBACK: 1}, 4711.5),
        known_callers=280,
        bytes=2_500_000,
        last_record=_record(731, PLAYED),
    )
    log = LogState(
        log="acme.example/informativa/acme/pbx-1/1",
        size=731,
        signed=729,
        signed_at=TUESDAY - DAY / 24,
        waiting=2,
        waiting_since=TUESDAY - DAY / 48,
        published=(
            KeptElsewhere("/mnt/proof", 700, TUESDAY - DAY, None),
            KeptElsewhere("/mnt/copy", 0, None, "no answer"),
        ),
        witnessed=(KeptElsewhere("home.example", 729, TUESDAY, None),),
    )
    live = ControllerStatus(
        id=acme.id,
        name=acme.name,
        live=True,
        why_not=Text(""),
        as_before=Text(""),
        lines=("+390212345678",),
        ledger=acme.ledger,
        usable=True,
        kept_since=date(2021, 12, 1),
        counts=counts,
        log=log,
        last_hour=FellBack(calls=9, fell_back=1),
        requests=OpenRequests(open=3, overdue=1, next_due=date(2026, 11, 30)),
    )
    refused = ControllerStatus(
        id=borealis.id,
        name=borealis.name,
        live=False,
        why_not=Text("There is no paper."),
        as_before=Text("It is wrong."),
        lines=(),
        ledger=borealis.ledger,
        usable=False,
        kept_since=None,
        counts=None,
        log=None,
        last_hour=None,
    )
    service = Service(
        configuration.listen,
        answers=True,
        version=__version__,
        since=TUESDAY - 3 * DAY,
        calls_in_progress=2,
        unit="active (running)",
    )
    midnight = TUESDAY.replace(hour=0, minute=0, second=0)
    return StatusReport(service, midnight, (live, refused), 3, (Text("It is late."),), in_order=True)


def _show_status(report: StatusReport, _configuration: Configuration, language: Language) -> Iterator[object]:
    yield from status.screen(report, language)
    yield from status.warnings(report, language)


FINDINGS = (
    replace(ok(Text("It is in order.")), check=Text("configuration")),
    replace(warning(Text("It is late."), Text("Type it once more.")), check=Text("recordings")),
    replace(wrong(Text("It is wrong."), Text("Make room.")), check=Text("ports")),
    replace(
        warning(
            Text("It is open."),
            SafeRemedy(SafeChange.RIGHTS, ("chmod", "o-w", Path("/etc/informativa/my file"))),
        ),
        check=Text("files"),
    ),
    replace(unknown(Text("It cannot be said."), Text("Ask.")), check=Text("manager")),
)
EXAMINATION = Examination(FINDINGS, **count_by_state(FINDINGS))


def _show_findings(
    result: Examination, _configuration: Configuration, language: Language
) -> Iterator[object]:
    return doctor.findings(result, language, unicode=True)


_RIGHTS = SafeRemedy(SafeChange.RIGHTS, ("chmod", "600", Path("/etc/informativa/keys/acme key")))
_RESTART = SafeRemedy(SafeChange.SERVICE, ("systemctl", "restart", "informativa"))
TREATMENTS = tuple(
    Treatment(
        check=Text("files"),
        state=State.WRONG,
        finding=Text("It is wrong."),
        fix=remedy,
        commands=(str(remedy),),
        user="asterisk" if remedy is _RIGHTS else None,
        changes=remedy.change.subject,
        reason=remedy.change.reason,
        outcome=outcome,
        output=output,
    )
    for remedy, outcome, output in (
        (_RIGHTS, Outcome.MENDED, None),
        (_RIGHTS, Outcome.DECLINED, None),
        (_RIGHTS, Outcome.NOT_ALLOWED, None),
        (_RIGHTS, Outcome.GONE, None),
        (_RESTART, Outcome.REMAINS, ""),
        (_RESTART, Outcome.FAILED, "Job for informativa.service failed.\nSee: systemctl status informativa"),
    )
)
BY_HAND = Treatment(
    Text("room"), State.WARNING, Text("It is late."), Text("Make room."), (), None, NOTHING,
    Text("Whether a disk is missing or full, you can tell."), Outcome.BY_HAND,
)  # fmt: skip
MENDING = Mending(FINDINGS, **count_by_state(FINDINGS), treatments=(*TREATMENTS, BY_HAND))


def _show_mending(result: Mending, _configuration: Configuration, language: Language) -> Iterator[object]:
    for treatment in result.treatments:
        asked = treatment.outcome not in (Outcome.NOT_ALLOWED, Outcome.GONE, Outcome.BY_HAND)
        if asked:
            yield from mending.proposal(treatment, language, unicode=True)
        yield from mending.outcome(treatment, language, unicode=True, proposed=asked)
    yield from mending.summary(result, language)


# -- a test call --


def _planned_call(configuration: Configuration) -> PlannedCall:
    account = ManagerAccount("127.0.0.1", 5038, "informativa", "secret")
    return plan(replace(configuration, manager=account), "0212345678", None, "", TUESDAY, sure=True)


def _test_call(configuration: Configuration, *problems: Problem) -> TestCall:
    call = _planned_call(configuration)
    (path,) = {decision.prompts["it"].path for decision in call.due}
    status, reason = call.expected
    return TestCall(
        line=call.line.number,
        controller=call.line.controller.id,
        number=None,
        channel="Local/0212345678@from-trunk/n",
        timeline=(
            Moment(0.0, CallStep.PLACED, None),
            Moment(0.01, CallStep.SERVICE, "agi://127.0.0.1:4588/notice"),
            Moment(0.02, CallStep.SCRIPT, "informativa-agi"),
            Moment(0.05, CallStep.ANSWERED, None),
            Moment(0.06, CallStep.BEGINS, path),
            Moment(1.1, CallStep.ENDS, path),
            Moment(1.2, CallStep.STATUS, "PLAYED"),
            Moment(1.3, CallStep.OVER, None),
        ),
        expected=CallResult(status, reason, None),
        result=CallResult("PLAYED", "not-informed", "18"),
        records=(_record(18, PLAYED), _record(19, NOTDUE)),
        notes=(Text("It is late."),),
        problems=problems,
        in_order=not problems,
    )


def _show_test_call(result: TestCall, configuration: Configuration, language: Language) -> Iterator[object]:
    call = _planned_call(configuration)
    steps: tuple[CallPlaced | Moment, ...] = (CallPlaced(result.channel), *result.timeline)
    for step in steps:
        yield from test_call.progress(step, call, language)
    yield from test_call.report(result, call, language)


WRONG = Problem("test-call", None, None, None, Text("It is wrong."), Text("Make room."))


def _record(number: int, event: model.Event) -> Record:
    return Record.of(model.Record(number, event), "acme")


# -- prompts --


def _prompts_made(configuration: Configuration) -> PromptsMade:
    snippet = Snippet(
        "controllers.acme.notices.privacy.versions", "2026-12", '          - version: "2026-12"\n'
    )
    recordings = configured_prompts(Path(configuration.file)).prompts[:2]
    return PromptsMade(recordings, snippet, (Text("It is late."),))


def _show_prompts(result: PromptsMade, configuration: Configuration, language: Language) -> Iterator[object]:
    for prompt in result.prompts:
        yield prompts.summary(prompt, Path(configuration.file), language)
    yield from prompts.prompts_made(result, language)


# -- systemd --

UNIT_SETTINGS = systemd_unit.UnitValues(
    program="/opt/informativa/bin/informativa",
    file="/etc/informativa/informativa.yaml",
    user="asterisk",
    group="asterisk",
    stop="120",
    descriptors="8512",
    ledgers="/var/lib/informativa -/mnt/proof",
    home="yes",
    network="",
)


def _unit(template: str) -> ResultByHand:
    return ResultByHand(
        lambda _configuration: systemd_unit.fill(template, UNIT_SETTINGS),
        lambda text, _configuration, _language: iter([text]),
        json=False,
    )


# -- the monitor --

_LOG = "acme.example/informativa/acme/pbx-1/1"
_MINUTE = TUESDAY.astimezone(UTC).replace(second=0, microsecond=0)
_ERASURE = LogNote(_LOG, 41, _MINUTE, NoteSource.COMMAND, ErasureNote("ab" * 32, 10, "dpo-1"))
WAITING = MonitorFinding(
    FindingKind.NOTE,
    _LOG,
    open=True,
    message=note_words(
        NoteStanding(
            ReadEntry.read(_ERASURE.entry, _LOG, 41),
            NoteVerdict.WAITS,
        )
    ),
    at=TUESDAY,
    index=41,
    note=NoteKind.ERASURE,
    standing=NoteVerdict.WAITS,
    instruction="dpo-1",
)
FORKED = MonitorFinding(
    FindingKind.FORK,
    _LOG,
    open=True,
    message=Text("It signed two different trees of {size} leaves.", size=70),
    at=TUESDAY,
    size=70,
)
STILL = MonitorFinding(
    FindingKind.STILL,
    _LOG,
    open=True,
    message=Text("No witness has confirmed it since {time:%Y-%m-%d %H:%M} UTC.", time=TUESDAY),
    at=TUESDAY,
    size=70,
)
LOOK = Look(
    logs=(
        MonitoredLog(_LOG, 70, TUESDAY, ("home.example",), ended=False),
        MonitoredLog(_LOG.replace("pbx-1", "pbx-2"), 1, None, (), ended=False),
        MonitoredLog(_LOG.replace("pbx-1", "pbx-3"), 0, None, (), ended=True),
    ),
    findings=(FORKED, STILL, WAITING),
    news=(),
    problems=(),
)


_NEW_RULE = LogNote(
    _LOG,
    42,
    _MINUTE,
    NoteSource.SERVICE,
    RuleNote(Period(days=8), "Europe/Rome", ErasureRule.STANDING, processor=True),
)
_APPROVED = (
    ApprovedNote(
        log=_LOG,
        index=41,
        note=NoteKind.ERASURE,
        message=WAITING.message,
        instruction="dpo-1",
        changes=(),
        erasure_list=ErasureList(
            Path("/media/dpo/1-41"),
            (ListedLog(_LOG, 1, 0), ListedLog(_LOG.replace("pbx-1", "pbx-2"), 3, 2)),
        ),
    ),
    ApprovedNote(
        log=_LOG,
        index=42,
        note=NoteKind.RULE,
        message=note_words(NoteStanding(ReadEntry.read(_NEW_RULE.entry, _LOG, 42), NoteVerdict.WAITS)),
        instruction=None,
        changes=(
            RuleChange("retention", "P60M", "P8D"),
            RuleChange("processor", None, "1"),
            RuleChange("instruction", "T-1", None),
        ),
        erasure_list=None,
    ),
)
APPROVAL = WrittenApproval(
    file=Path(f"/media/dpo/{'5e' * 32}.approval"),
    key="acme.example/dpo+7d1c53f1+AVBsdkgLv/ymNT5jLLUmqZcjcs8xY/hZFNNRLZ5ZVRBu",
    at=TUESDAY,
    notes=_APPROVED,
    warnings=(
        Text(
            "The rule for the note {index} of {log} says that {name} approves, which is another key.",
            index=42,
            log=_LOG,
            name="acme.example/approver",
        ),
    ),
)


_NOTED = (
    NotedNote(
        controller="acme",
        log=_LOG,
        index=41,
        note=NoteKind.ERASURE,
        message=note_words(
            NoteStanding(ReadEntry.read(_ERASURE.entry, _LOG, 41), NoteVerdict.APPROVED, NOTHING, ("dpo",))
        ),
        changes=(),
        next=CONSEQUENCES[NoteKind.ERASURE],
    ),
    NotedNote(
        controller="acme",
        log=_LOG,
        index=42,
        note=NoteKind.RULE,
        message=note_words(
            NoteStanding(ReadEntry.read(_NEW_RULE.entry, _LOG, 42), NoteVerdict.APPROVED, NOTHING, ("dpo",))
        ),
        changes=_APPROVED[1].changes,
        next=CONSEQUENCES[NoteKind.RULE],
    ),
)
APPROVALS = NotedApprovals(
    (
        NotedApproval(
            file=Path("/media/dpo/one.approval"),
            at=TUESDAY,
            written=(_LOG,),
            notes=_NOTED,
            elsewhere=(_LOG.replace("pbx-1", "pbx-2"),),
            problem=NOTHING,
        ),
        NotedApproval(Path("/media/dpo/two.approval"), TUESDAY, (), _NOTED[:1], (), NOTHING),
        NotedApproval(
            Path("/media/dpo/none.approval"),
            None,
            (),
            (),
            (),
            Text("{file}: {why}", file=Path("/media/dpo/none.approval"), why=Text("It is no file.")),
        ),
    )
)


def _show_noted(noted: NotedApprovals, _configuration: Configuration, language: Language) -> Iterator[object]:
    yield from approval.noted_lines(noted, language)
    yield from map(language, noted.problems)


def _show_approval(
    written: WrittenApproval, _configuration: Configuration, language: Language
) -> Iterator[object]:
    yield from approval.proposal_lines(Proposal(written.notes, (), written.warnings), language)
    yield from map(language, written.warnings)
    yield from approval.written_lines(written, language)


def _show_finding(
    finding: MonitorFinding, _configuration: Configuration, language: Language
) -> Iterator[object]:
    yield from monitor.finding_lines(finding, language)


def _show_look(look: Look, _configuration: Configuration, language: Language) -> Iterator[object]:
    yield from monitor.lines(look, language)


def _backup(result: object, show: Callable[[Any, Language], Iterator[str]]) -> ResultByHand:
    return ResultByHand(
        lambda _configuration: result, lambda shown, _configuration, language: show(shown, language)
    )


def _show_setup(report: SetupReport, _configuration: Configuration, language: Language) -> Iterator[str]:
    yield from setup_view.report(report, language)


def _reload(configuration: Configuration) -> Reload:
    """A file that changes what callers hear, beside the text that the service has loaded."""
    file = configuration.file
    new = (file.parent.parent / "next.yaml").read_text()
    return Reload(file, compare(file.read_text(), new, file, TUESDAY), loaded=False)


def _show_reload(shown: Reload, _configuration: Configuration, language: Language) -> Iterator[str]:
    yield from forecast.reload_preview(shown.file, shown.forecast, language)


RESULTS = {
    "backup make": _backup(backups_by_hand.MADE, backups.made),
    "backup verify": _backup(backups_by_hand.VERIFIED, backups.verified),
    "restore": _backup(backups_by_hand.PREVIEW, backups.restored_backup),
    "restore, done": _backup(backups_by_hand.RESTORED, backups.restored_backup),
    "doctor": ResultByHand(lambda _configuration: EXAMINATION, _show_findings),
    "doctor --fix": ResultByHand(lambda _configuration: MENDING, _show_mending),
    "evidence approve": ResultByHand(lambda _configuration: APPROVAL, _show_approval),
    "evidence approval": ResultByHand(lambda _configuration: APPROVALS, _show_noted),
    "monitor": ResultByHand(lambda _configuration: WAITING, _show_finding),
    "monitor, fork": ResultByHand(lambda _configuration: FORKED, _show_finding),
    "monitor, look": ResultByHand(lambda _configuration: LOOK, _show_look, json=False),
    "prompts add": ResultByHand(_prompts_made, _show_prompts),
    "reload": ResultByHand(_reload, _show_reload),
    "reload, read anew": ResultByHand(
        lambda configuration: replace(_reload(configuration), forecast=None, loaded=True), _show_reload
    ),
    "setup": ResultByHand(lambda _configuration: setup_by_hand.PREVIEW, _show_setup),
    "setup, failed": ResultByHand(lambda _configuration: setup_by_hand.FAILED, _show_setup),
    "setup, nothing": ResultByHand(lambda _configuration: setup_by_hand.NOTHING_LEFT, _show_setup),
    "setup --undo": ResultByHand(lambda _configuration: setup_by_hand.UNDONE, _show_setup),
    "status": ResultByHand(_status, _show_status),
    "systemd": _unit(systemd_unit.SERVICE),
    "systemd --web": _unit(systemd_unit.CONSOLE),
    "systemd --evidence": _unit(systemd_unit.SIGNER),
    "systemd --backup": _unit(systemd_unit.BACKUP),
    "systemd --timer": _unit(systemd_unit.BACKUP_TIMER),
    "systemd --report": _unit(systemd_unit.REPORT),
    "systemd --report-timer": _unit(systemd_unit.REPORT_TIMER),
    "test-call": ResultByHand(_test_call, _show_test_call),
    "test-call, wrong": ResultByHand(lambda configuration: _test_call(configuration, WRONG), _show_test_call),
}
"""Results by command line; words after a comma tell results of one command apart."""
SAME_OUTPUT = {"prompts build": "prompts add"}
"""Commands, each with another one that prints the same."""
