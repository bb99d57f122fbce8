"""The explanations in the page of a receipt: how to check it, what it proves, and how the law reads it."""

from __future__ import annotations

from collections.abc import Iterator

from ...evidence.proof import SUFFIX
from ...model.text import Text
from ...operations.evidence.receipt_page import ReceiptPage
from ..messages import Language
from .markup import Html, element, folded, foreign, joined

_RECIPE = r"""what  = SHA-256("informativa/what/v1\n" || salt_what || facts)
who   = SHA-256("informativa/who/v1\n"  || salt_who  || person)
entry = "informativa/record/v1\n" || what || who
leaf  = SHA-256(0x00 || entry)"""


def verdict(say: Language) -> Html:
    """Return the part for the verdict, with the words that stand there until the script has run."""
    return joined(
        element(
            "p",
            say(
                Text(
                    "Not checked yet: the script of this page did not run. Check the embedded proof with"
                    " another program."
                )
            ),
            id="verdict-words",
        ),
        element("ul", id="flaws"),
    )


def check(receipt: ReceiptPage, say: Language) -> Html:
    """Return the section in which the reader gives the key that he trusts."""
    parts = [
        element("h2", say(Text("Check this receipt")), id="check-h"),
        element(
            "p",
            say(
                Text(
                    "Paste the key of the signed log, from a source of its own: the company's website, a"
                    " contract, the authority. One line a key; keys of independent signers may follow."
                    " Nothing leaves this computer."
                )
            ),
        ),
        element("label", say(Text("Key of the signed log")), for_="keys"),
        element("textarea", id="keys", rows="3", spellcheck="false", autocomplete="off"),
    ]
    if receipt.receipt.opening_key is not None:
        parts += [
            element("label", say(Text("The number that you know, with + and country code")), for_="number"),
            element("input", id="number", type="text", autocomplete="off", spellcheck="false"),
        ]
    parts += [
        element("button", say(Text("Check")), id="run", type="button"),
        element(
            "details",
            element("summary", say(Text("The steps of the check"))),
            element("ul", id="checks"),
        ),
    ]
    return element("section", *parts, id="check", aria_labelledby="check-h")


def witnesses(receipt: ReceiptPage, say: Language) -> Iterator[Html]:
    """Yield the list of the independent signers that the receipt names."""
    if not receipt.cosignatures:
        yield element("p", say(Text("No independent signer signed.")))
        return
    yield element(
        "p",
        say(
            Text(
                "These independent signers are said to have signed, too; only their keys show whether they"
                " did:"
            )
        ),
    )
    yield element(
        "ul",
        *(
            element(
                "li",
                foreign(cosignature.name),
                "" if cosignature.at is None else f", {cosignature.at:%Y-%m-%d %H:%M} UTC",
                data_signer=str(number),
            )
            for number, cosignature in enumerate(receipt.cosignatures)
        ),
    )


def proven(say: Language) -> Html:
    """Return the section that says what follows from the proof, and what does not."""
    yes = [
        Text(
            "What is shown here was in the signed log, word for word, when its periodic signature was made."
        ),
        Text(
            "Were it changed or taken out, the log would no longer fit that signature, and whoever keeps the"
            " signature would see it."
        ),
    ]
    no = [
        Text("That the call took place, or that the caller listened: compare it with the carrier's records."),
        Text("That every call was recorded: compare the number of records with the carrier's list of calls."),
        Text(
            "That it was not written some time before it was signed and changed until then: it is proven to"
            " exist no later than the periodic signature, never earlier."
        ),
        Text(
            "When the periodic signature was made, as long as no independent signer and no time-stamp says"
            " so: without them it is the company's own word."
        ),
        Text("Which person used the telephone: a number is not a person."),
    ]
    return element(
        "section",
        element("h2", say(Text("What is proven, and what is not")), id="proven-h"),
        element(
            "p",
            say(
                Text(
                    "The company's records go into a signed log. About once a minute the company signs it as"
                    " it is then: the periodic signature (checkpoint). An independent signer (witness) may"
                    " sign that, too."
                )
            ),
        ),
        element("h3", say(Text("If the check with your key succeeds, it is proven"))),
        element("ul", *(element("li", say(text)) for text in yes)),
        element("h3", say(Text("It is not proven"))),
        element("ul", *(element("li", say(text)) for text in no)),
        id="proven",
        aria_labelledby="proven-h",
    )


def elsewhere(receipt: ReceiptPage, say: Language) -> Html:
    """Programs that need not believe this page."""
    file = f"{receipt.name}{SUFFIX}"
    return folded(
        say(Text("Check it with other programs")),
        "elsewhere",
        element(
            "p",
            say(
                Text("Save the proof. The same program checks it without configuration and without network:")
            ),
        ),
        element("pre", f"informativa evidence verify {file} --key 'VKEY'", tabindex="0"),
        element(
            "p",
            say(
                Text(
                    "Programs of others check it too, since it is a C2SP tlog-proof (c2sp.org/tlog-proof):"
                    " with Go, the package golang.org/x/mod/sumdb/note opens the checkpoint, and CheckRecord"
                    " of golang.org/x/mod/sumdb/tlog checks the hashes. They need the leaf, which follows"
                    " from the JSON in the line “extra” (base64); facts and person are canonical there (RFC"
                    " 8785):"
                )
            ),
        ),
        element("pre", _RECIPE, tabindex="0"),
    )


def law(say: Language) -> Html:
    """Return the section on the law. It gives no advice."""
    points = [
        Text("Article 13(4) GDPR: who has the information already need not be given it again."),
        Text("Article 5(2) GDPR: the controller must be able to demonstrate that it complies."),
        Text(
            "Article 41 of Regulation (EU) No 910/2014 (eIDAS): an electronic time-stamp is not refused as"
            " evidence solely because it is electronic or not qualified; a qualified one is presumed to give"
            " the right date. This page holds no time-stamp; the company may show them for the periodic"
            " signature."
        ),
        Text(
            "A notice that was given is not a consent: nothing here says that the caller agreed to anything."
        ),
    ]
    return element(
        "section",
        element("h2", say(Text("How the law reads it")), id="law-h"),
        element("p", say(Text("This is information and no legal advice."))),
        element("ul", *(element("li", say(point)) for point in points)),
        id="law",
        aria_labelledby="law-h",
    )
