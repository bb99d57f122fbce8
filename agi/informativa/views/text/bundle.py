"""A bundle that was written, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from ...model.text import Text
from ...operations.evidence.bundle_content import Bundle
from ..messages import Language
from .bundle_boxes import completeness
from .bundle_holes import box_holes, bundle_verdict


def bundle_lines(bundle: Bundle, zone: tzinfo, say: Language, *, all_boxes: bool) -> Iterator[str]:
    """Yield the messages of a bundle that was written: its file, its content, and gaps; with times of that
    zone."""
    yield say(
        "{file}: {records}, {proofs}.",
        file=str(bundle.file),
        records=Text.counted("{count} record", "{count} records", bundle.records),
        proofs=Text.counted("{count} proof", "{count} proofs", bundle.receipts),
    )
    yield bundle_verdict(bundle.verdict, bundle.holes, say)
    yield from completeness(bundle.incomplete, zone, say, all_boxes=all_boxes)
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
        f"✘ {sentence}" for is_wrong, sentence in box_holes(bundle.holes, bundle.controller, say) if is_wrong
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
