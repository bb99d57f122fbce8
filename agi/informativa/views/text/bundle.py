"""A bundle that was written, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...evidence.note_standing import NoteVerdict
from ...model import Verdict
from ...model.text import Text
from ...operations.evidence.bundle_content import Bundle
from ...operations.evidence.verdict import Hole
from ..messages import Language
from .audits import hole_sentences, verdict_sentence


def bundle_lines(bundle: Bundle, say: Language) -> Iterator[str]:
    """Yield the messages of a bundle that was written: its file, its content, and gaps."""
    yield say(
        "{file}: {records}, {proofs}.",
        file=str(bundle.file),
        records=Text.counted("{count} record", "{count} records", bundle.records),
        proofs=Text.counted("{count} proof", "{count} proofs", bundle.receipts),
    )
    yield bundle_verdict(bundle.verdict, bundle.holes, say)
    if bundle.waiting_from is not None:
        yield say(
            "Without a proof yet: {count}, from number {number} on. Type: informativa evidence checkpoint"
            " --controller {id}, and make it again.",
            count=bundle.waiting,
            number=bundle.waiting_from,
            id=bundle.controller,
        )
    if bundle.erased or bundle.gone:
        yield say("Erased: {erased}. Purged or lost: {gone}.", erased=bundle.erased, gone=bundle.gone)
    yield from (
        f"✘ {sentence}" for is_wrong, sentence in hole_sentences(bundle.holes, bundle.log, say) if is_wrong
    )
    for digest in bundle.unknown_recordings:
        yield say("Records name the recording {digest}, which is not there any more.", digest=digest)
    yield f"SHA-256: {bundle.sha256}"
    yield say(
        "It has pseudonyms of callers, and an erasure does not reach it: delete it when it was handed over."
    )
    yield say(
        "Give the auditor the key by another way: informativa evidence key --controller {id}",
        id=bundle.controller,
    )


def bundle_verdict(verdict: Verdict, holes: Sequence[Hole], say: Language) -> str:
    """Return the verdict on the records of a bundle, in the words of an audit."""
    missing = sum(hole.count for hole in holes if not hole.is_accounted)
    own_word = any(hole.standing is NoteVerdict.OWN_WORD for hole in holes)
    sentence = verdict_sentence(verdict, missing, say, own_word=own_word)
    return say("Verdict on what is in it: {verdict}", verdict=sentence)
