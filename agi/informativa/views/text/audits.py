"""Audits, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ...evidence.note_standing import NoteVerdict
from ...ledgers.audit_flaws import AuditedFlaw, Flaw
from ...ledgers.audit_history import HistoryRow
from ...ledgers.instructions import UNSTATED
from ...ledgers.tally import CounterRow
from ...model import Answer, Verdict
from ...model.text import Text
from ...operations.evidence.verdict import Hole, HoleCause
from ..messages import Language

if TYPE_CHECKING:  # for an audit, and not for its last result
    from ...operations.evidence.auditing import AuditedLedger, Audits, ComparedLog

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


ACTS: dict[str, Text] = {
    Answer.GRANTED: Text(
        "the answer table says that a caller granted {choice} by record {record}; the records do not"
    ),
    Answer.REFUSED: Text(
        "the answer table says that a caller refused {choice} by record {record}; the records do not"
    ),
    Answer.WITHDRAWN: Text(
        "the answer table says that a caller withdrew {choice} by record {record}; the records do not"
    ),
}
NO_ACT = Text(
    "the answer table says that a caller gave no answer to {choice} by record {record}; the records do not"
)


MOST_PLACES = 20  # ranges of leaves that are listed under one note


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
    missing = sum(hole.count for hole in ledger.holes if not hole.is_accounted)
    own_word = any(hole.standing is NoteVerdict.OWN_WORD for hole in ledger.holes)
    is_signed = ledger.as_of.is_signed
    return verdict_sentence(ledger.verdict, missing, say, own_word=own_word, is_signed=is_signed)


def verdict_sentence(
    verdict: Verdict, missing: int, say: Language, *, own_word: bool, is_signed: bool = True
) -> str:
    """Return a verdict in a sentence. `missing` records are gone under no note that accounts for them; notes
    account for others by the company's `own_word`, or by that of whoever may approve. Unless
    the newest log `is_signed`, a good verdict proves nothing."""
    match verdict:
        case Verdict.COMPLETE:
            if not is_signed:
                return say(
                    "Complete, by the company's own word: no checkpoint of its newest log is here, so that it"
                    " proves nothing."
                )
            return say("Complete: nothing was changed, added or taken away.")
        case Verdict.ACCOUNTED:
            if not is_signed:
                return say(
                    "Accounted for, by the company's own word: no checkpoint of its newest log is here, so"
                    " that it proves nothing."
                )
            if own_word:
                return say("Accounted for: what is gone is named, by the company's own word.")
            return say("Accounted for: what is gone is named, and whoever may approve it has.")
        case Verdict.GAPS:
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
    yield from hole_sentences(unnamed, ledger.log, say)
    for problem in ledger.problems:
        yield True, say(problem)
    for flaw in ledger.flaws:
        yield True, _flaw(flaw, say)
    for row in ledger.history:
        yield True, _history(row, say)
    for counter in ledger.counters:
        sentence = say(
            "the counter of {what} says {says}; the records come to {records}",
            what=_counter(counter, say),
            says=counter.says,
            records=counter.records,
        )
        yield True, sentence
    yield from ((False, say("To note: {remark}", remark=say(remark))) for remark in ledger.remarks)
    yield from _compared(ledger.elsewhere, say)


def _history(row: HistoryRow, say: Language) -> str:
    """Return a row of the history that the records contradict, in a sentence."""
    if row.choice:
        return say(ACTS.get(row.answer or "", NO_ACT), choice=row.choice, record=row.record)
    return say(
        "the history says that a caller knows {notice} {version} by record {record}; the records do not",
        notice=row.notice,
        version=row.version,
        record=row.record,
    )


def hole_sentences(holes: Sequence[Hole], newest: str, say: Language) -> Iterator[tuple[bool, str]]:
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
            leaf=place(places, parts[0].log, newest, say),
            why=_cause(parts[0], newest, say),
        )
        yield not parts[0].is_accounted, sentence


def _note_of(hole: Hole) -> tuple[str, str, int, str]:
    """Return the log of a hole, its note, and its cause."""
    return hole.log, hole.noted_in or "", -1 if hole.note is None else hole.note, hole.cause


def place(indices: object, log: str | None, newest: str, say: Language) -> str:
    """Return leaves with the log to which they belong, if that is not the newest one."""
    return str(indices) if log == newest else say("{leaf} of {log}", leaf=indices, log=log)


def _cause(hole: Hole, newest: str, say: Language) -> str:
    """Return the cause of a hole, its note, and the word by which that stands."""
    cause = say(CAUSES[hole.cause])
    if hole.note is None or hole.at is None:
        return cause
    values = {
        "cause": cause,
        "leaf": place(hole.note, hole.noted_in, newest, say),
        "at": hole.at,
        "word": _word_of_note(hole, say),
    }
    if hole.instruction:
        return say(
            "{cause}, by the note in leaf {leaf} ({at:%Y-%m-%d %H:%M} UTC, instruction {instruction}):"
            " {word}",
            instruction=instruction_words(hole.instruction, say),
            **values,
        )
    return say("{cause}, by the note in leaf {leaf} ({at:%Y-%m-%d %H:%M} UTC): {word}", **values)


def instruction_words(instruction: str, say: Language) -> str:
    """Return the name of a controller's instruction, or that the note names none."""
    return say("not stated") if instruction == UNSTATED else instruction


def _word_of_note(note: Hole, say: Language) -> str:
    """Return the standing of a note."""
    match note.standing:
        case NoteVerdict.APPROVED:
            return say("approved by {names}", names=", ".join(note.by))
        case NoteVerdict.OWN_WORD:
            return say("by the company's own word")
        case NoteVerdict.WAITS:
            return say("the approval that it needs is MISSING")
        case NoteVerdict.FLAWED:
            return say("THE NOTE DOES NOT HOLD: {why}", why=say(note.flaw))
        case _:
            return say("the note holds")


def _counter(counter: CounterRow, say: Language) -> str:
    """Return the name of a counter."""
    if not counter.line:
        return say("known callers")
    at = f"{counter.at:%Y-%m-%d %H} UTC" if counter.at else "?"
    return " ".join(filter(None, (at, counter.line, counter.notice, counter.status or say("calls"))))


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
