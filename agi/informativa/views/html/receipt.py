"""A receipt as one page that needs no other file: in words, with the sound, the proof, and a check of it.

What counts is the proof that is embedded as a link. The script compares with it all that the page shows. What
no proof says, as the explanations, it compares with the digest that it was made with: who replaces a word
everywhere in the file is noticed, who makes the whole file anew as we do is not.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import resources
from string import Template

from ...evidence.encoding import encoded
from ...evidence.proof import SUFFIX
from ...evidence.receipt import Person
from ...evidence.tree import leaf_hash
from ...model.text import Text
from ...operations.evidence.receipt_page import PlayedSound, ReceiptPage
from ..messages import Language
from . import receipt_explained as explained
from .markup import Child, Html, data_block, element, folded, foreign, joined, outline_of, visible
from .receipt_claims import Claim, Values, about_sound, about_what, about_whom, summary, title
from .receipt_facts import FACTS, PERSON
from .receipt_script import SCRIPTS, for_script

_MIME = "audio/wav"
_EVIDENCE = "application/octet-stream"


def page(receipt: ReceiptPage, say: Language) -> str:
    """The file, for a reader of that language."""
    event_claims, person_claims = list(about_what(receipt)), list(about_whom(receipt.receipt))
    sound_claims, values = list(about_sound(receipt)), Values(receipt, say)
    header = _header(receipt, values)
    main = joined(
        _section(say(Text("What is on record")), "what", *_sentences(event_claims, values)),
        _section(say(Text("Who it is about")), "whom", *_sentences(person_claims, values)),
        _section(say(Text("What was played")), "played", *_played(receipt, say)),
        explained.proven(say),
        explained.check(receipt, say),
        explained.law(say),
        folded(say(Text("The proof")), "proof", *_proof(receipt, say)),
        folded(
            say(Text("The record in full")),
            "facts",
            *_facts(receipt, say),
            *_sentences(sound_claims, values),
            *_files(receipt, say),
        ),
        explained.elsewhere(receipt, say),
    )
    claims = [title(), summary(receipt), *event_claims, *person_claims, *sound_claims]
    words = data_block(for_script(receipt, claims, say))
    style, template = _shipped("page.css"), Template(_shipped("page.html"))
    number = str(receipt.receipt.facts["number"])
    heading = say("Receipt of record {number}, {company}", number=number, company=receipt.company)
    parts = {
        "language": joined(say.code),
        "title": joined(visible(heading)),
        "style": style,
        "words": words,
        "header": header,
        "verdict": explained.verdict(say),
        "main": main,
    }
    _, _, body = template.safe_substitute(parts).partition("<body>")
    visible_part = Html(body.partition("<script")[0])
    sealed = data_block({"words": _digest(words), "page": _digest(outline_of(visible_part))})
    script = "\n".join([f'"use strict";\nconst SEALED = {sealed};', *map(_shipped, SCRIPTS)])
    return template.substitute(parts, policy=_policy(style, script), script=script)


def _header(receipt: ReceiptPage, values: Values) -> Html:
    heading = element("h1", values.sentence(title()), data_claim=title().name)
    return joined(
        heading,
        *_sentences([summary(receipt)], values),
    )


def _sentences(claims: list[Claim], values: Values) -> Iterator[Html]:
    for claim in claims:
        yield element("p", values.sentence(claim), data_claim=claim.name)


def _played(receipt: ReceiptPage, say: Language) -> Iterator[Html]:
    sound, facts = receipt.sound, receipt.receipt.facts
    if "prompt" not in facts:
        yield element("p", say(Text("Nothing was played.")))
        return
    if sound is None:
        yield element("p", say(Text("The recording is not there any more, so it is not in this page.")))
        return
    if receipt.text:
        lines = [element("p", foreign(line)) for line in receipt.text.splitlines() if line.strip()]
        yield element("blockquote", *lines, lang=str(facts.get("language", "")).replace("_", "-"))
        yield element(
            "p", say(Text("These are the words that the company keeps with it; what counts is the sound."))
        )
    else:
        yield element("p", say(Text("No text is kept with this recording; what counts is the sound.")))
    yield from _sound(sound, say)
    if not sound.same:
        doubt = (
            Text("It is NOT the recording that the record names, or not with the same files.")
            if "recording" in facts
            else Text("The record does not say which recording it was.")
        )
        yield element("p", say(doubt), class_="doubt")


def _sound(sound: PlayedSound, say: Language) -> Iterator[Html]:
    if sound.data:
        source = f"data:{_MIME};base64,{b64encode(sound.data).decode()}"
        label = say(Text("The recording"))
        yield element("audio", controls=True, preload="metadata", src=source, id="sound", aria_label=label)
        yield element("p", say(Text("The sound in this page is the file .{form}.").format(form=sound.form)))
    else:
        yield element("p", say(Text("No browser plays its formats, so the sound is not in this page.")))


def _files(receipt: ReceiptPage, say: Language) -> Iterator[Html]:
    if receipt.sound is None:
        return
    rows = [
        element(
            "tr",
            element("th", foreign(f".{form}"), scope="row"),
            element("td", element("code", digest), data_files=form),
        )
        for form, digest in sorted(receipt.sound.files.items())
    ]
    head = element("tr", _heading(say(Text("File"))), _heading("SHA-256"))
    caption = element("caption", say(Text("The formats of the recording")))
    yield _table(caption, head, *rows)


def _proof(receipt: ReceiptPage, say: Language) -> Iterator[Html]:
    checkpoint, proof = receipt.checkpoint, receipt.receipt.proof
    commitments = receipt.receipt.commitments
    rows: Mapping[str, tuple[str, str]] = {
        "origin": (say(Text("Signed log")), checkpoint.origin),
        "index": (say(Text("Index of the record, from 0")), str(proof.index)),
        "size": (say(Text("Records under the periodic signature")), str(checkpoint.size)),
        "root": (say(Text("Hash of the whole log (root)")), encoded(checkpoint.root)),
        "leaf": (say(Text("Hash of the record (leaf)")), encoded(leaf_hash(commitments.entry))),
        "what": (say(Text("Hash of what happened")), commitments.what.hex()),
        "who": (say(Text("Hash of whom it is about")), commitments.who.hex()),
        "key": (say(Text("Key, as this page says")), receipt.key),
    }
    pairs: list[Child] = []
    for name, (label, value) in rows.items():
        pairs += [element("dt", label), element("dd", element("code", foreign(value)), data_proof=name)]
    yield element("dl", *pairs)
    yield from explained.witnesses(receipt, say)
    link = f"data:{_EVIDENCE};base64,{b64encode(proof.data).decode()}"
    yield element(
        "p",
        element(
            "a", say(Text("Save the proof")), id="evidence", href=link, download=f"{receipt.name}{SUFFIX}"
        ),
        say(
            Text(": the file {name}. It is what counts; all else in this page only explains it.").format(
                name=f"{receipt.name}{SUFFIX}"
            )
        ),
    )
    yield element(
        "details",
        element("summary", say(Text("The proof as text"))),
        element("pre", proof.data.decode(), id="text", tabindex="0"),
        class_="raw",
    )


def _facts(receipt: ReceiptPage, say: Language) -> Iterator[Html]:
    person = receipt.receipt.who
    parts = [("facts", FACTS, receipt.receipt.facts, say(Text("What happened")))]
    if isinstance(person, Person):
        parts.append(("person", PERSON, person.values, say(Text("Whom it is about"))))
    for part, labels, values, caption in parts:
        rows = [
            element(
                "tr",
                element("th", say(labels[name]), element("code", name), scope="row"),
                element("td", foreign(str(value)), **{f"data_{part}": name}),
            )
            for name, value in values.items()
        ]
        head = element("tr", _heading(say(Text("Fact"))), _heading(say(Text("As recorded"))))
        yield _table(element("caption", caption), head, *rows)


def _heading(text: str) -> Html:
    return element("th", text, scope="col")


def _table(caption: Html, head: Html, *rows: Html) -> Html:
    return element("table", caption, element("thead", head), element("tbody", *rows))


def _section(heading: str, name: str, *children: Child) -> Html:
    return element(
        "section", element("h2", heading, id=f"{name}-h"), *children, id=name, aria_labelledby=f"{name}-h"
    )


def _policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere, and no other script or style than these runs."""
    kinds = (("style-src", style), ("script-src", script))
    hashes = [f"{kind} 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for kind, text in kinds]
    fixed = ["default-src 'none'", "media-src data:", "base-uri 'none'", "form-action 'none'"]
    return "; ".join([*fixed, *hashes])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _shipped(name: str) -> str:
    file = resources.files("informativa") / "views/templates/receipt" / name
    return file.read_text(encoding="utf-8")
