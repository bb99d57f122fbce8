"""The data for the script in a receipt's page: words of the reader's language, and names of the facts.
The script takes none of it for the proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..evidence.commitment import FACTS, PERSON
from ..evidence.receipt import FACTS_OF_CHOICES, NUMBERS, REQUIRED, Values
from ..model.text import Text, plain
from ..operations.evidence.receipt_page import ReceiptPage
from .choice_sentences import ONLY_OF_CHOICES, options
from .messages import Language
from .receipt_claims import Claim, is_of_choice
from .record_words import CODES, MOMENT, MONTHS, TENTHS, name_in_language

SCRIPTS = ("words.js", "proof.js", "receipt.js", "check.js")
"""The check of a receipt, for each page that has one; after them comes the page's own script."""

MESSAGES = {
    "holds_light": Text("Intact."),
    "holds": Text("This record is in the signed log whose key you gave, word for word."),
    "holds_by_page_light": Text("Not checked yet."),
    "holds_by_page": Text(
        "Everything in this page fits together. That alone proves little, since whoever made the page made"
        " all of it: to be sure, paste the company's key, from a source of its own, under “Check this"
        " receipt”."
    ),
    "fails_light": Text("Not intact."),
    "fails": Text("Something does not fit. Do not rely on this page until that is explained:"),
    "unsure_light": Text("Not checked in full."),
    "unsure": Text("Nothing wrong was found, but not everything could be checked here:"),
    "convenience": Text(
        "This check is a convenience: whoever changes a page can change its check too. What counts is the"
        " embedded proof, checked by another program."
    ),
    "readable": Text("The embedded proof can be read."),
    "unreadable": Text("The embedded proof cannot be read: {why}"),
    "canonical": Text("What the proof opens is a record, in its one canonical form."),
    "not_canonical": Text("What the proof opens is no record: {why}"),
    "same_record": Text(
        "The record says of itself what its proof says of it: which signed log, which index."
    ),
    "other_record": Text("The record says that it is another one than its proof is of."),
    "times": Text("The exact times of the record are within its minutes."),
    "two_times": Text("The record gives two times for one thing."),
    "other_opening": Text("The opening key is not this record's, so it shows nobody's number."),
    "included": Text("The record is in the signed log: all hashes up to the signed one fit."),
    "not_included": Text(
        "The record is not in the signed log: one of its facts, a salt, or a hash of the proof was changed."
    ),
    "signed": Text("The periodic signature is by the key {name}."),
    "not_signed": Text(
        "The signature of {name} does not fit: the signature or what it signs was changed, or another key"
        " signed in that name."
    ),
    "other_key": Text("The key that was given did not make this periodic signature."),
    "no_key": Text("What was given is no key of a signed log: {why}"),
    "no_ed25519": Text(
        "This browser has no Ed25519, so the periodic signature was NOT checked. Use another program."
    ),
    "no_crypto": Text(
        "This browser has no WebCrypto here, so nothing could be checked. Use another program."
    ),
    "witnessed": Text("The independent signer {name} signed on {when} UTC."),
    "late": Text("It says that it was recorded more than {minutes} minutes after a witness signed it."),
    "no_witness": Text("No key of an independent signer was given."),
    "sentences": Text("Each sentence of the page says what the proof says."),
    "sentence": Text("A sentence was changed. The page says: “{shown}” The proof says: “{proven}”"),
    "table": Text("The tables of the page show what the proof says."),
    "row": Text("{name} was changed in the page. The page says: “{shown}” The proof says: “{proven}”"),
    "nothing": Text("(nothing)"),
    "whole": Text("The rest of the page is as it was made."),
    "words": Text("The words with which the page makes its sentences anew were changed."),
    "rest": Text("A text of the page was changed that is neither one of its sentences nor in a table."),
    "zone": Text("This browser does not know the time zone {zone}, so local times were not checked."),
    "sound": Text("The sound in this page is a file of the recording that the record names."),
    "other_sound": Text("The sound in this page is not of the recording that the record names."),
    "digest": Text("The hashes of the recording's formats give the digest that the record names."),
    "no_sound": Text("There is no sound in this page that the record names."),
    "copies": Text("The proof as text is the proof that is saved."),
    "other_copy": Text("The proof as text is another one than the proof that is saved."),
    "about": Text("The receipt is about this number."),
    "not_about": Text("The receipt is NOT about this number."),
    "correct": Text("Right:"),
    "wrong": Text("Wrong:"),
    "open": Text("Not checked:"),
    "remark": Text("To note:"),
}


def for_script(page: ReceiptPage, claims: Sequence[Claim], say: Language) -> dict[str, object]:
    """Return all that the script needs to make the sentences anew."""
    of_choice = is_of_choice(page.receipt.facts)
    fact_names = [
        name
        for name in FACTS
        if of_choice or name not in FACTS_OF_CHOICES  # of which no other record has any
    ]
    codes = _codes_of_choice(page.receipt.facts, say) if of_choice else _codes_of_notices()
    return {
        **shape(fact_names),
        "required": required(),
        "claims": [
            {
                "name": claim.name,
                "template": say.gettext(claim.text.template),
                "sources": {place: list(source) for place, source in claim.sources.items()},
            }
            for claim in claims
        ],
        "codes": {
            name: {str(value): say(text) for value, text in meanings.items()}
            for name, meanings in codes.items()
        },
        "names": {
            notice_id: name_in_language(notice_id, page.names, say)
            for kind in ("choice", "notice", "purposes")
            for notice_id in str(page.receipt.facts.get(kind, "")).split()
        },
        "zone": str(page.zone),
        "months": [say(month) for month in MONTHS],
        "moment": say.gettext(MOMENT.template),
        "tenths": say.gettext(TENTHS.template),
        "files": dict(page.sound.files) if page.sound else {},
        "same": page.sound.same if page.sound else False,
        "form": page.sound.form if page.sound else "",
        "key": page.key,
        "said": {name: say.gettext(text.template) for name, text in MESSAGES.items()},
    }


def shape(fact_names: Iterable[str]) -> dict[str, object]:
    """Return the names that a record may have, each with whether its value is a number."""
    names = {"facts": fact_names, "person": PERSON}
    return {part: {name: name in NUMBERS[part] for name in names[part]} for part in names}


def required() -> dict[str, list[str]]:
    """Return the names that every record has."""
    return {part: sorted(names) for part, names in REQUIRED.items()}


def _codes_of_choice(facts: Values, say: Language) -> Mapping[str, Mapping[str, Text]]:
    """Return the meanings of the codes that a record of a choice may have. Its keys are one code, whose
    meaning is that of each."""
    as_recorded = str(facts.get("options", ""))
    return {**CODES, "options": {as_recorded: plain(options(as_recorded, say))}}


def _codes_of_notices() -> Mapping[str, Mapping[str, Text]]:
    """Return the meanings of the codes that a record of no choice may have."""
    codes = {
        name: {value: text for value, text in meanings.items() if value not in ONLY_OF_CHOICES.get(name, ())}
        for name, meanings in CODES.items()
    }
    return {name: meanings for name, meanings in codes.items() if meanings}
