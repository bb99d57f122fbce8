"""Records of a bundle's period that are gone, for the auditor and for the person who makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...evidence.note_standing import NoteVerdict
from ...model import Verdict
from ...model.text import Text
from ...operations.evidence.bundle_holes import BoxErasure, BoxHoles
from ..messages import Language
from .audits import hole_sentences, instruction_words, place, verdict_sentence, word_of_note

MOST_ERASURES = 20  # notes of erasures that are listed of one box

_OF_DATABASE = Text(
    "Of a machine the database has its notes, each as the machine signed it. Which records an erasure names"
    " that stands here without them, when a witness first signed them, and what else is missing there, the"
    " machine alone knows. Type on it:"
    " informativa evidence audit --controller {id}"
)


def bundle_verdict(verdict: Verdict, boxes: Sequence[BoxHoles], say: Language) -> str:
    """Return the verdict on the records of a bundle, in the words of an audit."""
    standings = {note.standing for box in boxes for notes in (box.holes, box.erasures) for note in notes}
    missing = sum(hole.count for box in boxes for hole in box.gaps)
    sentence = verdict_sentence(verdict, missing, say, own_word=NoteVerdict.OWN_WORD in standings)
    return say("Verdict on what is in it: {verdict}", verdict=sentence)


def box_holes(boxes: Sequence[BoxHoles], controller: str, say: Language) -> Iterator[tuple[bool, str]]:
    """Yield what is gone, by which notes, and what only the machines themselves know, as sentences, each with
    whether no note accounts for it."""
    for box in boxes:
        unknown = [hole for hole in box.holes if hole.is_of_unknown_note]
        known = [hole for hole in box.holes if not hole.is_of_unknown_note]
        sentences = [
            *hole_sentences(known, box.log, say),
            *((False, sentence) for _is_wrong, sentence in hole_sentences(unknown, box.log, say)),
            *_erasures(box.erasures, box.log, say),
        ]
        yield from ((wrong, f"{box.box}: {text}" if box.box else text) for wrong, text in sentences)
    if any(box.of_database for box in boxes):
        yield False, say(_OF_DATABASE, id=controller)


def _erasures(notes: Sequence[BoxErasure], newest: str, say: Language) -> Iterator[tuple[bool, str]]:
    """Yield the notes of erasures, each with the word by which it stands."""
    for note in notes[:MOST_ERASURES]:
        sentence = say(
            "an erasure is noted in leaf {leaf} ({at:%Y-%m-%d %H:%M} UTC, instruction {instruction}): {word}",
            leaf=place(note.note, note.log, newest, say),
            at=note.at,
            instruction=instruction_words(note.instruction, say),
            word=word_of_note(note, say),
        )
        yield not note.is_accounted, sentence
    if (more := len(notes) - MOST_ERASURES) > 0:
        yield False, say.counted("and {count} more erasure", "and {count} more erasures", more)
