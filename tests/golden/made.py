"""What needs another machine part, made by hand: a database, an Asterisk, systemd, speech; and printed as its
command prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from examples import NOTDUE, PLAYED
from golden.still import NOW
from informativa import __version__
from informativa.asterisk.test_call import CallStep, Moment, Outcome
from informativa.config import Configuration
from informativa.model import ManagerAccount, Record, Status
from informativa.operations import systemd_unit
from informativa.operations.boxes import BoxState, Difference, Joined, Meeting, Retired
from informativa.operations.doctor.examination import Examination, Examined
from informativa.operations.doctor.findings import ok, unknown, warning, wrong
from informativa.operations.evidence.log_state import KeptElsewhere, LogState
from informativa.operations.prompts import showing
from informativa.operations.prompts.configured import Snippet
from informativa.operations.prompts.making import PromptsMade
from informativa.operations.status import ControllerStatus, Counts, Report, Service, Tally
from informativa.operations.support.bundle import SupportBundle
from informativa.operations.test_call import CallPlaced, CallReport, PlannedCall, plan
from informativa.operations.upgrade_check import UpgradeCheck
from informativa.sharing.administration import Box, Migrated
from informativa.text import Text
from informativa.views.json import boxes as boxes_json
from informativa.views.json import documents as shapes
from informativa.views.json.shapes import Document
from informativa.views.messages import Language
from informativa.views.text import boxes, doctor, prompts, status, support, test_call

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """What a command prints of a result: in a language, and for programs."""

    text: Callable[[Configuration, Language], Iterator[object]]
    document: Callable[[Configuration], Document] | None = None


def printed(parts: Iterator[object]) -> str:
    """As in a terminal, without colours."""
    console = Console(width=110, force_terminal=False, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)
    return captured.get()


# -- many boxes --


def _box(name: str, **more: object) -> Box:
    box = Box(name, 1200, 1200, 0, NOW - timedelta(seconds=2), 2.0, __version__, "k", "c", None)
    return replace(box, **more)  # type: ignore[arg-type]


def _meeting(there: Configuration, **more: object) -> Meeting:
    states = (
        BoxState(_box("pbx-1"), True, ()),
        BoxState(_box("pbx-2", newest=1207, erasures=1), False, tuple(Difference)),
        BoxState(_box("pbx-3", age=7200.0, seen=NOW - DAY / 12, program=""), False, ()),
        BoxState(_box("pbx-4", retired=NOW - 30 * DAY), False, ()),
    )
    return replace(Meeting(there.controllers["acme"], states, 3, 4.25, 14), **more)  # type: ignore[arg-type]


def _meetings(there: Configuration) -> list[Meeting]:
    alone = BoxState(_box("pbx-1"), True, ())
    borealis = there.controllers["borealis"]
    return [_meeting(there), Meeting(borealis, (alone,), 2, 1.0, 1, outdated=True)]


def _boxes(there: Configuration, say: Language) -> Iterator[object]:
    for each in _meetings(there):
        yield from boxes.meeting(each, say)


def _retired(there: Configuration, done: bool) -> list[Retired]:
    acme, borealis = there.controllers["acme"], there.controllers["borealis"]
    return [Retired(acme, "pbx-3", done, False), Retired(borealis, "pbx-3", done, True)]


def _retirement(done: bool) -> Made:
    return Made(
        lambda there, say: (line for each in _retired(there, done) for line in boxes.retired(each, say)),
        lambda there: boxes_json.BoxesRetired.of(_retired(there, done), done=done),
    )


def _joined(there: Configuration) -> list[Joined]:
    acme = there.controllers["acme"]
    return [Joined(acme, 1234, 2), Joined(acme, 0, 1), Joined(acme, 0, 0)]


def _migrated(_there: Configuration) -> list[Migrated]:
    return [
        Migrated("acme", 0, 3, 24),
        Migrated("borealis", 2, 3, 0),
        Migrated("third", 3, 3, 0),
        Migrated("fourth", 3, 3, 1),
    ]


# -- how it stands --


def _report(there: Configuration) -> Report:
    acme, borealis = there.controllers["acme"], there.controllers["borealis"]
    tally = Tally(312, {Status.PLAYED: 40, Status.NOTDUE: 271, Status.FALLBACK: 1}, 4711.5)
    counts = Counts(Tally(9, {Status.PLAYED: 9}, 0.0), tally, 280, 2_500_000, Record(731, PLAYED))
    kept = (
        KeptElsewhere("/mnt/proof", 700, NOW - DAY, ""),
        KeptElsewhere("https://proof.example", 0, None, "no answer"),
    )
    log = LogState(
        "acme.example/informativa/acme/pbx-1/1", 1, 731, 729, NOW - DAY / 24, 0, NOW - DAY / 48, kept,
        (KeptElsewhere("home.example", 729, NOW, ""),), 650, NOW - DAY,
    )  # fmt: skip
    service = Service(
        there.listen, answers=True, version=__version__, since=NOW - 3 * DAY, calls=2,
        unit="active (running)",
        otherwise=Text("It is late."), fell_back={"acme": (1, 9)},
    )  # fmt: skip
    refused = Text("There is no paper.")
    return Report(
        service,
        NOW.replace(hour=0, minute=0, second=0),
        (
            ControllerStatus(
                acme, ("+390212345678",), date(2021, 12, 1), counts, log, _meeting(there), (1, 9)
            ),
            ControllerStatus(
                replace(borealis, refused=refused), (), None, None, as_before=Text("It is wrong.")
            ),
        ),
        3,
        (Text("It is late."),),
        True,
    )


def _status(there: Configuration, say: Language) -> Iterator[object]:
    report = _report(there)
    yield from status.screen(report, say)
    yield from status.warnings(report, say)


def _examination(_there: Configuration) -> Examination:
    found = (
        (Text("configuration"), ok(Text("It is in order."))),
        (Text("recordings"), warning(Text("It is late."), Text("Type it once more."))),
        (Text("ports"), wrong(Text("It is wrong."), Text("Make room."))),
        (Text("manager"), unknown(Text("It cannot be said."), Text("Ask."))),
    )
    return Examination(tuple(Examined(*each) for each in found))


def _findings(there: Configuration, say: Language) -> Iterator[object]:
    yield from doctor.findings(_examination(there), say, unicode=True)


def _upgrade(there: Configuration) -> UpgradeCheck:
    return UpgradeCheck(__version__, _examination(there))


def _bundle(_there: Configuration) -> SupportBundle:
    return SupportBundle(Path("/root/informativa-support.tar.gz"), 4711, ("versions.txt", "check.json"))


# -- a call --


def _planned(there: Configuration) -> PlannedCall:
    account = replace(there, manager=ManagerAccount("127.0.0.1", 5038, "informativa", "secret"))
    return plan(account, "0212345678", None, "", NOW, sure=True)


def _call(there: Configuration, *problems: Text) -> CallReport:
    call = _planned(there)
    (path,) = {each.prompts["it"].path for each in call.due}
    steps = (
        Moment(0.0, CallStep.PLACED), Moment(0.01, CallStep.SERVICE, "agi://127.0.0.1:4588/notice"),
        Moment(0.02, CallStep.SCRIPT, "informativa-agi"), Moment(0.05, CallStep.ANSWERED),
        Moment(0.06, CallStep.BEGINS, path), Moment(1.1, CallStep.ENDS, path),
        Moment(1.2, CallStep.STATUS, "PLAYED"), Moment(1.3, CallStep.OVER),
    )  # fmt: skip
    outcome = Outcome("call-1", "PLAYED", "not-informed", "18", by_script=bool(problems))
    records = Record(18, PLAYED), Record(19, NOTDUE)
    return CallReport(
        call, "Local/0212345678@from-trunk/n", steps, outcome, records, (Text("It is late."),), problems
    )


def _calling(*problems: Text) -> Made:
    def text(there: Configuration, say: Language) -> Iterator[object]:
        found = _call(there, *problems)
        for step in (CallPlaced(found.channel), *found.timeline):
            yield from test_call.progress(step, found.call, say)
        yield from test_call.report(found, say)

    return Made(text, lambda there: shapes.TestCall.of(_call(there, *problems)))


# -- sound --


def _spoken(there: Configuration) -> PromptsMade:
    snippet = Snippet(
        "controllers.acme.notices.privacy.versions", "2026-12", '          - version: "2026-12"\n'
    )
    return PromptsMade(tuple(showing.listed(Path(there.file))[:2]), snippet, (Text("It is late."),))


def _speaking(there: Configuration, say: Language) -> Iterator[object]:
    done = _spoken(there)
    yield from (prompts.described(each, say) for each in done.prompts)
    yield from prompts.made(done, say)


# -- systemd --


def _unit(unit: str) -> Made:
    values = systemd_unit.Settings(
        program="/opt/informativa/bin/informativa", file="/etc/informativa/informativa.yaml", user="asterisk",
        group="asterisk", stop="120", descriptors="8512", ledgers="/var/lib/informativa -/mnt/proof",
        home="yes", network="",
    )  # fmt: skip
    return Made(lambda _there, _say: iter([systemd_unit.fill(unit, values)]))


MADE = {
    "boxes": Made(_boxes, lambda there: boxes_json.Boxes.of(_meetings(there))),
    "boxes retire": _retirement(done=False),
    "boxes retire, done": _retirement(done=True),
    "doctor": Made(_findings, lambda there: shapes.Examination.of(_examination(there))),
    "join": Made(
        lambda there, say: (boxes.joined(each, say) for each in _joined(there)),
        lambda there: boxes_json.Joined.of(_joined(there)),
    ),
    "prompts add": Made(_speaking, lambda there: shapes.PromptsMade.of(_spoken(there))),
    "shared migrate": Made(
        lambda there, say: (boxes.migrated(each, say) for each in _migrated(there)),
        lambda there: boxes_json.SchemasMigrated.of(_migrated(there)),
    ),
    "status": Made(_status, lambda there: shapes.StatusReport.of(_report(there))),
    "support-bundle": Made(
        lambda there, say: support.written(_bundle(there), say),
        lambda there: shapes.SupportBundle.of(_bundle(there)),
    ),
    "systemd": _unit(systemd_unit.SERVICE),
    "systemd --web": _unit(systemd_unit.CONSOLE),
    "systemd --evidence": _unit(systemd_unit.SIGNER),
    "test-call": _calling(),
    "test-call, wrong": _calling(Text("It is wrong.", "Make room.")),
    "upgrade-check": Made(_findings, lambda there: shapes.UpgradeCheck.of_check(_upgrade(there))),
}
"""By what is typed, and after a comma what comes of it."""
ALIKE = {"prompts build": "prompts add", "shared status": "boxes"}
"""Commands that print what another prints."""
