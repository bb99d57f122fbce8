"""The words of the page in which callers check their receipts, in the languages of letters."""

from __future__ import annotations

from ..model.text import Text
from ..operations.evidence.page_words import Source

TEXTS = {
    "title": Text("Check your receipt"),
    "intro": Text(
        "Choose the receipt that {company} gave you, or drop it on this page. It is read on this computer"
        " alone: nothing is sent, and nothing is stored."
    ),
    "language": Text("Language"),
    "file": Text("Your receipt (a file .tlog-proof or .html)"),
    "waiting_light": Text("No receipt was chosen yet."),
    "waiting": Text("The answer will stand here."),
    "holds_light": Text("The receipt holds."),
    "holds": Text(
        "{company} put on record what stands below, and signed it. Since then nothing in it was changed."
    ),
    "fails_light": Text("The receipt does not hold."),
    "fails": Text(
        "Something in it was changed, or {company} never signed it. Do not rely on it, and ask {company}"
        " for it again."
    ),
    "other_light": Text("The receipt is of another company."),
    "other": Text(
        "It says that it is of the signed log {log}, and no key of {company} signed it. Check it on the"
        " page of the company that it is of."
    ),
    "nothing_light": Text("This is no receipt."),
    "nothing": Text("The file is something else, or was damaged. Choose the file as you got it."),
    "large_light": Text("This file is too large for a receipt."),
    "large": Text("Nothing of it was read. Choose the file as you got it."),
    "unsure_light": Text("The receipt could not be checked."),
    "unsure": Text("This browser cannot check such signatures here. Open this page in a newer one."),
    "page": Text(
        "Your file is a page. Only the signed proof in it was checked: hold to what stands here, if the"
        " page says something else."
    ),
    "witnessed": Text("{name} is independent of the company, and signed it on {when} UTC."),
    "late": Text("It says that it was recorded more than {minutes} minutes after a witness signed it."),
    "record": Text("What is on record"),
    "zone": Text("Times are those of {zone}."),
    "erased": Text(
        "This record was erased at a caller's request: it leads to nobody any more, and shows only that"
        " something happened."
    ),
    "hidden": Text("No telephone number of a caller is in this receipt."),
    "number": Text("Is it about your number? Type it, with + and country code"),
    "check": Text("Check"),
    "about": Text("The receipt is about this number."),
    "not_about": Text("The receipt is NOT about this number."),
    "limits": Text("What it does not prove"),
    "limit_call": Text(
        "That the call was as it is recorded: it proves that the company recorded this, and changed"
        " nothing later."
    ),
    "limit_consent": Text("Having heard a notice does not mean having given consent."),
    "trust": Text("Whom this page trusts"),
    "trust_keys": Text(
        "{company} signs with these keys. Anybody can copy this page and put other keys into it: trust it"
        " only at an address that you know {company} to have."
    ),
    "trust_witnesses": Text("These are the keys of independent signers:"),
    "script": Text("This page needs JavaScript to check a receipt."),
}
"""Each text, by its name in the page."""

_NAMED = Text("{notice}, version {version}")


def _row(
    label: Text, template: Text | None = None, **sources: Source
) -> tuple[Text, Text | None, dict[str, Source]]:
    return label, template, sources


ROWS = (
    _row(Text("When"), value=("local", "happened")),
    _row(Text("Called number"), value=("fact", "line")),
    _row(Text("How"), value=("code", "kind")),
    _row(Text("Which question"), _NAMED, notice=("names", "choice"), version=("fact", "version")),
    _row(Text("What was asked"), value=("code", "asks")),
    _row(Text("The keys"), value=("options", "options")),
    _row(Text("Answer"), value=("code", "answer")),
    _row(Text("Which text"), _NAMED, notice=("names", "notice"), version=("fact", "version")),
    _row(Text("Language"), value=("code", "language")),
    _row(Text("Purposes"), value=("names", "purposes")),
    _row(Text("Outcome"), value=("code", "status")),
    _row(Text("Reason"), value=("code", "reason")),
    _row(
        Text("Heard"),
        Text("{seconds} of {length} seconds, {ending}"),
        seconds=("seconds", "heard"),
        length=("seconds", "length"),
        ending=("code", "ending"),
    ),
    _row(Text("Where the evidence is"), value=("person", "reference")),
    _row(Text("Put on record"), value=("local", "recorded")),
    _row(Text("Record"), value=("fact", "number")),
    _row(Text("Signed log"), value=("fact", "log")),
)
"""Rows of the record: label, template if there is more than the `value`, and where its values come from. A
record without them has no row."""
