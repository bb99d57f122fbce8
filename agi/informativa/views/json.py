"""What programs read: one shape for one noun, the same wherever it is printed.

Each document says which version of these shapes it has (`schema`); a name is never reused for something else
under one version. Times are ISO 8601 with their offset, nothing is `null`, several are a list, texts are
English. `.github/json.md` and the JSON Schema files beside it are made from here: `make docs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from math import isfinite
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from .. import errors, model
from ..operations import keys
from ..operations.doctor import findings
from ..operations.prompts import configured, installing, making, showing
from ..text import Text

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
    def of(cls, record: model.Record, controller: str) -> Record:
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
    old_file: str | None
    """Where the old one was put away."""
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
            old_file=str(rotation.old) if rotation.old else None,
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
            problem=Problem.of(found.problem, errors.SpeechError.code) if found.problem else None,
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


def said(text: Text) -> str | None:
    """A text in English, if it says anything."""
    return str(text) or None


DOCUMENTS: dict[str, type[Document]] = {
    "ledger show": Records,
    "tail": RecordLine,
    "keys make": NewSecret,
    "keys rotate": Rotation,
    "prompts build": PromptsMade,
    "prompts add": PromptsMade,
    "prompts play": Prompts,
    "prompts install": PromptsInstalled,
    "any command that fails": Failure,
}
"""What each command prints with --json."""
