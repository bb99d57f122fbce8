"""Proof, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

from rich.progress import MofNCompleteColumn

from ...evidence.note_standing import NoteVerdict
from ...ledgers.audit_flaws import AuditedFlaw, Flaw
from ...ledgers.tally import CounterRow
from ...model.errors import EvidenceError
from ...model.text import Text
from ...operations.evidence.logs import AuditedLedger, Audits, Checkpoints, ComparedLog, LogKeys
from ...operations.evidence.receipt_files import ReceiptFile, WrittenReceipts
from ...operations.evidence.stamps import AuditedStamps
from ...operations.evidence.verdict import Hole, HoleCause, Verdict
from ...operations.evidence.verifying import Verification, VerifiedReceipt
from ..messages import Language
from ..record_words import KINDS
from .progress import progress

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
    Flaw.TOTALS: Text("it counts other records, or other numbers of them, than there are"),
    Flaw.TRUNCATED: Text("it was published, and the ledger ends before it"),
}
CAUSES = {
    HoleCause.PURGED: Text("deleted because of their age"),
    HoleCause.ERASED: Text("caller erased"),
    HoleCause.LOST: Text("lost with a ledger that a backup replaced"),
    HoleCause.DELETED: Text("GONE, and no note says why"),
}
MOST_PLACES = 20  # ranges of leaves that are listed under one note


@contextmanager
def bar(action: str, say: Language) -> Iterator[Callable[[int, int], None]]:
    """Show the progress of an action, on stderr if that is a terminal."""
    with progress(MofNCompleteColumn()) as bars:
        task = bars.add_task(say(action), total=None)
        yield lambda completed, all_steps: bars.update(task, completed=completed, total=all_steps)


def keys(log_keys: LogKeys, say: Language) -> Iterator[str]:
    """Yield a line for each key, to be given to an auditor as it is."""
    for log_key in log_keys.keys:
        yield log_key.key or say(
            "{id}: no checkpoint was signed yet. Type: informativa evidence checkpoint --controller {id}",
            id=log_key.controller,
        )


def changed_keys(waiting: Iterable[EvidenceError | None], say: Language) -> Iterator[str]:
    """Yield the steps after a change of keys, and why a new key cannot sign yet, if so."""
    yield say(
        "The newest key signs from now on. Give it to your auditors, and to whoever runs your witnesses;"
        " receipts from before hold by the key from before. What is not yet elsewhere goes there with:"
        " informativa evidence publish"
    )
    for error in filter(None, waiting):
        yield say("No checkpoint was signed by it yet: {why}", why=say(error.text))


def signed_lines(checkpoints: Checkpoints, say: Language) -> Iterator[str]:
    """Yield a line for each log."""
    for checkpoint in checkpoints.checkpoints:
        yield say.counted(
            "{id}: {added} new, {size} record signed in all. {folder}",
            "{id}: {added} new, {size} records signed in all. {folder}",
            checkpoint.size,
            id=checkpoint.controller,
            added=checkpoint.added,
            size=checkpoint.size,
            folder=checkpoint.folder / "checkpoint",
        )


def receipts(written: WrittenReceipts, say: Language) -> Iterator[str]:
    """Yield a line for each record, what to do with the files, and a line for each page."""
    if not written.receipts:
        yield say("There is no record of this caller.")
        return
    for receipt in written.receipts:
        yield _receipt_line(receipt, say)
    for key in dict.fromkeys(receipt.key for receipt in written.receipts if receipt.key):
        yield say(
            "Whoever has the key from you checks it with: informativa evidence verify FILE --key {key}",
            key=key,
        )
    if any(receipt.opened for receipt in written.receipts):
        yield say("It shows whose number it is to whoever tries all: keep it like the number.")
    for page in written.pages:
        yield say("to read and to hear: {file}", file=str(page))


def _receipt_line(receipt: ReceiptFile, say: Language) -> str:
    place: dict[str, object] = {"number": receipt.record, "box": receipt.box}
    if receipt.file:
        if receipt.box:
            return say("record {number} of {box}: {file}", file=str(receipt.file), **place)
        return say("record {number}: {file}", file=str(receipt.file), **place)
    if not receipt.box:
        return say("record {number}: in no checkpoint yet; wait a minute", **place)
    if receipt.sent:
        return say("record {number} of {box}: in no checkpoint yet; wait a minute", **place)
    return say("record {number} of {box}: nothing here proves it; ask that box", **place)


def verified(verification: Verification, say: Language, *, about: bool) -> Iterator[str]:
    """Yield the lines of each file; `about`: a caller was given whom all of them must be about."""
    for receipt in verification.receipts:
        yield from verified_receipt(receipt, say)
        if receipt.holds and about:
            yield "  " + say("It is about the number that was given.")


def verified_receipt(receipt: VerifiedReceipt, say: Language) -> Iterator[str]:
    """Yield the facts that a file proves, or the reason why it proves nothing."""
    file = str(receipt.file)
    if receipt.index is None:
        yield say("{file}: PROVES NOTHING. {why}", file=file, why=receipt.problem)
        return
    if receipt.problem is None:
        yield say("{file}: holds.", file=file)
    else:
        yield say("{file}: CHANGED. {why}", file=file, why=receipt.problem)
        yield "  " + say("The proof in this page holds. It says:")
    yield from (f"  {line}" for line in _facts(receipt.facts or {}, say))
    yield "  " + say(
        "Record {index} of {size} in the log {origin}.",
        index=receipt.index,
        size=receipt.size,
        origin=receipt.log,
    )
    for witness in receipt.witnesses:
        yield "  " + say(
            "Seen by the witness {name} on {at:%Y-%m-%d %H:%M} UTC.", name=witness.name, at=witness.at
        )
    if not receipt.witnesses:
        yield "  " + say("No witness: it is the company's own word as of the checkpoint.")
    if receipt.page and receipt.holds:
        yield "  " + say(
            "The page says the same and, by its own seal, is as it was made. Its explanations are its maker's"
            " and prove nothing."
        )


def _facts(facts: Mapping[str, str | int], say: Language) -> Iterator[str]:
    """Yield the facts that a receipt opens."""
    if "to" in facts or "head" in facts:
        yield from _stated(facts, say)
        return
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


def _stated(facts: Mapping[str, str | int], say: Language) -> Iterator[str]:
    """Yield the facts of a record of totals, or of the list of who looked at records."""
    kind = str(facts["kind"])
    yield f"{facts['happened']}, {say(KINDS[kind]) if kind in KINDS else kind}"
    if "to" in facts:
        yield say(
            "entries from {first} to before {end}: {totals}",
            first=facts.get("from", "-"),
            end=facts["to"],
            totals=facts.get("totals", "-"),
        )
    else:
        yield say(
            "{rows} entries, the hash of the newest is {head}",
            rows=facts.get("rows", "-"),
            head=facts["head"],
        )


def audits(results: Audits, say: Language) -> Iterator[str]:
    """Yield for each ledger the verdict, its content, and what was found."""
    for ledger in results.ledgers:
        yield f"{ledger.controller}: {verdict(ledger, say)}"
        yield "  " + as_of(ledger, say)
        yield "  " + audited(ledger, say)
        for is_wrong, sentence in findings(ledger, say):
            yield "  " + ("✘ " if is_wrong else "") + sentence


def verdict(ledger: AuditedLedger, say: Language) -> str:
    """Return the verdict on a ledger in a sentence."""
    match ledger.verdict:
        case Verdict.COMPLETE:
            return say("Complete: nothing was changed, added or taken away.")
        case Verdict.ACCOUNTED:
            if any(hole.standing is NoteVerdict.OWN_WORD for hole in ledger.holes):
                return say("Accounted for: what is gone is named, by the company's own word.")
            return say("Accounted for: what is gone is named, and whoever may approve it has.")
        case Verdict.GAPS:
            missing = sum(hole.count for hole in ledger.holes if not hole.is_accounted)
            if not missing:
                return say("GAPS: something is gone, and no note accounts for it.")
            return say.counted(
                "GAPS: {count} record is gone, or its caller, under no note that holds and is approved.",
                "GAPS: {count} records are gone, or their callers, under no note that holds and is approved.",
                missing,
            )
        case Verdict.CHANGED:
            return say("CHANGED: something is not as it was written and signed.")


def as_of(ledger: AuditedLedger, say: Language) -> str:
    """Return the state that a verdict is about."""
    state = ledger.as_of
    if state.by:
        return say.counted(
            "As of {time:%Y-%m-%d %H:%M} UTC, of {size} record in the newest log; known to {names}.",
            "As of {time:%Y-%m-%d %H:%M} UTC, of {size} records in the newest log; known to {names}.",
            state.size,
            time=state.time,
            size=state.size,
            names=", ".join(state.by),
        )
    return say.counted(
        "As of {time:%Y-%m-%d %H:%M} UTC, of {size} record in the newest log; by the company's own word.",
        "As of {time:%Y-%m-%d %H:%M} UTC, of {size} records in the newest log; by the company's own word.",
        state.size,
        time=state.time,
        size=state.size,
    )


def audited(ledger: AuditedLedger, say: Language) -> str:
    """Return the content of a ledger in a sentence."""
    return say.counted(
        "{size} record ({whole} whole, {erased} erased, {purged} purged, {lost} lost); {signed} signed.",
        "{size} records ({whole} whole, {erased} erased, {purged} purged, {lost} lost); {signed} signed.",
        ledger.size,
        size=ledger.size,
        whole=ledger.whole,
        erased=ledger.erased,
        purged=ledger.purged,
        lost=ledger.lost,
        signed=min(ledger.signed, ledger.size),
    )


def findings(ledger: AuditedLedger, say: Language) -> Iterator[tuple[bool, str]]:
    """Yield the findings of an audit as sentences, each with whether it is wrong."""
    flawed = {flaw.leaf for flaw in ledger.flaws}
    unnamed = [hole for hole in ledger.holes if not flawed.issuperset(hole.leaves)]
    yield from _holes(unnamed, ledger.log, say)
    for problem in ledger.problems:
        yield True, say(problem)
    for flaw in ledger.flaws:
        yield True, _flaw(flaw, say)
    for row in ledger.history:
        sentence = say(
            "the history says that a caller knows {notice} {version} by record {record}; the records do not",
            notice=row.notice,
            version=row.version,
            record=row.record,
        )
        yield True, sentence
    for counter in ledger.counters:
        sentence = say(
            "the counter of {what} says {says}; the records come to {records}",
            what=_counter(counter, say),
            says=counter.says,
            records=counter.records,
        )
        yield True, sentence
    for stamps in ledger.stamps:
        yield from _stamped(stamps, say)
    yield from ((False, say("To note: {remark}", remark=say(remark))) for remark in ledger.remarks)
    yield from _compared(ledger.elsewhere, say)


def _holes(holes: Sequence[Hole], newest: str, say: Language) -> Iterator[tuple[bool, str]]:
    """Yield a sentence for each note with the leaves that are gone under it, and for those under none.
    `newest` is the log that needs no name."""
    for _note, group in groupby(sorted(holes, key=_note_of), key=_note_of):
        parts = list(group)
        ranges = [f"{part.first}-{part.last}" if part.count > 1 else f"{part.first}" for part in parts]
        places = ", ".join(ranges[:MOST_PLACES]) + (", …" if len(ranges) > MOST_PLACES else "")
        sentence = say.counted(
            "leaf {leaf}: {why}",
            "leaves {leaf}: {why}",
            sum(part.count for part in parts),
            leaf=_place(places, parts[0].log, newest, say),
            why=_cause(parts[0], newest, say),
        )
        yield not parts[0].is_accounted, sentence


def _note_of(hole: Hole) -> tuple[str, str, int, str]:
    """Return the log of a hole, its note, and its cause."""
    return hole.log, hole.noted_in or "", -1 if hole.note is None else hole.note, hole.cause


def _place(indices: object, log: str | None, newest: str, say: Language) -> str:
    """Return leaves with the log to which they belong, if that is not the newest one."""
    return str(indices) if log == newest else say("{leaf} of {log}", leaf=indices, log=log)


def _cause(hole: Hole, newest: str, say: Language) -> str:
    """Return the cause of a hole, its note, and the word by which that stands."""
    cause = say(CAUSES[hole.cause])
    if hole.note is None or hole.at is None:
        return cause
    values = {
        "cause": cause,
        "leaf": _place(hole.note, hole.noted_in, newest, say),
        "at": hole.at,
        "word": _word(hole, say),
    }
    if hole.instruction:
        return say(
            "{cause}, by the note in leaf {leaf} ({at:%Y-%m-%d %H:%M} UTC, instruction {instruction}):"
            " {word}",
            instruction=hole.instruction,
            **values,
        )
    return say("{cause}, by the note in leaf {leaf} ({at:%Y-%m-%d %H:%M} UTC): {word}", **values)


def _word(hole: Hole, say: Language) -> str:
    """Return the standing of the note of a hole."""
    match hole.standing:
        case NoteVerdict.APPROVED:
            return say("approved by {names}", names=", ".join(hole.by))
        case NoteVerdict.OWN_WORD:
            return say("by the company's own word")
        case NoteVerdict.WAITS:
            return say("the approval that it needs is MISSING")
        case NoteVerdict.FLAWED:
            return say("THE NOTE DOES NOT HOLD: {why}", why=say(hole.flaw))
        case _:
            return say("the note holds")


def _counter(counter: CounterRow, say: Language) -> str:
    """Return the name of a counter."""
    if not counter.line:
        return say("known callers")
    at = f"{counter.at:%Y-%m-%d %H} UTC" if counter.at else "?"
    return " ".join(filter(None, (at, counter.line, counter.notice, counter.status or say("calls"))))


def _stamped(stamps: AuditedStamps, say: Language) -> Iterator[tuple[bool, str]]:
    """Yield the result of checking time-stamps."""
    if stamps.unchecked:
        cause = say(stamps.unchecked)
        yield False, say("The time-stamps of {log} were not looked at: {why}", log=stamps.log, why=cause)
    for problem in stamps.problems:
        yield True, say(problem)
    if stamps.last:
        sentence = say.counted(
            "{hold} time-stamp of {log} holds; the newest is of {last:%Y-%m-%d %H:%M} UTC.",
            "{hold} time-stamps of {log} hold; the newest is of {last:%Y-%m-%d %H:%M} UTC.",
            stamps.hold,
            hold=stamps.hold,
            log=stamps.log,
            last=stamps.last,
        )
        yield False, sentence


def _compared(elsewhere: Iterable[ComparedLog], say: Language) -> Iterator[tuple[bool, str]]:
    """Yield the result of comparing the log with its copies elsewhere."""
    independent = False
    for copy in elsewhere:
        if copy.problem is not None and copy.contradicts:
            yield True, say(copy.problem)
        elif copy.problem is not None:
            yield False, say("{name} was not compared: {why}", name=copy.name, why=say(copy.problem))
        else:
            independent = independent or (copy.independent and copy.size > 0)
            sentence = say.counted(
                "{name} has {size} record of the same log {log}.",
                "{name} has {size} records of the same log {log}.",
                copy.size,
                name=copy.name,
                size=copy.size,
                log=copy.log,
            )
            yield False, sentence
    if not independent:
        sentence = say(
            "No checkpoint was compared that nobody here can change: whoever signs here could have rewritten"
            " all of it."
        )
        yield False, sentence


def _flaw(flaw: AuditedFlaw, say: Language) -> str:
    sentence = say(FLAWS[flaw.flaw])
    if flaw.leaf is None:
        return say("record {record}: {what}", record=flaw.record, what=sentence)
    if flaw.record is None:
        return say("leaf {leaf}: {what}", leaf=flaw.leaf, what=sentence)
    return say("record {record} (leaf {leaf}): {what}", record=flaw.record, leaf=flaw.leaf, what=sentence)
