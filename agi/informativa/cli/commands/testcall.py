"""`informativa test-call`: one call, placed by Asterisk to nobody, and whether it went as it should."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ... import bootstrap, policy
from ... import caller as callers
from ...asterisk import ami, test_call
from ...asterisk.dialplan import TEST_CONTEXT
from ...asterisk.test_call import Moment, What
from ...config import Configuration, load
from ...errors import InformativaError
from ...ledgers.sqlite import SqliteStore
from ...model import Decision, Identified, Line, ManagerAccount, Reason, Record, Status
from ...operations.controllers import line_named, require_live
from ...operations.explain import known_to, ringing
from ..options import WITHHELD, print_json, shown_number
from ..words import _

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass
class _Test:
    """One test call: what is asked for, what should come of it, what did."""

    line: Line
    dialled: str
    number: str
    decisions: Sequence[Decision]
    timeline: list[Moment] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def due(self) -> list[Decision]:
        """What the caller should hear."""
        return [decision for decision in self.decisions if decision.play]

    @property
    def expected(self) -> tuple[Status, Reason]:
        """What the dialplan should be told."""
        if self.due:
            return Status.PLAYED, self.due[0].reason
        by_setting = [each for each in self.decisions if each.status_of_skip is Status.SKIPPED]
        first = (by_setting or self.decisions)[0]
        return first.status_of_skip, first.reason

    @property
    def seconds(self) -> float:
        """How long all that is due may last, in whichever language."""
        return sum(max(prompt.seconds for prompt in each.prompts.values()) for each in self.due)


def run(file: Path, to: str, number: str, context: str, *, through: bool, sure: bool, as_json: bool) -> bool:
    """Place the call and show what happened; whether all was as it should be. Raises InformativaError."""
    configuration = load(file)
    account = configuration.manager
    if account is None:
        raise InformativaError(
            _("A test call is placed by Asterisk, and the configuration names no account at its manager."),
            _("Add `manager:` to {file}, as the comments of `informativa init` show.", file=file),
        )
    test = _planned(configuration, to, number, context, sure)

    def say(text: str) -> None:
        if not as_json:
            print(text, flush=True)

    asyncio.run(_call(test, account, context, through, say))
    if as_json:
        print_json(_facts(test))
        return not test.problems
    for record in test.records:
        say(_record(record))
    for note in test.notes:
        say(_("note: {note}", note=note))
    for problem in test.problems:
        say(_("WRONG: {problem}", problem=problem))
    if not test.problems:
        status, reason = test.expected
        say(_("In order: {status} ({reason}), as `informativa explain` says.", status=status, reason=reason))
    return not test.problems


def _planned(configuration: Configuration, to: str, number: str, context: str, sure: bool) -> _Test:
    line = line_named(configuration, to)
    require_live(configuration, line.controller)
    if number != WITHHELD and not _NUMBER.fullmatch(number):
        raise InformativaError(
            _("That is no number to call from."), _("Type it like +393331234567, or `withheld`.")
        )
    if context and not _CONTEXT.fullmatch(context):
        raise InformativaError(
            _("{context} cannot be the name of a context.", context=context),
            _("Type it as in extensions.conf, without brackets."),
        )
    caller = callers.recognise(ringing(shown_number(number), to), line)
    decisions = policy.decide(line, known_to(line, caller), caller, datetime.now(UTC))
    test = _Test(line, to, number, decisions)
    if isinstance(caller, Identified) and test.due and not sure:
        raise InformativaError(
            _(
                "The notice is due to {number}, and the call would put on record that its owner was told.",
                number=callers.mask(number),
            ),
            _(
                "Leave --from out; or, if the number is your own, add --yes, and afterwards type:"
                " informativa caller erase NUMBER --controller {id} --yes",
                id=line.controller.id,
            ),
        )
    return test


async def _call(test: _Test, account: ManagerAccount, context: str, through: bool, say: Any) -> None:
    async with ami.session(account) as manager:
        entry = await _entry(manager, test, context, through)
        place = f"Local/{test.dialled}@{entry.context}/n"
        own = test.number == WITHHELD
        say(
            _(
                "Test call to {line} ({company}), from {number}, by {place}",
                line=test.line.number,
                company=test.line.controller.name,
                number=test.number if own else callers.mask(test.number),
                place=place,
            )
        )
        say(
            _("It makes a real record, a delivery to nobody.")
            if own
            else _("It makes a real record of this caller.")
        )

        def tell(moment: Moment) -> None:
            test.timeline.append(moment)
            say(_moment(moment, test))

        number = "" if own else test.number
        before = await asyncio.to_thread(_newest, test.line)
        outcome = await test_call.place(manager, account, place, number, test.seconds, tell)
    test.records = [record for record in _since(test.line, before + 1) if record.event.call == outcome.call]
    _judge(test, outcome)


async def _entry(manager: ami.ManagerSession, test: _Test, context: str, through: bool) -> test_call.Entry:
    """Where the call may come in and ring nobody; with `through` where it comes in, whatever it may ring."""
    found = await test_call.entries(manager, test.dialled, context)
    if len(found) > 1 and not context:
        names = ", ".join(sorted(entry.context for entry in found))
        raise InformativaError(
            _(
                "Calls to {line} come to informativa in several contexts: {names}.",
                line=test.dialled,
                names=names,
            ),
            _("Name one: --context {name}", name=min(entry.context for entry in found)),
        )
    if context and not found and not await test_call.exists(manager, context):
        coming = ", ".join(sorted(entry.context for entry in await test_call.entries(manager, test.dialled)))
        raise InformativaError(
            _("Asterisk's dialplan has no context {context}.", context=context),
            _("Calls to {line} come to informativa in: {names}", line=test.dialled, names=coming)
            if coming
            else _("Leave --context and --through out to try the notice alone."),
        )
    if not found and (through or (context and context != TEST_CONTEXT)):
        raise InformativaError(
            _(
                "No extension for {line} in the dialplan calls Gosub(informativa,s,1(...)).",
                line=test.dialled,
            ),
            _("Leave --context and --through out to try the notice alone."),
        )
    guarded = await test_call.guarded(manager)
    if found:
        entry = found[0]
        entry = test_call.Entry(context or entry.context, entry.extension, entry.steps, entry.ours)
        if through and (entry.risky or not guarded):
            steps = [entry.risky] if guarded else [entry.risky, *entry.after]
            test.notes.append(
                _(
                    "this may have run, and may have rung somebody: {steps}",
                    steps=", ".join(filter(None, steps)),
                )
            )
        if through or (guarded and not entry.risky):
            return entry
        why = _("before the notice stands {step}, which may ring somebody", step=entry.risky)
    else:
        why = _(
            "no extension for {line} in the dialplan calls Gosub(informativa,s,1(...))", line=test.dialled
        )
    if not await test_call.direct(manager):
        raise InformativaError(
            _(
                "Asterisk has no context {context}: its informativa.conf is not loaded, or an older one.",
                context=TEST_CONTEXT,
            ),
            _("Write it again with `informativa dialplan`, then type: asterisk -rx 'dialplan reload'"),
        )
    test.notes.append(_("the call did not come in as others do, because {why}", why=why))
    return test_call.Entry(TEST_CONTEXT)


def _judge(test: _Test, outcome: test_call.Outcome) -> None:
    """Hold what came of the call against what `explain` says, and the ledger against both."""
    status, reason = test.expected
    told = (outcome.status, outcome.reason)
    add = test.problems.append
    looked_up = bool(test.line.controller.lookups) and test.number != WITHHELD
    if not outcome.status:
        add(_("no status was ever set: see Asterisk's log (asterisk -rvvv) for where the call went"))
    elif told != (status, reason) and not (looked_up and outcome.status == Status.NOTDUE):
        add(
            _(
                "the call came to {told}; `informativa explain` says {expected}",
                told=" ".join(told),
                expected=f"{status} {reason}",
            )
        )
    if outcome.status == Status.FAILED:
        add(_("the prompt could not be played; type: informativa check"))
    if outcome.status == Status.FALLBACK:
        add(_("neither service nor script could handle it; type: informativa status"))
    if outcome.status and outcome.record not in {str(record.number) for record in test.records}:
        add(_("the ledger has no record {record} of this call", record=outcome.record or "-"))
    if outcome.by_script:
        test.notes.append(_("the script answered, because the service did not; type: informativa status"))
    if outcome.lacking:
        test.notes.append(
            _("the manager account does not see when prompts begin and end. {remedy}", remedy=outcome.lacking)
        )


def _newest(line: Line) -> int:
    with _ledger(line) as store:
        return store.newest() if store else 0


def _since(line: Line, first: int) -> list[Record]:
    with _ledger(line) as store:
        return list(store.records(first)) if store else []


@contextmanager
def _ledger(line: Line) -> Iterator[SqliteStore | None]:
    """The line's ledger, to read; `None` where nothing was recorded yet."""
    if not Path(line.controller.ledger).exists():
        yield None
        return
    with closing(bootstrap.store(line.controller, read_only=True)) as store:
        yield store


def _moment(moment: Moment, test: _Test) -> str:
    words = {
        What.PLACED: _("placed"),
        What.SERVICE: _("the service is asked: {fact}"),
        What.SCRIPT: _("the script is asked: {fact}"),
        What.ANSWERED: _("answered"),
        What.BEGINS: _("notice begins: {fact}"),
        What.ENDS: _("notice ends"),
        What.STATUS: _("status {fact}"),
        What.OVER: _("hung up"),
    }
    fact = _prompt(moment.fact, test) if moment.what is What.BEGINS else moment.fact
    return f"{moment.seconds:7.2f} s  {words[moment.what].format(fact=fact)}"


def _prompt(path: str, test: _Test) -> str:
    """A prompt's path with its length, where it is one of those that are due."""
    prompts = [prompt for decision in test.decisions for prompt in decision.prompts.values()]
    seconds = next((prompt.seconds for prompt in prompts if prompt.path == path), None)
    return path if seconds is None else f"{path}, {seconds:.1f} s"


def _record(record: Record) -> str:
    event = record.event
    heard = event.heard
    length = _("{seconds:.1f} of {length:.1f} s")
    played = f", {length.format(seconds=heard.seconds, length=heard.length)}, {heard.ending}" if heard else ""
    return (
        _("record {number}", number=record.number)
        + f": {event.at:%Y-%m-%d %H:%M:%S} UTC, {event.notice} {event.version} {event.language},"
        f" {event.status} {event.reason}{played}"
    )


def _facts(test: _Test) -> dict[str, Any]:
    status, reason = test.expected
    return {
        "line": test.line.number,
        "controller": test.line.controller.id,
        "from": test.number if test.number == WITHHELD else callers.mask(test.number),
        "timeline": [
            {"seconds": round(each.seconds, 3), "what": each.what, "fact": each.fact}
            for each in test.timeline
        ],
        "expected": {"status": status, "reason": reason},
        "records": [
            {
                "record": each.number,
                "call": each.event.call,
                "at": each.event.at.isoformat(timespec="milliseconds"),
                "notice": each.event.notice,
                "version": each.event.version,
                "status": each.event.status,
                "reason": each.event.reason,
                "heard": each.event.heard and round(each.event.heard.seconds, 1),
            }
            for each in test.records
        ],
        "notes": test.notes,
        "problems": test.problems,
        "in order": not test.problems,
    }
