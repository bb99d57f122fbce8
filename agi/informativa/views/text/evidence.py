"""Proof, for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...errors import EvidenceError, ForkError
from ...evidence.receipt import Receipt
from ...ledgers.audit import Flaw, Found
from ...ledgers.tally import ForgedCount
from ...operations.evidence.logs import Audit, ComparedCheckpoint, LogKey, SignedLog
from ...operations.evidence.receipt_maker import MadeReceipt, WaitingRecord
from ...operations.evidence.stamps import CheckedStamps
from ...operations.evidence.verifying import Verified
from ...text import Text
from ..messages import Language
from ..terminal import console

FLAWS = {
    Flaw.FACTS: Text("what is on record of it is not what was written"),
    Flaw.PERSON: Text("whom it is about, or its exact time, is not what was written"),
    Flaw.ROW: Text("it has a value that no record is written with"),
    Flaw.LEAF: Text("its commitment is not the one that was published"),
    Flaw.DELETED: Text("it was deleted, and no record says why"),
    Flaw.INSERTED: Text("it was put in otherwise than by being recorded"),
    Flaw.UNEXPLAINED: Text("it cannot be opened, and no record says why"),
    Flaw.STILL_THERE: Text("another record says that it is gone, and it is there"),
    Flaw.FALSE_NOTE: Text("it says that records are gone which it cannot be about"),
    Flaw.TRUNCATED: Text("it was published, and the ledger ends before it"),
}


@contextmanager
def bar(doing: str, say: Language) -> Iterator[Callable[[int, int], None]]:
    """How far it is, while that lasts, on stderr where that is a terminal."""
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        task = progress.add_task(say(doing), total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def keys(found: Sequence[LogKey], say: Language) -> Iterator[str]:
    """One line a key, to be given to an auditor as it is."""
    for each in found:
        if each.key is None:
            yield say(
                "{id}: no checkpoint was signed yet. Type: informativa evidence checkpoint --controller {id}",
                id=each.controller.id,
            )
        else:
            yield str(each.key)


def changed_keys(waiting: Iterable[EvidenceError | None], say: Language) -> Iterator[str]:
    """What is to do with keys that are new: each with why it cannot sign yet, if so."""
    yield say(
        "The newest key signs from now on. Give it to your auditors, and to whoever runs your witnesses;"
        " receipts from before hold by the key from before. What is not yet elsewhere goes there with:"
        " informativa evidence publish"
    )
    for error in filter(None, waiting):
        yield say("No checkpoint was signed by it yet: {why}", why=say(error.text))


def signed(found: Iterable[SignedLog], say: Language) -> Iterator[str]:
    """One line a log."""
    for each in found:
        yield say.counted(
            "{id}: {added} new, {size} record signed in all. {folder}",
            "{id}: {added} new, {size} records signed in all. {folder}",
            each.size,
            id=each.controller.id,
            added=each.added,
            size=each.size,
            folder=each.folder / "checkpoint",
        )


def receipts(
    written: Sequence[tuple[MadeReceipt | WaitingRecord, Path | None]], say: Language
) -> Iterator[str]:
    """One line a record, and what to do with the files."""
    if not written:
        yield say("There is no record of this caller.")
        return
    for made, file in written:
        yield _receipt_line(made, file, say)
    keys = dict.fromkeys(str(made.key) for made, _ in written if isinstance(made, MadeReceipt))
    for key in keys:
        yield say(
            "Whoever has the key from you checks it with: informativa evidence verify FILE --key {key}",
            key=key,
        )
    if any(isinstance(made, MadeReceipt) and made.receipt.opening_key for made, _ in written):
        yield say("It shows whose number it is to whoever tries all: keep it like the number.")


def _receipt_line(made: MadeReceipt | WaitingRecord, file: Path | None, say: Language) -> str:
    given: dict[str, object] = {"number": made.record.number, "box": made.box}
    if isinstance(made, MadeReceipt):
        if made.box:
            return say("record {number} of {box}: {file}", file=str(file), **given)
        return say("record {number}: {file}", file=str(file), **given)
    if not made.box:
        return say("record {number}: in no checkpoint yet; wait a minute", **given)
    if made.sent:
        return say("record {number} of {box}: in no checkpoint yet; wait a minute", **given)
    return say("record {number} of {box}: nothing here proves it; ask that box", **given)


def pages(written: Iterable[Path], say: Language) -> Iterator[str]:
    """One line a page."""
    for file in written:
        yield say("to read and to hear: {file}", file=str(file))


def verified(found: Sequence[Verified], say: Language, *, about: bool) -> Iterator[str]:
    """What each file proves, or why it proves nothing."""
    for each in found:
        if each.error is not None:
            yield say("{file}: PROVES NOTHING. {why}", file=str(each.file), why=each.error.text)
            continue
        assert each.receipt is not None and each.proof is not None  # noqa: PT018  # it holds
        yield say("{file}: holds.", file=str(each.file))
        yield from (f"  {line}" for line in facts_of(each.receipt, say))
        checkpoint = each.proof.checkpoint
        yield "  " + say(
            "Record {index} of {size} in the log {origin}.",
            index=each.proof.index,
            size=checkpoint.size,
            origin=checkpoint.origin,
        )
        for witness in each.proof.witnesses:
            at = datetime.fromtimestamp(witness.at, UTC)
            yield "  " + say(
                "Seen by the witness {name} on {at:%Y-%m-%d %H:%M} UTC.", name=witness.name, at=at
            )
        if not each.proof.witnesses:
            yield "  " + say("No witness: it is the company's own word as of the checkpoint.")
        if about:
            yield "  " + say("It is about the number that was given.")


def facts_of(receipt: Receipt, say: Language) -> Iterator[str]:
    """What a receipt opens, by the names of the facts."""
    facts = receipt.facts
    yield say("{happened}, line {line}", happened=facts["happened"], line=facts.get("line", "-"))
    yield say(
        "notice {notice}, version {version}, language {language}: {status} ({reason})",
        notice=facts.get("notice", "-"),
        version=facts.get("version", "-"),
        language=facts.get("language", "-"),
        status=facts["status"],
        reason=facts["reason"],
    )
    if "heard" in facts:
        rate = int(facts["rate"])
        yield say(
            "heard {seconds:.1f} of {length:.1f} s ({ending})",
            seconds=int(facts["heard"]) / rate,
            length=int(facts["length"]) / rate,
            ending=facts["ending"],
        )


def audits(found: Iterable[Audit], say: Language) -> Iterator[str]:
    """For each ledger what it holds, and each thing that is wrong with it."""
    for each in found:
        yield audited(each, say)
        yield from ("  " + ("✘ " if wrong else "") + said for wrong, said in findings(each, say))


def audited(found: Audit, say: Language) -> str:
    """What a ledger holds."""
    whole, counted = found.audited.log.next, found.audited.counted
    return say.counted(
        "{id}: {size} record ({whole} whole, {erased} erased, {purged} purged, {lost} lost);"
        " {signed} signed.",
        "{id}: {size} records ({whole} whole, {erased} erased, {purged} purged, {lost} lost);"
        " {signed} signed.",
        whole,
        id=found.controller.id,
        size=whole,
        whole=counted.whole,
        erased=counted.erased,
        purged=counted.purged,
        lost=counted.lost,
        signed=min(found.audited.signed, whole),
    )


def findings(found: Audit, say: Language) -> Iterator[tuple[bool, str]]:
    """What was found of it, in sentences; of each whether it is wrong."""
    audited = found.audited
    if found.sound:
        yield False, say("Nothing was changed, added or taken away.")
    for problem in audited.problems:
        yield True, say(problem)
    for flaw in audited.found:
        yield True, _flaw(flaw, say)
    for row in audited.history:
        said = say(
            "the history says that a caller knows {notice} {version} by record {record}; the records do not",
            notice=row.notice,
            version=row.version,
            record=row.record,
        )
        yield True, said
    for forged in audited.counters:
        said = say(
            "the counter of {what} says {says}; the records come to {records}",
            what=_counter(forged, say),
            says=forged.says,
            records=forged.records,
        )
        yield True, said
    for stamped in found.stamps:
        yield from _stamped(stamped, say)
    yield from _compared(found.elsewhere, say)


def _counter(forged: ForgedCount, say: Language) -> str:
    """What it counts."""
    if not forged.line:
        return say("known callers")
    at = f"{forged.at:%Y-%m-%d %H} UTC" if forged.at else "?"
    return " ".join(filter(None, (at, forged.line, forged.notice, forged.status or say("calls"))))


def _stamped(found: CheckedStamps, say: Language) -> Iterator[tuple[bool, str]]:
    """What time-stamps say."""
    if found.unchecked:
        why = say(found.unchecked.text)
        yield False, say("The time-stamps of {log} were not looked at: {why}", log=found.log, why=why)
    for problem in found.problems:
        yield True, say(problem)
    if found.last:
        said = say.counted(
            "{hold} time-stamp of {log} holds; the newest is of {last:%Y-%m-%d %H:%M} UTC.",
            "{hold} time-stamps of {log} hold; the newest is of {last:%Y-%m-%d %H:%M} UTC.",
            found.hold,
            hold=found.hold,
            log=found.log,
            last=found.last,
        )
        yield False, said


def _compared(elsewhere: Iterable[ComparedCheckpoint], say: Language) -> Iterator[tuple[bool, str]]:
    """What others have of the log."""
    outside = False
    for each in elsewhere:
        if isinstance(each.error, ForkError):
            yield True, say(each.error.text)
        elif each.error is not None:
            yield False, say("{name} was not compared: {why}", name=each.name, why=say(each.error.text))
        else:
            outside = outside or (each.independent and each.size > 0)
            said = say.counted(
                "{name} has {size} record of the same log {log}.",
                "{name} has {size} records of the same log {log}.",
                each.size,
                name=each.name,
                size=each.size,
                log=each.log,
            )
            yield False, said
    if not outside:
        said = say(
            "No checkpoint was compared that nobody here can change: whoever signs here could have rewritten"
            " all of it."
        )
        yield False, said


def _flaw(found: Found, say: Language) -> str:
    what = say(FLAWS[found.flaw])
    if found.leaf is None:
        return say("record {record}: {what}", record=found.record, what=what)
    if not found.record:
        return say("leaf {leaf}: {what}", leaf=found.leaf, what=what)
    return say("record {record} (leaf {leaf}): {what}", record=found.record, leaf=found.leaf, what=what)
