"""A receipt as one page that needs no other file: in words, with the sound, the proof, and a check of it.

What counts is the proof that is embedded as a link. The script compares with it all that the page shows. What
no proof says, as the explanations, it compares with the digest that it was made with: who replaces a word
everywhere in the file is noticed, who makes the whole file anew as we do is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import chain

import jinja2
from jinja2.ext import Extension

from ..evidence.encoding import encode_base64
from ..evidence.proof import SUFFIX
from ..evidence.receipt import Person
from ..evidence.tree import leaf_hash
from ..model.invisible import visible
from ..operations.evidence.page_file import Body, digests, policy_of
from ..operations.evidence.page_words import PageWords, SentenceMaker
from ..operations.evidence.receipt_page import ReceiptPage
from .markup import data_block, templates_in
from .messages import Language
from .receipt_claims import claims_by_section
from .receipt_facts import FACTS, PERSON
from .receipt_script import SCRIPTS, for_script

PLACE = "views/templates/receipt"


def page(receipt: ReceiptPage, say: Language) -> str:
    """The file, for a reader of that language."""
    claims = claims_by_section(receipt)
    words = data_block(for_script(receipt, [*chain.from_iterable(claims.values())], say))
    page_words = PageWords.parse(words)
    maker = SentenceMaker(page_words, receipt.receipt)
    sentences = {claim.name: maker.parts(claim) for claim in page_words.claims}
    facts, person, commitments = receipt.receipt.facts, receipt.receipt.who, receipt.receipt.commitments
    body = rendered(
        "body.html",
        say=say,
        receipt=receipt,
        claims={
            section: [(claim.name, sentences[claim.name]) for claim in claims[section]] for section in claims
        },
        commitments=commitments,
        leaf=leaf_hash(receipt.receipt.entry),
        person=person.values if isinstance(person, Person) else None,
        file=f"{receipt.name}{SUFFIX}",
        FACTS=FACTS,
        PERSON=PERSON,
    )
    title = visible(
        say("Receipt of record {number}, {company}", number=facts["number"], company=receipt.company)
    )
    sealed = data_block(digests(words=words, body=Body.parse(f"\n{body}\n"), language=say.code, title=title))
    script = script_text((*SCRIPTS, "page.js"), constants=f"const SEALED = {sealed};\n")
    return page_text(say, title=title, body=body, words=words, style=shipped("page.css"), script=script)


def page_text(say: Language, *, title: str, body: str, words: str, style: str, script: str) -> str:
    """Return a page that needs no other file, with the policy that holds a browser to that."""
    policy = policy_of(style, script)
    parts = {"title": title, "body": body, "words": words, "style": style, "script": script}
    return rendered("page.html", say=say, policy=policy, **parts) + "\n"


def script_text(scripts: Iterable[str], constants: str = "") -> str:
    """Return one script made of several files."""
    return "\n".join([f'"use strict";\n{constants}'.rstrip("\n"), *map(shipped, scripts)])


class _Joined(Extension):
    """Templates in which an indented line goes on with the line before, without white space between them."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return re.sub(r"\n +", "", source)


@cache
def _templates() -> jinja2.Environment:
    return templates_in(PLACE, {"base64": encode_base64}, [_Joined])


def rendered(template: str, **values: object) -> str:
    """Fill a template of a page."""
    return _templates().get_template(template).render(values)


def shipped(name: str) -> str:
    """A file beside the templates, as it is."""
    return resources.files("informativa").joinpath(PLACE, name).read_text(encoding="utf-8")
