"""What programs read: one shape for one noun, the same wherever it is printed.

Each document says which version of these shapes it has (`schema`); a name is never reused for something else
under one version. Times are ISO 8601 with their offset, nothing is `null`, several are a list, texts are
English. `.github/json.md` and the JSON Schema files beside it are made from here: `make docs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from ... import errors, model
from ...asterisk import extensions_conf
from ...asterisk import test_call as calls
from ...operations import (
    callers,
    check,
    controller_state,
    dialplan,
    dialplan_install,
    importing,
    keys,
    retention,
    status,
)
from ...operations.doctor import examination, findings
from ...operations.explain import ExplainedDecision, PlannedPlayback, RecognisedCaller
from ...operations.explain import Explanation as Explained
from ...operations.prompts import configured, installing, making, showing
from ...operations.test_call import CallReport
from ...text import Text

SCHEMA: Literal[1] = 1

Time = Annotated[
    datetime,
    PlainSerializer(lambda time: time.isoformat(timespec="milliseconds"), return_type=str),
]
Seconds = Annotated[float, PlainSerializer(lambda seconds: round(seconds, 3), return_type=float)]


class Shape(BaseModel):
    """What all nouns have in common: nothing in them changes, and nothing is in them that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Document(Shape):
    """What a command prints as a whole, or as one line."""

    shapes: Literal[1] = Field(default=SCHEMA, alias="schema")
    """The version of these shapes."""

    model_config = ConfigDict(populate_by_name=True)

    def text(self, *, indent: int | None = 2, ascii_only: bool = False) -> str:
        """It as JSON, on one line without `indent`."""
        facts = self.model_dump(mode="json", by_alias=True)
        return json.dumps(facts, indent=indent, ensure_ascii=ascii_only)


class Heard(Shape):
    """How much of a prompt reached the caller."""

    seconds: Seconds
    """How much of it was heard."""
    length: Seconds
    """How long the prompt is, in seconds."""
    ending: model.Ending
    """How it ended."""
    key: str | None
    """The key that the caller pressed."""

    @classmethod
    def of(cls, heard: model.Heard) -> Heard:
        """As the ledger has it."""
        return cls(seconds=heard.seconds, length=heard.length, ending=heard.ending, key=heard.key or None)


class Record(Shape):
    """One record of a ledger: what was decided and delivered of one notice to one caller."""

    controller: str
    """The company's name in the configuration."""
    number: int
    """Its number in that company's ledger."""
    at: Time
    """When it happened."""
    recorded: Time
    """When it was put on record."""
    call: str | None
    """Asterisk's id of the call (linkedid)."""
    line: str | None
    """The called number."""
    caller: str | None
    """The caller's pseudonym, in hexadecimal digits."""
    vouched: model.Vouched | None
    """Who says that the number shown is the caller's."""
    erased: bool
    """Whether the caller was erased at his request."""
    notice: str | None
    """Which notice."""
    version: str | None
    """Which of its versions."""
    language: str | None
    """In which language it was given."""
    purposes: list[str]
    """Of which purposes it told."""
    kind: model.RecordKind
    """By which means."""
    status: model.Status
    """How it went."""
    reason: model.Reason
    """Why it was decided so."""
    rests_on: int | None
    """Which record shows that the caller knew it already."""
    heard: Heard | None
    """What of a prompt was heard."""
    recording: str | None
    """The SHA-256 over those of the prompt's files in all formats."""
    supplement: bool
    """Whether only what is new since an earlier version was told."""
    informs: bool
    """Whether this caller counts as informed by it."""
    reference: str | None
    """Where the evidence of a delivery by other means is."""

    @classmethod
    def of(cls, record: model.Record, controller: str) -> Self:
        """As that company's ledger has it."""
        event = record.event
        return cls(
            controller=controller,
            number=record.number,
            at=event.at,
            recorded=event.recorded or event.at,
            call=event.call or None,
            line=event.line or None,
            caller=event.pseudonym.hex() if event.pseudonym else None,
            vouched=event.vouched,
            erased=event.erased,
            notice=event.notice or None,
            version=event.version or None,
            language=event.language or None,
            purposes=sorted(event.purposes),
            kind=event.kind,
            status=event.status,
            reason=event.reason,
            rests_on=event.basis or None,
            heard=Heard.of(event.heard) if event.heard else None,
            recording=event.recording or None,
            supplement=event.supplement,
            informs=event.informs,
            reference=event.reference or None,
        )


class RecordLine(Record, Document):
    """A record on a line of its own."""


class Records(Document):
    """Records, those of one company after those of the other, each company's in their order."""

    records: list[Record]

    @staticmethod
    def streamed(records: Iterable[Record], *, ascii_only: bool = False) -> Iterator[str]:
        """The document in parts, a record on each line, as they are read; nothing of it before the first."""
        opening = before = f'{{"schema": {SCHEMA}, "records": ['
        for record in records:
            facts = json.dumps(record.model_dump(mode="json"), ensure_ascii=ascii_only)
            yield f"{before}\n{facts}"
            before = ","
        yield f"{opening}]}}\n" if before == opening else "\n]}\n"


class Problem(Shape):
    """One thing that is wrong: with the configuration (file, line, key), or with what was asked for."""

    code: str
    """Which kind of error it is."""
    file: str | None
    """The file that it stands in."""
    line: int | None
    """The line in that file."""
    key: str | None
    """The key path, such as `controllers.acme.retention`."""
    message: str
    """What is wrong."""
    remedy: str | None
    """What to do or type."""

    @classmethod
    def of(cls, problem: errors.Problem, code: str = "configuration") -> Problem:
        """As an error carries it."""
        return cls(
            code=code,
            file=problem.file or None,
            line=problem.line,
            key=problem.key or None,
            message=str(problem.message),
            remedy=said(problem.remedy),
        )


class Failure(Document):
    """In place of what was asked for: what is wrong."""

    ok: Literal[False] = False
    problems: list[Problem]

    @classmethod
    def of(cls, error: errors.InformativaError) -> Failure:
        """Each of the problems that an error has."""
        return cls(problems=[Problem.of(problem, error.code) for problem in errors.problems(error)])


class Finding(Shape):
    """What a check came to."""

    check: str
    """The name of the check."""
    state: findings.State
    """How it is."""
    finding: str
    """In a sentence."""
    fix: str | None
    """What to do or type."""

    @classmethod
    def of(cls, check: Text, finding: findings.Finding) -> Finding:
        """As an examination has it."""
        return cls(check=str(check), state=finding.state, finding=str(finding.text), fix=said(finding.fix))


class Service(Shape):
    """The service as it looks from outside."""

    address: str
    """Where it should answer."""
    answers: bool
    """Whether it does."""
    as_configured: bool
    """Whether it is the one that is installed and configured."""
    version: str | None
    """Which informativa it is."""
    since: Time | None
    """When it was started."""
    calls_in_progress: int | None
    """How many calls it handles at this moment, by its metrics."""
    unit: str | None
    """How the systemd unit is."""

    @classmethod
    def of(cls, service: status.Service) -> Service:
        """As it answered."""
        return cls(
            address=service.address,
            answers=service.answers,
            as_configured=service.as_configured,
            version=service.version,
            since=service.since,
            calls_in_progress=service.calls,
            unit=service.unit,
        )


class Tally(Shape):
    """What a time came to."""

    calls: int
    """How many calls there were."""
    notices: dict[model.Status, int]
    """How many notices went how."""
    seconds_spared: Seconds
    """How long the notices last that were not due."""

    @classmethod
    def of(cls, tally: status.Tally) -> Tally:
        """As counted."""
        return cls(calls=tally.calls, notices=dict(tally.notices), seconds_spared=tally.seconds_spared)


class LedgerCounts(Shape):
    """What a ledger comes to."""

    today: Tally
    """Since the day began."""
    last_30_days: Tally
    """In the last 30 days, today included."""
    known_callers: int
    """How many callers there are of whom it is known that they were told something."""
    bytes: int
    """The size of its files."""
    last_record: Record | None
    """The newest record."""

    @classmethod
    def of(cls, counts: status.Counts, controller: str) -> LedgerCounts:
        """As of that company's ledger."""
        return cls(
            today=Tally.of(counts.today),
            last_30_days=Tally.of(counts.last_days),
            known_callers=counts.known_callers,
            bytes=counts.size,
            last_record=Record.of(counts.last, controller) if counts.last else None,
        )


class ControllerStatus(Shape):
    """A company, and what its ledger comes to."""

    id: str
    """Its name in the configuration."""
    name: str
    """Its name."""
    live: bool
    """Whether it may go live."""
    why_not: str | None
    """Why it may not."""
    lines: list[str]
    """The called numbers."""
    ledger: str
    """Where its ledger is."""
    usable: bool
    """Whether the ledger could be read."""
    kept_since: date | None
    """From before this day the daily purge deletes records."""
    counts: LedgerCounts | None
    """What the ledger comes to."""

    @classmethod
    def of(cls, company: status.Company) -> ControllerStatus:
        """As it was found."""
        controller = company.controller
        return cls(
            id=controller.id,
            name=controller.name,
            live=not controller.refused,
            why_not=said(controller.refused),
            lines=list(company.lines),
            ledger=controller.ledger,
            usable=company.counts is not None,
            kept_since=company.kept_since,
            counts=LedgerCounts.of(company.counts, controller.id) if company.counts else None,
        )


class StatusReport(Document):
    """The service and the ledgers."""

    service: Service
    """The service."""
    today_since: Time
    """When today began."""
    controllers: list[ControllerStatus]
    """The companies."""
    spool_rows: int | None
    """How many rows wait in the fallback spool."""
    warnings: list[str]
    """What somebody should know."""
    in_order: bool
    """Whether the service answers, the ledgers can be used and the configuration has no mistakes."""

    @classmethod
    def of(cls, report: status.Report) -> StatusReport:
        """As it was found."""
        return cls(
            service=Service.of(report.service),
            today_since=report.today_since,
            controllers=[ControllerStatus.of(company) for company in report.companies],
            spool_rows=report.spool_rows,
            warnings=[str(warning) for warning in report.warnings],
            in_order=report.in_order,
        )


class Held(Shape):
    """What one controller has on record of a caller."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    records: list[Record]
    """In their order."""

    @classmethod
    def of(cls, held: callers.Held) -> Held:
        """As an access request has it."""
        owner = held.controller
        return cls(
            controller=owner.id,
            name=owner.name,
            records=[Record.of(record, owner.id) for record in held.records],
        )


class Access(Document):
    """What is on record of a caller."""

    caller: str
    """The number or customer number, masked."""
    controllers: list[Held]

    @classmethod
    def of(cls, found: callers.Access) -> Access:
        """Of each controller that was named."""
        return cls(caller=found.caller, controllers=[Held.of(each) for each in found.held])


class Erased(Shape):
    """What was erased of a caller at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    records: int
    """How many records lead to nobody any more."""
    copies: list[str]
    """Copies of the ledger that are deleted with them."""


class Erasure(Document):
    """What was erased of a caller, or would be."""

    done: bool
    """Whether it is done; else it is what would be done."""
    caller: str
    """The number or customer number, masked."""
    controllers: list[Erased]

    @classmethod
    def of(cls, found: callers.Erasure) -> Erasure:
        """Of each controller that was named."""
        erased = [
            Erased(
                controller=each.controller.id,
                name=each.controller.name,
                records=each.records,
                copies=[str(file) for file in each.copies],
            )
            for each in found.erased
        ]
        return cls(done=found.done, caller=found.caller, controllers=erased)


class Recorded(Document):
    """What was put on record."""

    caller: str
    """The number or customer number, masked."""
    record: Record

    @classmethod
    def of(cls, made: callers.Recorded) -> Recorded:
        """As its ledger has it."""
        return cls(caller=made.caller, record=Record.of(made.record, made.controller.id))


class OldCopy(Shape):
    """A copy of a ledger from before an upgrade."""

    file: str
    """Where it is."""
    until: date
    """On which day the last of its records are past the retention."""
    deleted: bool
    """Whether it is gone now."""


class Purged(Shape):
    """What was deleted at one controller, or would be."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    before: Time | None
    """Records from before this time; null where no retention is set."""
    records: int | None
    """How many; null where no retention is set."""
    copies: list[OldCopy]

    @classmethod
    def of(cls, found: retention.Purged) -> Purged:
        """As the retention has it."""
        return cls(
            controller=found.controller.id,
            name=found.controller.name,
            before=found.before,
            records=found.records,
            copies=[OldCopy(file=str(one.file), until=one.ends, deleted=one.deleted) for one in found.copies],
        )


class Purge(Document):
    """What is older than the retention."""

    done: bool
    """Whether it was deleted; else it is what would be."""
    controllers: list[Purged]

    @classmethod
    def of(cls, found: Sequence[retention.Purged], *, done: bool) -> Purge:
        """Of each controller that was named."""
        return cls(done=done, controllers=[Purged.of(each) for each in found])


class Import(Document):
    """What came of an import."""

    read: int
    """How many rows were read."""
    recorded: int
    """How many of them were put on record."""
    known_before: int
    """How many were on record already."""
    unusual: int
    """How many numbers were taken that are unusually short or long."""
    rejected: int
    """How many could not be taken."""
    rejects: str | None
    """The file that says why, by line."""

    @classmethod
    def of(cls, found: importing.Imported) -> Import:
        """As it was counted."""
        rejects = str(found.rejects) if found.rejects else None
        return cls(
            read=found.read,
            recorded=found.recorded,
            known_before=found.known,
            unusual=found.unusual,
            rejected=found.rejected,
            rejects=rejects,
        )


class ControllerState(Shape):
    """How one controller stands."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    live: bool
    """Whether anything is put on record for it."""
    why: str | None
    """Why it is not live."""
    lines: list[str]
    """The called numbers."""
    processor: str | None
    """Who takes its calls, where it is not the controller itself."""
    ledger: str
    """The ledger's file."""
    records: int | None
    """How many records it has; null where it cannot be read."""
    error: str | None
    """Why it cannot be read."""

    @classmethod
    def of(cls, found: controller_state.ControllerState) -> ControllerState:
        """As the configuration and the ledger have it."""
        owner = found.controller
        return cls(
            controller=owner.id,
            name=owner.name,
            live=not owner.refused,
            why=said(owner.refused),
            lines=[line.number for line in found.lines],
            processor=found.processor or None,
            ledger=owner.ledger,
            records=found.records,
            error=said(found.error),
        )


class Controllers(Document):
    """All controllers of the configuration."""

    controllers: list[ControllerState]

    @classmethod
    def of(cls, found: Sequence[controller_state.ControllerState]) -> Controllers:
        """In the order of the configuration."""
        return cls(controllers=[ControllerState.of(each) for each in found])


class CheckedNotice(Shape):
    """A notice of a line's plan, as it is played now."""

    notice: str
    """Which notice."""
    version: str
    """The version in force."""
    language: str
    """The line's language."""
    seconds: Seconds
    """How long the prompt is in that language; 0 where there is none."""


class CheckedLine(Shape):
    """A line and its plan."""

    number: str
    """The called number."""
    controller: str
    """The controller's name in the configuration."""
    notices: list[CheckedNotice]
    """In the order of the plan."""

    @classmethod
    def of(cls, found: check.CheckedLine) -> CheckedLine:
        """As it is configured."""
        notices = [
            CheckedNotice(
                notice=each.notice, version=each.version, language=each.language, seconds=each.seconds
            )
            for each in found.plan
        ]
        return cls(number=found.line.number, controller=found.line.controller.id, notices=notices)


class Checked(Document):
    """What a check of the configuration came to."""

    ok: bool
    """Whether nothing is wrong."""
    file: str
    """The configuration."""
    problems: list[Problem]
    """What is wrong."""
    warnings: list[str]
    """What somebody should know."""
    notes: list[str]
    """What is as it should be, and yet said."""
    service: str | None
    """On which address the service answers; null where something is wrong, as are all that follow."""
    metrics: str | None
    """On which address it tells its figures; null where it does not."""
    controllers: list[str] | None
    """The controllers' names in the configuration."""
    lines: list[CheckedLine] | None

    @classmethod
    def of(cls, found: check.Checked) -> Checked:
        """As it was found."""
        of = found.configuration
        return cls(
            ok=not found.problems,
            file=str(found.file.absolute()),
            problems=[Problem.of(one) for one in found.problems],
            warnings=[str(one) for one in found.warnings],
            notes=[str(one) for one in found.notes],
            service=of.listen if of else None,
            metrics=(of.metrics or None) if of else None,
            controllers=list(of.controllers) if of else None,
            lines=[CheckedLine.of(each) for each in found.lines] if of else None,
        )


class Examination(Document):
    """What a look at the live system came to."""

    findings: list[Finding]
    """In the order of the checks."""
    ok: int
    """How many are as they should be."""
    warning: int
    """How many somebody should know of."""
    wrong: int
    """How many are wrong."""
    unknown: int
    """How many could not be looked at."""

    @classmethod
    def of(cls, found: examination.Examination) -> Examination:
        """As it was found."""
        counted = found.counted
        return cls(
            findings=[Finding.of(one.check, one.finding) for one in found.found],
            ok=counted[findings.State.OK],
            warning=counted[findings.State.WARNING],
            wrong=counted[findings.State.WRONG],
            unknown=counted[findings.State.UNKNOWN],
        )


class NewSecret(Document):
    """A secret that was made: where, never which."""

    kind: keys.SecretKind
    """What it is for: a company's pseudonyms, to know Asterisk by, or its manager interface."""
    controller: str | None
    """Whose key it is."""
    file: str
    """Where it is."""
    owner: str
    """The only user who can read it."""

    @classmethod
    def of(cls, secret: keys.NewSecret) -> NewSecret:
        """As it was made."""
        return cls(
            kind=secret.kind,
            controller=secret.controller or None,
            file=str(secret.file),
            owner=secret.owner,
        )


class Rotation(Document):
    """A secret in the place of another one."""

    kind: keys.SecretKind
    """What it is for."""
    controller: str | None
    """Whose key it is."""
    file: str
    """Where the new one is, or would be."""
    old_files: list[str]
    """Where the old ones are that still count, the newest first."""
    done: bool
    """Whether it was done, or only would be."""
    next: list[str]
    """What to type then, in this order."""

    @classmethod
    def of(cls, rotation: keys.KeyRotation | keys.TokenRotation) -> Rotation:
        """Of a company's key, or of the token by which Asterisk is known."""
        of_key = isinstance(rotation, keys.KeyRotation)
        return cls(
            kind=keys.SecretKind.KEY if of_key else keys.SecretKind.TOKEN,
            controller=rotation.controller.id if isinstance(rotation, keys.KeyRotation) else None,
            file=str(rotation.file),
            old_files=[str(file) for file in _old_ones(rotation)],
            done=bool(rotation.old) or not of_key,
            next=list(rotation.next),
        )


class Prompt(Shape):
    """One prompt: a recording of one part of a version in one language."""

    controller: str | None
    """Whose notice it is."""
    notice: str | None
    """Which notice."""
    version: str | None
    """Which of its versions."""
    part: str | None
    """`short`, `full`, `supplement`, or `fallback`, which is of no notice."""
    after: str | None
    """The version that those know whom a supplement is for."""
    language: str | None
    """Its language."""
    path: str
    """Where it is, without extension, as Asterisk knows it."""
    files: list[str]
    """The sound files that are there, one for each format."""
    seconds: Seconds | None
    """How long it is; nothing if Asterisk would not play it."""
    level: float | None
    """The level of its speech, in dB below full scale (dBov)."""
    problem: Problem | None
    """Why Asterisk would not play it."""
    warnings: list[str]
    """What callers might complain about."""

    @classmethod
    def of(cls, found: showing.PromptFound) -> Prompt:
        """As it is there."""
        part, _colon, after = found.path.part.partition(":")
        return cls(
            controller=found.controller or None,
            notice=found.path.notice or None,
            version=found.path.version or None,
            part=part or None,
            after=after or None,
            language=found.path.language or None,
            path=str(found.path.base),
            files=[str(file) for file in found.files],
            seconds=found.seconds,
            level=round(found.sound.level, 1) if found.sound and isfinite(found.sound.level) else None,
            problem=Problem.of(found.problem, errors.PromptError.code) if found.problem else None,
            warnings=[str(warning) for warning in found.warnings],
        )


class Prompts(Document):
    """Prompts that a configuration names, or the one that was asked for."""

    prompts: list[Prompt]

    @classmethod
    def of(cls, found: Iterable[showing.PromptFound]) -> Prompts:
        """As they are there."""
        return cls(prompts=[Prompt.of(one) for one in found])


class Snippet(Shape):
    """What to write into the configuration."""

    where: str
    """The key path of the list that it belongs into."""
    version: str | None
    """The version in that list to add it to; nothing if it makes a new one at the end."""
    yaml: str
    """The lines themselves, with their indentation."""

    @classmethod
    def of(cls, snippet: configured.Snippet) -> Snippet:
        """As it was made."""
        return cls(where=snippet.where, version=snippet.version or None, yaml=snippet.yaml)


class PromptsMade(Document):
    """Prompts that were put in their places, and are not played before the configuration names them."""

    prompts: list[Prompt]
    configuration: Snippet
    warnings: list[str]
    """What is doubtful in the recording."""

    @classmethod
    def of(cls, made: making.PromptsMade) -> PromptsMade:
        """As they were made."""
        return cls(
            prompts=[Prompt.of(one) for one in made.prompts],
            configuration=Snippet.of(made.snippet),
            warnings=[str(doubt) for doubt in made.doubts],
        )


class PromptsInstalled(Document):
    """What was done to have prompts in Asterisk's formats."""

    done: bool
    """Whether it was done, or only would be."""
    prompts: int
    """How many prompts there are."""
    files: list[str]
    """The files that were made or copied."""
    deleted: list[str]
    """Those of another version that were deleted."""
    not_made: list[str]
    """The formats that cannot be made on this machine."""
    warnings: list[str]
    """What else is not as it should be, and why a format cannot be made."""

    @classmethod
    def of(cls, done: installing.Installed) -> PromptsInstalled:
        """As it was done."""
        return cls(
            done=done.done,
            prompts=done.prompts,
            files=[str(file) for file in done.files],
            deleted=[str(step.file) for step in done.steps if step.action is installing.Action.DELETE],
            not_made=list(done.not_made),
            warnings=[str(warning) for warning in done.warnings],
        )


class ExplainedCall(Shape):
    """A call that was not made."""

    number: str | None = Field(serialization_alias="from")
    """The number that the caller shows, masked; null where it is withheld."""
    to: str
    """The called number, as it was given."""
    at: Time
    """When it comes."""


class ExplainedLine(Shape):
    """The line that is called."""

    number: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    live: bool
    """Whether anything is put on record for it."""
    why_not: str | None
    """Why it is not live."""

    @classmethod
    def of(cls, line: model.Line) -> ExplainedLine:
        """As it is configured."""
        owner = line.controller
        return cls(
            number=line.number,
            controller=owner.id,
            name=owner.name,
            live=not owner.refused,
            why_not=said(owner.refused),
        )


class ExplainedCaller(Shape):
    """Who calls, as far as it can be said."""

    recognised: bool
    """Whether the number shown can be taken for one caller's."""
    reason: model.Reason | None
    """Why not."""
    country: str | None
    """The number's country (ISO 3166)."""
    pseudonym: str | None
    """What records have for this caller, in hexadecimal digits."""

    @classmethod
    def of(cls, caller: RecognisedCaller | model.Unidentified) -> ExplainedCaller:
        """As the number shown is understood."""
        if isinstance(caller, RecognisedCaller):
            pseudonym = caller.pseudonym.hex()
            return cls(recognised=True, reason=None, country=caller.country or None, pseudonym=pseudonym)
        return cls(recognised=False, reason=caller.reason, country=None, pseudonym=None)


class PriorDelivery(Shape):
    """What a caller already got of a notice."""

    versions: list[str]
    """Which versions."""
    purposes: list[str]
    """Of which purposes they told."""
    record: int
    """The newest record that shows it."""
    at: Time
    """When that happened."""

    @classmethod
    def of(cls, known: model.PriorDelivery) -> PriorDelivery:
        """As the ledger has it."""
        return cls(
            versions=sorted(known.versions),
            purposes=sorted(known.purposes),
            record=known.record,
            at=known.at,
        )


class Playback(Shape):
    """A prompt that is to be played."""

    prompt: str
    """Where it is, without extension, as Asterisk knows it."""
    language: str
    """Its language."""
    seconds: Seconds
    """How long it is."""
    informs: bool
    """Whether the caller counts as informed once it was heard to its end."""

    @classmethod
    def of(cls, playback: PlannedPlayback) -> Playback:
        """As it would be played."""
        return cls(
            prompt=playback.prompt.path,
            language=playback.language,
            seconds=playback.prompt.seconds,
            informs=playback.informs,
        )


class Decision(Shape):
    """What is to be done with one notice for one caller, and why."""

    notice: str
    """Which notice."""
    version: str
    """The version in force."""
    play: bool
    """Whether it is to be played."""
    reason: model.Reason
    """Why it was decided so."""
    status: model.Status
    """How it goes, where what is played is heard to its end."""
    purposes: list[str]
    """Of which purposes its prompts tell."""
    supplement: bool
    """Whether only what is new since an earlier version is told."""
    known: PriorDelivery | None
    """What the caller already got of this notice."""
    playback: Playback | None
    """What is played."""
    lookups: list[str]
    """Which of the company's own systems are asked first whether the caller knows it."""

    @classmethod
    def of(cls, found: ExplainedDecision) -> Decision:
        """As the policy decides."""
        decision = found.decision
        return cls(
            notice=decision.notice.id,
            version=decision.version.id,
            play=decision.play,
            reason=decision.reason,
            status=found.status,
            purposes=sorted(decision.purposes),
            supplement=decision.supplement,
            known=PriorDelivery.of(found.known) if found.known else None,
            playback=Playback.of(found.playback) if found.playback else None,
            lookups=list(found.lookups),
        )


class Explanation(Document):
    """What would happen to a call, and by which rules."""

    call: ExplainedCall
    """The call that was asked about."""
    line: ExplainedLine
    """Which line it comes to."""
    caller: ExplainedCaller
    """Who calls."""
    language: str
    """The language that the caller should hear."""
    notices: list[Decision]
    """In the order of the line's plan."""

    @classmethod
    def of(cls, found: Explained) -> Explanation:
        """As it would go."""
        return cls(
            call=ExplainedCall(number=found.number, to=found.dialled, at=found.at),
            line=ExplainedLine.of(found.line),
            caller=ExplainedCaller.of(found.caller),
            language=found.language,
            notices=[Decision.of(each) for each in found.decisions],
        )


class Moment(Shape):
    """One thing that happened to a call."""

    seconds: Seconds
    """How long after it was placed."""
    what: calls.What
    """What happened."""
    fact: str | None
    """Which channel, address, prompt or status."""

    @classmethod
    def of(cls, moment: calls.Moment) -> Moment:
        """As Asterisk told it."""
        return cls(seconds=moment.seconds, what=moment.what, fact=moment.fact or None)


class CallResult(Shape):
    """What the dialplan gets to know of a call."""

    status: str
    """INFORMATIVA_STATUS."""
    reason: str | None
    """INFORMATIVA_REASON."""
    record: str | None
    """INFORMATIVA_RECORD: the number of a record, or a row of the fallback spool."""


class TestCall(Document):
    """What became of a test call."""

    line: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    number: str | None = Field(serialization_alias="from")
    """The number that the call came from, masked; null where it was withheld."""
    channel: str
    """The channel that Asterisk placed it at."""
    timeline: list[Moment]
    """What happened, in this order."""
    expected: CallResult
    """What the dialplan should have got; which record cannot be known before."""
    result: CallResult | None
    """What it got; null where no status was ever set."""
    records: list[Record]
    """What was put on record of this call."""
    notes: list[str]
    """What somebody should know."""
    problems: list[Problem]
    """What is not as it should be."""
    in_order: bool
    """Whether all is."""

    @classmethod
    def of(cls, found: CallReport) -> TestCall:
        """As it went."""
        call, outcome = found.call, found.outcome
        owner = call.line.controller.id
        status, reason = call.expected
        result = CallResult(
            status=outcome.status, reason=outcome.reason or None, record=outcome.record or None
        )
        return cls(
            line=call.line.number,
            controller=owner,
            number=call.caller,
            channel=found.channel,
            timeline=[Moment.of(each) for each in found.timeline],
            expected=CallResult(status=status, reason=reason, record=None),
            result=result if outcome.status else None,
            records=[Record.of(record, owner) for record in found.records],
            notes=[str(note) for note in found.notes],
            problems=[Problem.of(errors.Problem("", None, "", one), "test-call") for one in found.problems],
            in_order=found.in_order,
        )


class Place(Shape):
    """A line of a file."""

    file: str
    """Its path."""
    line: int
    """Counted from 1."""

    @classmethod
    def of(cls, place: extensions_conf.SourceLine) -> Place:
        """Where it is."""
        return cls(file=str(place.file), line=place.line)


class CustomDestination(Shape):
    """What to enter in FreePBX, under Admin, Custom Destinations."""

    target: str
    """Its Target."""
    returns: bool
    """Its Return: whether the call then goes on to the destination named there."""


class DialplanInstalled(Document):
    """How informativa's file in Asterisk's folder stands, and what is left to do."""

    file: str
    """Where it is, or would be."""
    written: bool
    """Whether it was written now."""
    up_to_date: bool
    """Whether it is now as the configuration wants it."""
    owner: str | None
    """Whose it is: user and group, as chown writes them; nothing where there is no file yet."""
    custom_destination: CustomDestination | None
    """What to enter in FreePBX, where that is found or was named."""
    add_to: str
    """The file that the line which includes it belongs into."""
    add: str | None
    """What is to be added at the end of that."""
    included: list[Place]
    """Where Asterisk's files include it."""
    commented_out: list[Place]
    """Where they do so in a comment."""
    called: list[Place]
    """Where they call it."""
    warnings: list[str]
    """What keeps it from working as it should."""
    next: list[str]
    """What to type then, in this order."""

    @classmethod
    def of(cls, done: dialplan_install.Installed) -> DialplanInstalled:
        """As it was done."""
        target = CustomDestination(target=dialplan_install.TARGET, returns=True) if done.freepbx else None
        return cls(
            file=str(done.file),
            written=done.state is dialplan_install.State.WRITTEN,
            up_to_date=done.state is not dialplan_install.State.TO_BE_WRITTEN,
            owner=done.owner or None,
            custom_destination=target,
            add_to=str(done.add_to),
            add=done.add or None,
            included=[Place.of(place) for place in done.included],
            commented_out=[Place.of(place) for place in done.commented_out],
            called=[Place.of(place) for place in done.called],
            warnings=[str(warning) for warning in done.warnings],
            next=[dialplan.RELOAD],
        )


def _old_ones(rotation: keys.KeyRotation | keys.TokenRotation) -> Iterable[Path]:
    if isinstance(rotation, keys.TokenRotation):
        return rotation.old
    return (rotation.old,) if rotation.old else ()


def said(text: Text) -> str | None:
    """A text in English, if it says anything."""
    return str(text) or None


DOCUMENTS: dict[str, type[Document]] = {
    "ledger show": Records,
    "tail": RecordLine,
    "status": StatusReport,
    "caller show": Access,
    "caller erase": Erasure,
    "record": Recorded,
    "purge": Purge,
    "import": Import,
    "check": Checked,
    "doctor": Examination,
    "controllers": Controllers,
    "keys make": NewSecret,
    "keys rotate": Rotation,
    "prompts build": PromptsMade,
    "prompts add": PromptsMade,
    "prompts play": Prompts,
    "prompts install": PromptsInstalled,
    "explain": Explanation,
    "test-call": TestCall,
    "dialplan install": DialplanInstalled,
    "any command that fails": Failure,
}
"""What each command prints with --json."""
