"""The comparison of a receipt's page with the proof in it, as the script in the page makes it. Pure.

What no proof says, as the explanations, is compared with the seal that the page was made with: who replaces a
word in the file is noticed, who makes the whole file anew as this program does is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...evidence.checkpoint import Checkpoint
from ...evidence.encoding import encode_base64
from ...evidence.note import parse
from ...evidence.receipt import Person, Receipt
from ...evidence.tree import leaf_hash
from ...model import recording_digest
from ...model.errors import EvidenceFormatError
from ...model.invisible import visible
from ...model.text import Text
from .page_file import Body, MarkedElement, PageFile, PageParts, digests, policy_of
from .page_words import PageWords, SentenceMaker
from .receipt_page import claimed_cosignatures

_LONGEST = 300  # characters of a text that was changed
_NOTHING = Text("(nothing)")


def page_change(page: PageFile, receipt: Receipt) -> Text | None:
    """Return the first thing that was changed in a page since it was made with this receipt; `None` if, as
    far as its proof and its seal tell, nothing was."""
    try:
        parts = PageParts.parse(page.text)
        return next(_changes(page, parts, Body.parse(f"\n{parts.body}\n"), receipt), None)
    except EvidenceFormatError as error:
        return error.text


def _changes(page: PageFile, parts: PageParts, body: Body, receipt: Receipt) -> Iterator[Text]:
    proof = "".join(element.text for element in body.marked if element.attributes.get("id") == "text")
    if proof.encode() != receipt.proof.data:
        yield Text("The proof as text is another one than the proof that is saved.")
    words = PageWords.parse(parts.words)
    yield from _changed_sentences(body, words, receipt)
    yield from _changed_rows(body, words, receipt)
    if "prompt" in receipt.facts and words.files and words.same:
        is_named = recording_digest(words.files) == receipt.facts.get("recording")
        if not is_named or page.sound != words.files.get(words.form, ""):
            yield Text("The sound in this page is not of the recording that the record names.")
    seal = parts.seal()
    present = digests(words=parts.words, body=body, language=parts.language, title=parts.title)
    if seal.get("words") != present["words"]:
        yield Text("The words with which the page makes its sentences anew were changed.")
    if seal.get("page") != present["page"] or seal.get("head", present["head"]) != present["head"]:
        yield Text("A text of the page was changed that is neither one of its sentences nor in a table.")
    if parts.policy != policy_of(parts.style, parts.script):
        yield Text("The style or the script of the page was changed.")


def _changed_sentences(body: Body, words: PageWords, receipt: Receipt) -> Iterator[Text]:
    maker = SentenceMaker(words, receipt)
    claimed = {
        claim.name: maker.parts(claim) for claim in words.claims if maker.zone or not claim.is_in_local_time
    }
    proven = {
        name: "".join(text + visible(value or "") for text, value in parts)
        for name, parts in claimed.items()
        if parts is not None
    }
    unknown = {claim.name for claim in words.claims} - set(claimed)
    for _, shown, right in _differences(_by_name(body, "data-claim"), proven):
        if shown is None or shown.attributes["data-claim"] not in unknown:
            yield Text(
                "A sentence was changed. The page says: “{shown}” The proof says: “{proven}”",
                shown=_page_text(shown),
                proven=_NOTHING if right is None else _short(right),
            )


def _changed_rows(body: Body, words: PageWords, receipt: Receipt) -> Iterator[Text]:
    tables: Mapping[str, Mapping[str, object]] = {
        "facts": receipt.facts,
        "person": receipt.who.values if isinstance(receipt.who, Person) else {},
        "proof": _proof_values(receipt, words.key),
        "files": words.files,
        "signer": _signers(receipt, words.key),
    }
    for part, values in tables.items():
        proven = {name: visible(str(value)) for name, value in values.items()}
        for name, shown, right in _differences(_by_name(body, f"data-{part}"), proven):
            yield Text(
                "{name} was changed in the page. The page says: “{shown}” The proof says: “{proven}”",
                name=_short(name),
                shown=_page_text(shown),
                proven=_NOTHING if right is None else _short(right),
            )


def _by_name(body: Body, attribute: str) -> dict[str, MarkedElement]:
    """Return the elements by the value of the attribute; a second one of a name has another."""
    elements: dict[str, MarkedElement] = {}
    for element in body.marked:
        name = element.attributes.get(attribute)
        if name is not None:
            elements[f"{name} (2)" if name in elements else name] = element
    return elements


def _differences(
    shown: Mapping[str, MarkedElement], proven: Mapping[str, str]
) -> Iterator[tuple[str, MarkedElement | None, str | None]]:
    for name in dict.fromkeys([*proven, *shown]):
        element, right = shown.get(name), proven.get(name)
        if element is None or element.text != right:
            yield name, element, right


def _proof_values(receipt: Receipt, key: str) -> Mapping[str, object]:
    """Return the values of the proof, by their names in the page."""
    proof, commitments = receipt.proof, receipt.commitments
    checkpoint = Checkpoint.parse(parse(proof.checkpoint).text)
    return {
        "origin": checkpoint.origin,
        "index": proof.index,
        "size": checkpoint.size,
        "root": encode_base64(checkpoint.root),
        "leaf": encode_base64(leaf_hash(receipt.entry)),
        "what": commitments.what.hex(),
        "who": commitments.who.hex(),
        "key": key,
    }


def _signers(receipt: Receipt, key: str) -> Mapping[str, str]:
    """Return the further signatures as the page lists them."""
    name, _, rest = key.partition("+")
    others = claimed_cosignatures(parse(receipt.proof.checkpoint), name, rest.partition("+")[0])
    return {
        str(place): other.name + (f", {other.at:%Y-%m-%d %H:%M} UTC" if other.at else "")
        for place, other in enumerate(others)
    }


def _page_text(element: MarkedElement | None) -> Text | str:
    return _NOTHING if element is None else _short(element.text)


def _short(text: str) -> str:
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
