"""The page of a receipt as a file: its proof, its parts, and the outline that its seal is of. Pure.

The proof can be taken out of a page that another program wrote anew. All else is read only in the form in
which this program writes it, so that no reader of HTML understands it otherwise: what cannot be read in that
form counts as changed. Line ends and a byte order mark do not count, nor do they in a browser.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ...evidence.encoding import as_text, decode_base64, encode_base64
from ...evidence.receipt import Receipt
from ...model.errors import EvidenceFormatError
from ...model.text import Text

LARGEST_PAGE = 32_000_000  # bytes: the sound has 22 million at most, as base64
_LARGEST_REST = 4_000_000  # bytes, without the sound
_MARK = b"\xef\xbb\xbf"  # byte order mark
_IS_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_SOUND = re.compile(rb'src="data:audio/wav;base64,([A-Za-z0-9+/=]*)"')
_PROOF = re.compile(r"data:application/octet-stream;base64,([A-Za-z0-9+/=]*)")
_CHUNK = 1 << 20  # characters of base64 that are decoded at once; a multiple of 4
_HEAD = re.compile(
    r'\s*<!DOCTYPE html>\n<html lang="(?P<language>[A-Za-z-]+)">\n<head>\n<meta charset="utf-8">\n'
    r'<meta http-equiv="Content-Security-Policy" content="(?P<policy>[^"]*)">\n'
    r'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    r'<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
    r"<title>(?P<title>[^<]*)</title>\n"
)
_SEPARATORS = (
    "<style>",
    "</style>\n</head>\n<body>\n",
    '\n<script type="application/json" id="words">',
    "</script>\n<script>",
    "</script>\n</body>\n</html>",
)
_SEALED = re.compile(r'"use strict";\nconst SEALED = (\{[^\n]*\});\n')
_TOKEN = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z][a-z-]*(?:="[^"]*")?)*)>|[^<]+')
_ATTRIBUTE = re.compile(r' ([a-z][a-z-]*)(?:="([^"]*)")?')
_VOID = frozenset({"br", "input", "meta"})
_MARKED = re.compile(r"data-(?:claim|facts|person|proof|files|signer)")


@dataclass(frozen=True)
class PageFile:
    """The text of a page, without its sound, and with line ends of one kind; the proof in it, in base64; and
    the SHA-256 of the sound in hexadecimal, '' if there is none."""

    text: str
    proof: str
    sound: str

    @classmethod
    def parse(cls, data: bytes) -> PageFile:
        """Find the proof in a page. Raises EvidenceFormatError if there is not exactly one."""
        sound = _SOUND.search(data)
        begin, end = sound.span(1) if sound else (0, 0)
        for size, limit in ((len(data), LARGEST_PAGE), (len(data) - (end - begin), _LARGEST_REST)):
            if size > limit:
                raise EvidenceFormatError(
                    Text("It has {size} bytes, and at most {limit} are read.", size=size, limit=limit)
                )
        text = as_text((data[:begin] + data[end:]).removeprefix(_MARK), _LARGEST_REST)
        proofs = _PROOF.findall(text)
        if len(proofs) != 1:
            raise EvidenceFormatError(
                Text("There are {count} proofs in the page, and a receipt has one.", count=len(proofs))
                if proofs
                else Text("It is a page without a proof in it.")
            )
        digest = _digest(memoryview(data)[begin:end]) if sound else ""
        return cls(text.replace("\r\n", "\n").replace("\r", "\n"), proofs[0], digest)

    def receipt(self) -> Receipt:
        """Parse the receipt in the page. Raises EvidenceFormatError."""
        try:
            return Receipt.parse(decode_base64(self.proof))
        except EvidenceFormatError as error:
            raise EvidenceFormatError(
                Text("The embedded proof cannot be read: {why}", why=error.message), error.remedy
            ) from error


def is_page(data: bytes) -> bool:
    """Return whether a file is a page, and not a proof by itself."""
    return _IS_PAGE.match(data) is not None


def _digest(sound: memoryview) -> str:
    """Return the SHA-256 of what is in base64; '' for what is none."""
    digest = sha256()
    try:
        for place in range(0, len(sound), _CHUNK):
            digest.update(b64decode(sound[place : place + _CHUNK], validate=True))
    except ValueError:
        return ""
    return digest.hexdigest()


@dataclass(frozen=True)
class MarkedElement:
    """An element of the page whose text is compared: its attributes, and the pieces of its text."""

    attributes: Mapping[str, str]
    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True)
class Body:
    """All that a reader may see of a page: its outline, which is elements, attributes in order, and text; and
    what is compared in it, in order."""

    outline: str
    marked: Sequence[MarkedElement]

    @classmethod
    def parse(cls, markup: str) -> Body:
        """Parse a body. Raises EvidenceFormatError for markup in another form than this program's."""
        outline: list[str] = []
        marked: list[MarkedElement] = []
        open_tags: list[str] = []
        depth = 0  # of the marked element that is open; 0 if there is none
        for is_end, tag, attributes, text in _tokens(markup):
            if not tag:
                outline.append(text)
                if depth:
                    marked[-1].pieces.append(text)
            elif is_end:
                if not open_tags or open_tags.pop() != tag:
                    raise other_form()
                outline.append(f"</{tag}>")
                depth = depth if len(open_tags) >= depth else 0
            else:
                shown = sorted(
                    (name, value) for name, value in attributes.items() if name not in ("src", "href")
                )
                outline.append(f"<{tag}{''.join(f' {name}={value}' for name, value in shown)}>")
                if tag not in _VOID:
                    open_tags.append(tag)
                if attributes.get("id") == "text" or any(map(_MARKED.fullmatch, attributes)):
                    if depth:
                        raise other_form()
                    marked.append(MarkedElement(attributes, []))
                    depth = len(open_tags)
        if open_tags:
            raise other_form()
        return cls("".join(outline), marked)


@dataclass(frozen=True)
class PageParts:
    """A page as its maker put it together: its policy, language and title as text; style, body, words for the
    script as JSON, and script as they stand in it."""

    policy: str
    language: str
    title: str
    style: str
    body: str
    words: str
    script: str

    @classmethod
    def parse(cls, text: str) -> PageParts:
        """Take a page apart. Raises EvidenceFormatError for another form than this program's."""
        parts = []
        for separator in _SEPARATORS:
            part, is_there, text = text.partition(separator)
            if not is_there:
                raise other_form()
            parts.append(part)
        head = _HEAD.fullmatch(parts[0])
        if head is None or text.strip():
            raise other_form()
        policy, title = html.unescape(head["policy"]), html.unescape(head["title"])
        return cls(policy, head["language"], title, *parts[1:])

    def seal(self) -> Mapping[str, object]:
        """The digests that the page was made with, by the part that they are of. Raises
        EvidenceFormatError."""
        match = _SEALED.match(self.script)
        try:
            seal = json.loads(match[1]) if match else None
        except (ValueError, RecursionError):
            seal = None
        if not isinstance(seal, dict):
            raise other_form()
        return seal


def digests(*, words: str, body: Body, language: str, title: str) -> dict[str, str]:
    """Return the digests with which a page is made, by the part that they are of. The script in the page
    makes the same (receipt/page.js)."""
    parts = {"words": words, "page": body.outline, "head": f"{language}\n{title}"}
    return {name: sha256(part.encode()).hexdigest() for name, part in parts.items()}


def policy_of(style: str, script: str) -> str:
    """Return the policy by which a browser loads nothing from anywhere, and runs no other script or style
    than these."""
    kinds = (("style-src", style), ("script-src", script))
    hashes = [f"{kind} 'sha256-{encode_base64(sha256(text.encode()).digest())}'" for kind, text in kinds]
    fixed = ["default-src 'none'", "media-src data:", "base-uri 'none'", "form-action 'none'"]
    return "; ".join([*fixed, *hashes])


def other_form() -> EvidenceFormatError:
    """The error that a page is in another form than this program's."""
    return EvidenceFormatError(
        Text("Another program wrote it anew since it was made, as a browser does that saves a page."),
        Text("Ask for the file as it was sent; or save the proof from it, and verify that."),
    )


def _tokens(markup: str) -> Iterator[tuple[bool, str, Mapping[str, str], str]]:
    """Yield each tag, by whether it ends an element, its name and its attributes; and each text between."""
    place = 0
    while place < len(markup):
        token = _TOKEN.match(markup, place)
        if token is None:
            raise other_form()
        place = token.end()
        end, tag, source = token[1], token[2], token[3]
        if tag is None:
            yield False, "", {}, html.unescape(token[0])
            continue
        pairs = _ATTRIBUTE.findall(source)
        attributes = {name: html.unescape(value) for name, value in pairs}
        if len(attributes) != len(pairs) or (end and pairs):
            raise other_form()
        yield bool(end), tag, attributes, ""
